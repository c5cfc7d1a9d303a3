// Content and live settings to objects: what `kubectl apply --server-side` would be given.
//
// Law: pure and stable; the same arguments give the same bytes in every build with the same `renderer_version`. A pod
// template comes from the spec once, when a revision is rendered, and from that revision's record ever after; what is
// live (replicas, strategy, Services, ...) comes from the spec each time. Limits: an intent holds only fields that the
// operator owns; whatever else stands in an object belongs to others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "todoapp/types.hpp"

namespace todoapp {

/// Raised whenever the same spec would render to another pod template; it stands in every revision.
inline constexpr std::int32_t renderer_version = 1;

/// Names of the immutable Secrets that hold a tier's pinned and generated values; empty where nothing is sealed.
struct SealedSecrets {
  std::string frontend;
  std::string backend;
  [[nodiscard]] const std::string& of(Tier tier) const { return tier == Tier::frontend ? frontend : backend; }
};

/// What lies over the sealed template and is not content.
struct Overlay {
  std::string restart{};          ///< the restart token; empty for none
  std::string attempt{};          ///< the retry that these pods are of; empty for the first attempt
  std::string live_secrets{};     ///< changes when a live value does; empty for none
  std::string secret_versions{};  ///< the Deployment's note of what was read, not part of the template; empty for none
  friend bool operator==(const Overlay&, const Overlay&) = default;
};

/// Where the values of a sealed Secret are from, without the values.
struct SealedOrigin {
  std::string sources;      ///< a hash of what they were made from; empty where a rollback put them together
  std::string generated{};  ///< names of the generated ones, joined by commas
  std::string rotate{};     ///< the token that those were generated for
};

/// desired/content: the spec's pod templates, config and migration.
[[nodiscard]] Content render_content(const App& app, const SealedSecrets& sealed);

/// What a template is known by: the mark and pod label `template`.
[[nodiscard]] std::string template_hash_of(const JsonText& pod_template);

/// desired/deployment: `revision` is the number that last changed the tier's template. With autoscaling the intent
/// names no number of replicas; applied over one that did, it makes the server fall back to 1 [seen on 1.36].
[[nodiscard]] Intent deployment_intent(const App& app, Tier tier, const TierContent& content, std::int64_t revision,
                                       const Overlay& overlay);
/// desired/service.
[[nodiscard]] Intent service_intent(const App& app, Tier tier);
/// desired/config: the immutable ConfigMap `content.config_name`.
[[nodiscard]] Intent config_intent(const App& app, Tier tier, const TierContent& content);
/// desired/secrets: the immutable Secret `name`. The intent's hash leaves the values out: the name says them already,
/// under the app's own key.
[[nodiscard]] Intent sealed_secret_intent(const App& app, Tier tier, const std::string& name, const StringMap& values,
                                          const SealedOrigin& origin);
/// The Secret `<app>-keys`: `values` holds the HMAC key and the generated values, bytes as they are (not base64). It is
/// marked with the rotate token that the app asks for now.
[[nodiscard]] Intent keys_intent(const App& app, const StringMap& values);
/// desired/policy: what the spec asks for, else nothing.
[[nodiscard]] std::optional<Intent> autoscaler_intent(const App& app, Tier tier);
[[nodiscard]] std::optional<Intent> disruption_budget_intent(const App& app, Tier tier);
[[nodiscard]] std::optional<Intent> network_policy_intent(const App& app);
/// desired/ingress.
[[nodiscard]] std::optional<Intent> ingress_intent(const App& app);
/// desired/migration: the Job `<app>-migrate-<number>`. It and its pods have the component `migration`, so that neither
/// the backend's Service nor its budget takes them for pods of the backend.
[[nodiscard]] Intent migration_intent(const App& app, const MigrationContent& migration, std::int64_t number);

}  // namespace todoapp
