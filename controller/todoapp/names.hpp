// Names, labels and annotations of everything that belongs to an app. Law: deterministic; whoever knows the app's name
// and a hash or number knows the object's name, so that a lost answer can be looked up instead of tried twice.
#pragma once

#include <string>
#include <string_view>

#include "kube/model/resource.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

inline constexpr std::string_view field_manager = "todoapp-operator";
inline constexpr std::string_view prefix = "apps.todoapp.dev/";

/// Annotations (and one label), without the prefix: as the cache keeps them.
namespace mark {
inline constexpr std::string_view applied = "applied";     ///< hash of the intent last applied, on every child
inline constexpr std::string_view revision = "revision";   ///< Deployment: the revision that last changed its template
inline constexpr std::string_view template_ = "template";  ///< Deployment annotation and pod label: which template runs
inline constexpr std::string_view restart = "restart";     ///< pod template and Deployment: the restart token
inline constexpr std::string_view live_secrets = "live-secrets";  ///< pod template: changes when a live value does
inline constexpr std::string_view secret_versions =
    "secret-versions";                                        ///< Deployment: what was last read of the sources
inline constexpr std::string_view ports = "ports";            ///< Service: the port numbers last applied
inline constexpr std::string_view autoscaled = "autoscaled";  ///< Deployment: its replicas are left to an autoscaler
inline constexpr std::string_view sources = "sources";        ///< sealed Secret: what its values were made from
inline constexpr std::string_view content = "content";        ///< ControllerRevision: the content's hash
inline constexpr std::string_view renderer = "renderer";
inline constexpr std::string_view outcome = "outcome";
inline constexpr std::string_view reason = "reason";
inline constexpr std::string_view cause = "cause";
inline constexpr std::string_view rollback_of = "rollback-of";
inline constexpr std::string_view retry = "retry";
inline constexpr std::string_view failure = "failure";
inline constexpr std::string_view schema = "schema";    ///< ControllerRevision: schema version its migration reached
inline constexpr std::string_view attempt = "attempt";  ///< pod label and Deployment: the retry that these pods are of
inline constexpr std::string_view rotate = "rotate";    ///< keys and sealed Secrets: the token of generated values
inline constexpr std::string_view generated = "generated";  ///< sealed Secret: names of its generated values
}  // namespace mark

/// "apps.todoapp.dev/NAME".
[[nodiscard]] std::string marked(std::string_view name);

[[nodiscard]] const kube::Resource& app_resource();
[[nodiscard]] const kube::Resource& resource_of(Kind kind);

[[nodiscard]] std::string_view to_string(Tier tier);  ///< "frontend", "backend"
[[nodiscard]] std::string_view to_string(Kind kind);  ///< "Deployment", ...

[[nodiscard]] std::string tier_name(std::string_view app, Tier tier);  ///< Deployment, Service, HPA, ...
[[nodiscard]] std::string config_name(std::string_view app, Tier tier, std::string_view hash);
[[nodiscard]] std::string sealed_secret_name(std::string_view app, Tier tier, std::string_view hash);
[[nodiscard]] std::string keys_name(std::string_view app);
[[nodiscard]] std::string revision_name(std::string_view app, std::int64_t number);
[[nodiscard]] std::string migration_name(std::string_view app, std::int64_t number);

/// The labels that a selector uses: name, instance, component.
[[nodiscard]] StringMap selector_labels(std::string_view app, Tier tier);
/// Those of an object of the app: with part-of and managed-by; `component` is left out where there is no tier.
[[nodiscard]] StringMap object_labels(std::string_view app, const Tier* tier);
/// What the caches of children are narrowed by.
inline constexpr std::string_view managed_selector = "app.kubernetes.io/managed-by=todoapp-operator";

}  // namespace todoapp
