// The app as its users write it, and what a revision of it holds, as plain values.
//
// Law: nothing here does I/O, asks for the time or rolls dice; equal values mean equal decisions. Parts that are handed
// through to Kubernetes unread (affinity, tolerations, ...) are kept as canonical JSON text, so that `==` and hashes
// need no parsing. Limits: defaults stand here as in the CRD's schema, for whoever renders a file that no server has
// seen.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace todoapp {

enum class Tier : std::uint8_t { frontend, backend };
inline constexpr std::array all_tiers{Tier::frontend, Tier::backend};

/// Canonical JSON text of a part that is passed on as it is; empty where the user left it out.
using JsonText = std::string;
using StringMap = std::map<std::string, std::string>;

struct ServiceSpec {
  std::string type{"ClusterIP"};
  std::int32_t port{80};
  std::optional<std::int32_t> node_port;
  StringMap annotations;
  friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

struct Probe {
  bool disabled{false};
  std::string path;
  std::int32_t period_seconds{10};
  std::int32_t timeout_seconds{2};
  std::int32_t failure_threshold{3};
  std::int32_t initial_delay_seconds{0};
  friend bool operator==(const Probe&, const Probe&) = default;
};

struct Probes {
  Probe liveness{.path = "/health", .period_seconds = 10, .failure_threshold = 3};
  Probe readiness{.path = "/ready", .period_seconds = 5, .failure_threshold = 3};
  Probe startup{.path = "/health", .period_seconds = 2, .failure_threshold = 30};
  friend bool operator==(const Probes&, const Probes&) = default;
};

struct Autoscaling {
  std::int32_t min_replicas{1};
  std::int32_t max_replicas{1};
  std::optional<std::int32_t> target_cpu;     ///< per cent of the request
  std::optional<std::int32_t> target_memory;  ///< per cent of the request
  JsonText behavior;
  friend bool operator==(const Autoscaling&, const Autoscaling&) = default;
};

/// Exactly one of the two is set; each is JSON: a number or a percentage string.
struct DisruptionBudget {
  JsonText min_available;
  JsonText max_unavailable;
  friend bool operator==(const DisruptionBudget&, const DisruptionBudget&) = default;
};

struct Strategy {
  JsonText max_surge{"\"25%\""};
  JsonText max_unavailable{"0"};
  std::int32_t min_ready_seconds{0};
  friend bool operator==(const Strategy&, const Strategy&) = default;
};

struct Migration {
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::int32_t schema_version{0};   ///< the schema that this image needs
  std::int32_t compatible_from{0};  ///< the lowest schema version whose code still works on this schema
  std::int32_t backoff_limit{1};
  std::int32_t active_deadline_seconds{600};
  JsonText env;
  friend bool operator==(const Migration&, const Migration&) = default;
};

/// What Pod Security "restricted" asks for; a user's own keys are laid over it.
inline constexpr const char* restricted_pod =
    R"({"fsGroup":1001,"runAsGroup":1001,"runAsNonRoot":true,"runAsUser":1001,)"
    R"("seccompProfile":{"type":"RuntimeDefault"}})";
inline constexpr const char* restricted_container =
    R"({"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true})";

/// Defaults that differ from tier to tier (port, Service port, resources): `default_tier` of the codec.
struct TierSpec {
  std::string image;
  std::string image_pull_policy;
  std::vector<std::string> image_pull_secrets;
  std::int32_t replicas{1};
  std::int32_t port{8000};
  ServiceSpec service;
  JsonText env;  ///< an EnvVar list
  StringMap config;
  JsonText resources;
  Probes probes;
  std::optional<Autoscaling> autoscaling;
  std::optional<DisruptionBudget> disruption_budget;
  Strategy strategy;
  std::int32_t termination_grace_period_seconds{30};
  std::int32_t pre_stop_seconds{5};
  StringMap node_selector;
  JsonText tolerations;
  JsonText affinity;
  JsonText topology_spread_constraints;
  std::string priority_class_name;
  std::string service_account_name;
  StringMap pod_labels;
  StringMap pod_annotations;
  JsonText volumes;
  JsonText volume_mounts;
  JsonText pod_security_context{restricted_pod};              ///< whole: what pods get
  JsonText container_security_context{restricted_container};  ///< whole: what containers get
  std::optional<Migration> migration;                         ///< backend only
  friend bool operator==(const TierSpec&, const TierSpec&) = default;
};

inline constexpr std::int32_t default_generated_bytes = 32;

enum class SecretPolicy : std::uint8_t { live, pinned };

/// One environment variable whose value is secret: taken from a user's Secret, or generated.
struct SecretVariable {
  std::string name;         ///< of the environment variable
  std::string source_name;  ///< of the user's Secret; empty where the value is generated
  std::string source_key;
  std::int32_t generate_bytes{0};  ///< above 0 where the value is generated
  SecretPolicy policy{SecretPolicy::live};
  bool in_frontend{false};
  bool in_backend{true};

  [[nodiscard]] bool generated() const { return source_name.empty(); }
  /// Sealed into the revision (pinned or generated), rather than read by the pod from the user's Secret.
  [[nodiscard]] bool sealed() const { return generated() || policy == SecretPolicy::pinned; }
  [[nodiscard]] bool used_by(Tier tier) const { return tier == Tier::frontend ? in_frontend : in_backend; }
  friend bool operator==(const SecretVariable&, const SecretVariable&) = default;
};

enum class Order : std::uint8_t { backend_first, frontend_first, together };
enum class OnFailure : std::uint8_t { rollback, hold };
enum class Approval : std::uint8_t { automatic, manual };

struct Upgrade {
  Order order{Order::backend_first};
  std::chrono::seconds progress_deadline{600};
  std::chrono::seconds timeout{1800};
  std::chrono::seconds soak{10};
  std::int32_t max_restarts{2};
  OnFailure on_failure{OnFailure::rollback};
  std::int32_t max_retries{0};
  Approval approval{Approval::automatic};
  friend bool operator==(const Upgrade&, const Upgrade&) = default;
};

struct Ingress {
  std::string class_name;
  std::string host;
  std::string path{"/"};
  std::string tls_secret_name;
  StringMap annotations;
  bool expose_backend{false};
  friend bool operator==(const Ingress&, const Ingress&) = default;
};

struct NetworkPolicy {
  bool enabled{false};
  JsonText allow_from;  ///< a NetworkPolicyPeer list
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

struct Spec {
  TierSpec frontend;
  TierSpec backend;
  StringMap config;
  std::vector<SecretVariable> secrets;
  Upgrade upgrade;
  std::optional<std::int64_t> rollback_to;
  std::int32_t revision_history_limit{10};
  bool suspend{false};
  std::optional<Ingress> ingress;
  NetworkPolicy network_policy;

  [[nodiscard]] const TierSpec& tier(Tier which) const { return which == Tier::frontend ? frontend : backend; }
  friend bool operator==(const Spec&, const Spec&) = default;
};

/// Annotations that a user may set on the app; empty where unset.
struct Requests {
  std::string retry;
  std::string approve;
  std::string restart;
  std::string rotate;
  std::string change_cause;
  friend bool operator==(const Requests&, const Requests&) = default;
};

struct App {
  std::string name;
  std::string namespace_;
  std::string uid;
  std::string resource_version;
  std::int64_t generation{0};
  bool deleting{false};
  Requests requests;
  Spec spec;
  friend bool operator==(const App&, const App&) = default;
};

/// What a revision seals of one tier.
struct TierContent {
  JsonText pod_template;      ///< a PodTemplateSpec, without the overlay and without the template label
  std::string template_hash;  ///< ten hex digits of that text's hash
  StringMap config;           ///< what `config_name` holds
  std::string config_name;    ///< of the immutable ConfigMap; empty where there is no config
  std::string secrets_name;   ///< of the immutable Secret; empty where nothing is sealed
  friend bool operator==(const TierContent&, const TierContent&) = default;
};

struct MigrationContent {
  JsonText job_template;  ///< a JobSpec
  std::int32_t schema_version{0};
  std::int32_t compatible_from{0};
  friend bool operator==(const MigrationContent&, const MigrationContent&) = default;
};

struct Content {
  std::int32_t renderer_version{0};
  TierContent frontend;
  TierContent backend;
  std::optional<MigrationContent> migration;

  [[nodiscard]] const TierContent& tier(Tier which) const { return which == Tier::frontend ? frontend : backend; }
  [[nodiscard]] TierContent& tier(Tier which) { return which == Tier::frontend ? frontend : backend; }
  friend bool operator==(const Content&, const Content&) = default;
};

/// The kinds of objects that an app is made of.
enum class Kind : std::uint8_t {
  deployment,
  service,
  config_map,
  secret,
  controller_revision,
  job,
  horizontal_pod_autoscaler,
  pod_disruption_budget,
  network_policy,
  ingress,
};
inline constexpr std::array all_kinds{
    Kind::deployment,
    Kind::service,
    Kind::config_map,
    Kind::secret,
    Kind::controller_revision,
    Kind::job,
    Kind::horizontal_pod_autoscaler,
    Kind::pod_disruption_budget,
    Kind::network_policy,
    Kind::ingress,
};

/// One object as it should be: the body of a server-side apply, whole.
struct Intent {
  Kind kind{Kind::deployment};
  std::string name;
  JsonText body;     ///< canonical JSON, its annotation `apps.todoapp.dev/applied` being `hash`
  std::string hash;  ///< ten hex digits of the hash of the body without that annotation (and without sealed values)
  friend bool operator==(const Intent&, const Intent&) = default;
};

}  // namespace todoapp
