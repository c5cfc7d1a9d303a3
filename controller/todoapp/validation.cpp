#include "todoapp/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "kube/model/canonical_json.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using Json = nlohmann::json;

constexpr std::size_t max_name = 40;

/// Collects sentences; `at` is the path of the part that is looked at.
class Problems {
 public:
  template <class... Values>
  void add(const std::string& at, fmt::format_string<Values...> what, Values&&... values) {
    sentences_.push_back(fmt::format("{}: {}", at, fmt::format(what, std::forward<Values>(values)...)));
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(sentences_); }

 private:
  std::vector<std::string> sentences_;
};

// --- Words ---------------------------------------------------------------------------------------------------------

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

bool is_dns_1035(std::string_view text) {
  return !text.empty() && is_lower(text.front()) && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_variable(std::string_view text) {
  const auto inside = [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; };
  return !text.empty() && (is_letter(text.front()) || text.front() == '_') &&
         std::all_of(text.begin(), text.end(), inside);
}

bool has_space(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
}

/// Whether a label or annotation key is the operator's.
bool is_ours(std::string_view key) {
  constexpr std::array ours{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
                            "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by"};
  return key.starts_with(prefix) || std::find(ours.begin(), ours.end(), key) != ours.end();
}

/// A Secret of the app's own: the operator makes and deletes it as it sees fit.
bool is_own_secret(const App& app, std::string_view name) {
  return name == keys_name(app.name) || std::any_of(all_tiers.begin(), all_tiers.end(), [&](Tier tier) {
           return name.starts_with(sealed_secret_name(app.name, tier, ""));
         });
}

Json list_of(const JsonText& text) { return text.empty() ? Json::array() : Json::parse(text); }

/// The text at a path of a part that was handed through; empty where there is none, or something else.
std::string text_at(const Json& json, const char* pointer) {
  const Json::json_pointer at{pointer};
  if (!json.contains(at) || !json.at(at).is_string()) return {};
  return json.at(at).get<std::string>();
}

std::string path_of(Tier tier, std::string_view field) { return fmt::format("spec.{}.{}", to_string(tier), field); }

// --- Checks of a tier ----------------------------------------------------------------------------------------------

void check_range(Problems& problems, const std::string& at, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) problems.add(at, "is {}; choose a number from {} to {}", value, least, most);
}

void check_image(Problems& problems, Tier which, const TierSpec& tier) {
  if (tier.image.empty()) {
    problems.add(path_of(which, "image"), "is empty; name an image, for example localhost/todo-{}:1.0.0",
                 to_string(which));
  }
  if (has_space(tier.image)) problems.add(path_of(which, "image"), "holds white space; take it out");
}

/// What a container's environment is made of must not name a variable twice, or which value wins is anybody's guess.
void check_list(Problems& problems, const App& app, Tier tier, const std::string& at, const JsonText& text) {
  std::set<std::string> seen;
  for (const auto& entry : list_of(text)) {
    const auto name = text_at(entry, "/name");
    if (!is_variable(name)) problems.add(at, "{:?} is no name of an environment variable; correct it", name);
    if (!seen.insert(name).second) problems.add(at, "names {} twice; take one of the two away", name);
    if (is_own_secret(app, text_at(entry, "/valueFrom/secretKeyRef/name"))) {
      problems.add(at, "{} is taken from a Secret that the operator keeps for itself; name one of your own", name);
    }
    for (const auto& secret : app.spec.secrets) {
      if (secret.used_by(tier) && secret.name == name) {
        problems.add(at, "{} is a secret of that tier too (spec.secrets); take one of the two away", name);
      }
    }
  }
}

void check_config(Problems& problems, const App& app, Tier which) {
  const auto& tier = app.spec.tier(which);
  auto config = tier.config;
  config.insert(app.spec.config.begin(), app.spec.config.end());
  for (const auto& secret : app.spec.secrets) {
    if (!secret.used_by(which) || !config.contains(secret.name)) continue;
    problems.add(tier.config.contains(secret.name) ? path_of(which, "config") : "spec.config",
                 "{} is a secret of the {} too (spec.secrets); take one of the two away", secret.name,
                 to_string(which));
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : config) bytes += name.size() + value.size();
  // What counts is the text in a revision's record, where one character takes up to six; most config is far from that.
  if (bytes <= max_config_bytes / 8) return;
  const auto recorded = kube::canonical(Json(config)).size();
  if (recorded <= max_config_bytes) return;
  problems.add("spec.config",
               "with spec.{}.config holds {} KiB, at most {} KiB fit into a revision; move large files "
               "into a ConfigMap volume",
               to_string(which), (recorded + 1023) / 1024, max_config_bytes / 1024);
}

void check_config_names(Problems& problems, const std::string& at, const StringMap& config) {
  for (const auto& [name, value] : config) {
    if (!is_variable(name)) problems.add(at, "{:?} is no name of an environment variable; correct it", name);
  }
}

void check_service(Problems& problems, Tier which, const TierSpec& tier) {
  check_range(problems, path_of(which, "port"), tier.port, 1, 65535);
  check_range(problems, path_of(which, "service.port"), tier.service.port, 1, 65535);
  constexpr std::array types{"ClusterIP", "NodePort", "LoadBalancer"};
  if (std::find(types.begin(), types.end(), tier.service.type) == types.end()) {
    problems.add(path_of(which, "service.type"), "is {}; choose ClusterIP, NodePort or LoadBalancer",
                 tier.service.type);
  }
  if (tier.service.node_port && tier.service.type == "ClusterIP") {
    problems.add(path_of(which, "service.nodePort"),
                 "needs type NodePort or LoadBalancer; set the type or take it away");
  }
  for (const auto& [key, value] : tier.service.annotations) {
    if (key.starts_with(prefix)) {
      problems.add(path_of(which, "service.annotations"), "{} belongs to the operator; choose another key", key);
    }
  }
}

void check_volumes(Problems& problems, const App& app, Tier which, const TierSpec& tier) {
  constexpr std::array kinds{"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"};
  const auto at = path_of(which, "volumes");
  std::set<std::string> volumes;
  for (const auto& volume : list_of(tier.volumes)) {
    const auto name = text_at(volume, "/name");
    if (name == "tmp") problems.add(at, "tmp is the operator's own emptyDir on /tmp; choose another name");
    if (!volumes.insert(name).second) problems.add(at, "names {} twice; rename one of the two", name);
    if (std::none_of(kinds.begin(), kinds.end(), [&](const char* kind) { return volume.contains(kind); })) {
      problems.add(at,
                   "{} is of no kind that is allowed; use emptyDir, configMap, secret, persistentVolumeClaim or "
                   "projected",
                   name);
    }
    if (is_own_secret(app, text_at(volume, "/secret/secretName"))) {
      problems.add(at, "{} mounts a Secret that the operator keeps for itself; name one of your own", name);
    }
  }
  const auto mounts_at = path_of(which, "volumeMounts");
  std::set<std::string> mounts;
  for (const auto& mount : list_of(tier.volume_mounts)) {
    const auto name = text_at(mount, "/name");
    auto path = text_at(mount, "/mountPath");
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (!volumes.contains(name)) problems.add(mounts_at, "no volume is named {:?}; add it or correct the name", name);
    if (path == "/tmp") problems.add(mounts_at, "the operator mounts an emptyDir on /tmp; choose another path");
    if (!mounts.insert(path).second) problems.add(mounts_at, "mounts on {} twice; choose another path", path);
  }
}

void check_metadata(Problems& problems, Tier which, const TierSpec& tier) {
  const auto check = [&](std::string_view field, const StringMap& map) {
    for (const auto& [key, value] : map) {
      if (is_ours(key)) problems.add(path_of(which, field), "{} belongs to the operator; choose another key", key);
    }
  };
  check("podLabels", tier.pod_labels);
  check("podAnnotations", tier.pod_annotations);
}

/// A container's settings win over the pod's; either way, root and "not as root" do not go together.
void check_user(Problems& problems, Tier which, const TierSpec& tier) {
  if (tier.pod_security_context == restricted_pod && tier.container_security_context == restricted_container) return;
  auto settings = tier.pod_security_context.empty() ? Json::object() : Json::parse(tier.pod_security_context);
  if (!tier.container_security_context.empty()) settings.update(Json::parse(tier.container_security_context));
  const auto user = settings.find("runAsUser");
  const auto not_root = settings.find("runAsNonRoot");
  if (user == settings.end() || not_root == settings.end() || *user != 0 || *not_root != true) return;
  problems.add(path_of(which, "securityContext"),
               "runAsUser: 0 is root, and runAsNonRoot forbids it; choose another user, or set runAsNonRoot: false");
}

/// 0 and "0%" alike.
bool is_zero(const JsonText& count) { return count == "0" || count == "\"0%\"" || count == "\"0\""; }

void check_scale(Problems& problems, const Spec& spec, Tier which, const TierSpec& tier) {
  check_range(problems, path_of(which, "replicas"), tier.replicas, 0, 1000);
  if (is_zero(tier.strategy.max_surge) && is_zero(tier.strategy.max_unavailable)) {
    problems.add(path_of(which, "strategy"),
                 "maxSurge and maxUnavailable are both 0, so that no pod could ever be "
                 "replaced; raise one of them");
  }
  if (std::chrono::seconds{tier.strategy.min_ready_seconds} >= spec.upgrade.progress_deadline) {
    problems.add(path_of(which, "strategy.minReadySeconds"),
                 "is not below upgrade.progressDeadlineSeconds; lower the one or raise the other");
  }
  if (tier.pre_stop_seconds < 0 || tier.pre_stop_seconds >= tier.termination_grace_period_seconds) {
    problems.add(path_of(which, "preStopSeconds"),
                 "is not below terminationGracePeriodSeconds; lower the one or raise the other");
  }
  if (const auto& budget = tier.disruption_budget;
      budget && budget->min_available.empty() == budget->max_unavailable.empty()) {
    problems.add(path_of(which, "disruptionBudget"), "set exactly one of minAvailable and maxUnavailable");
  }
}

void check_autoscaling(Problems& problems, Tier which, const TierSpec& tier) {
  if (!tier.autoscaling) return;
  const auto& autoscaling = *tier.autoscaling;
  check_range(problems, path_of(which, "autoscaling.minReplicas"), autoscaling.min_replicas, 1, 1000);
  check_range(problems, path_of(which, "autoscaling.maxReplicas"), autoscaling.max_replicas, 1, 1000);
  if (autoscaling.min_replicas > autoscaling.max_replicas) {
    problems.add(path_of(which, "autoscaling.minReplicas"), "is above maxReplicas; lower the one or raise the other");
  }
  if (!autoscaling.target_cpu && !autoscaling.target_memory) {
    problems.add(path_of(which, "autoscaling"),
                 "set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or both");
  }
  const auto resources = tier.resources.empty() ? Json::object() : Json::parse(tier.resources);
  const auto check = [&](const std::optional<std::int32_t>& target, const char* resource) {
    const auto given = [&](const char* list) { return resources.contains(list) && resources[list].contains(resource); };
    if (!target || given("requests") || given("limits")) return;
    problems.add(path_of(which, "autoscaling"), "a target for {0} is a percentage of resources.requests.{0}; set that",
                 resource);
  };
  check(autoscaling.target_cpu, "cpu");
  check(autoscaling.target_memory, "memory");
}

void check_tier(Problems& problems, const App& app, Tier which) {
  const auto& tier = app.spec.tier(which);
  check_image(problems, which, tier);
  check_list(problems, app, which, path_of(which, "env"), tier.env);
  check_config_names(problems, path_of(which, "config"), tier.config);
  check_config(problems, app, which);
  check_service(problems, which, tier);
  check_volumes(problems, app, which, tier);
  check_metadata(problems, which, tier);
  check_user(problems, which, tier);
  check_scale(problems, app.spec, which, tier);
  check_autoscaling(problems, which, tier);
}

// --- Checks of the rest --------------------------------------------------------------------------------------------

void check_name(Problems& problems, const App& app) {
  if (app.name.size() > max_name) {
    problems.add("metadata.name",
                 "has {} characters, and the names of child objects are made from it; choose one of at "
                 "most {}",
                 app.name.size(), max_name);
  }
  if (!is_dns_1035(app.name)) {
    problems.add("metadata.name",
                 "is no DNS label; choose a name of lower-case letters, digits and '-' that begins with a "
                 "letter and does not end with '-'");
  }
}

void check_secrets(Problems& problems, const App& app) {
  std::set<std::string> seen;
  for (const auto& secret : app.spec.secrets) {
    const auto at = fmt::format("spec.secrets[{}]", secret.name);
    if (!is_variable(secret.name)) problems.add(at, "is no name of an environment variable; correct it");
    if (!seen.insert(secret.name).second) problems.add(at, "stands there twice; take one of the two away");
    if (secret.generated() == (secret.generate_bytes == 0)) {
      problems.add(at, "set exactly one of valueFrom.secretKeyRef and generate");
    }
    if (!secret.generated() && secret.source_key.empty()) {
      problems.add(at, "valueFrom.secretKeyRef.key is empty; name the key of the Secret that holds the value");
    }
    if (secret.generate_bytes != 0) check_range(problems, at + ".generate.bytes", secret.generate_bytes, 16, 1024);
    if (secret.generated() && secret.policy == SecretPolicy::pinned) {
      problems.add(at, "policy needs valueFrom; a generated value changes only when it is rotated: take policy away");
    }
    if (is_own_secret(app, secret.source_name)) {
      problems.add(at, "is taken from a Secret that the operator keeps for itself; name one of your own");
    }
    if (!secret.in_frontend && !secret.in_backend)
      problems.add(at, "no tier uses it; name one in tiers, or take it away");
  }
}

void check_migration(Problems& problems, const App& app) {
  if (!app.spec.backend.migration) return;
  const auto& migration = *app.spec.backend.migration;
  if (migration.command.empty() && migration.args.empty()) {
    problems.add("spec.backend.migration", "set command or args, or the Job would start the server itself");
  }
  if (migration.schema_version < 1) problems.add("spec.backend.migration.schemaVersion", "is below 1; count from 1");
  if (migration.compatible_from > migration.schema_version) {
    problems.add("spec.backend.migration.compatibleFrom",
                 "is above schemaVersion; name the lowest schemaVersion whose code still works on this schema");
  }
  check_list(problems, app, Tier::backend, "spec.backend.migration.env", migration.env);
}

void check_ways_in(Problems& problems, const Spec& spec) {
  const auto& front = spec.frontend.service.node_port;
  if (front && front == spec.backend.service.node_port) {
    problems.add("spec.backend.service.nodePort", "is the frontend's too; choose another one");
  }
  if (!spec.ingress) return;
  const auto& ingress = *spec.ingress;
  if (!ingress.path.starts_with('/')) problems.add("spec.ingress.path", "must begin with '/'; add it");
  if (!ingress.tls_secret_name.empty() && ingress.host.empty()) {
    problems.add("spec.ingress.tls", "needs host, for a certificate is for a name; set spec.ingress.host");
  }
  if (ingress.expose_backend && (ingress.path == "/api" || ingress.path.starts_with("/api/"))) {
    problems.add("spec.ingress.path", "lies in /api, which exposeBackend sends to the backend; choose another path");
  }
  for (const auto& [key, value] : ingress.annotations) {
    if (key.starts_with(prefix))
      problems.add("spec.ingress.annotations", "{} belongs to the operator; choose another key", key);
  }
  if (ingress.expose_backend && spec.network_policy.enabled && spec.network_policy.allow_from.empty()) {
    problems.add("spec.networkPolicy.allowFrom",
                 "is empty, so that no ingress controller reaches the backend, which "
                 "ingress.exposeBackend asks for; add its pods");
  }
}

void check_upgrade(Problems& problems, const Spec& spec) {
  const auto& upgrade = spec.upgrade;
  check_range(problems, "spec.upgrade.progressDeadlineSeconds", upgrade.progress_deadline.count(), 1, 86400);
  check_range(problems, "spec.upgrade.maxRestarts", upgrade.max_restarts, 1, 100);
  check_range(problems, "spec.upgrade.maxRetries", upgrade.max_retries, 0, 10);
  check_range(problems, "spec.revisionHistoryLimit", spec.revision_history_limit, 1, 100);
  if (upgrade.soak.count() < 0 || upgrade.soak >= upgrade.timeout) {
    problems.add("spec.upgrade.soakSeconds",
                 "is not below timeoutSeconds, so that no rollout could succeed; lower the one "
                 "or raise the other");
  }
  if (spec.rollback_to && *spec.rollback_to < 1)
    problems.add("spec.rollback.toRevision", "is below 1; name a revision");
}

}  // namespace

std::vector<std::string> problems_of(const App& app) {
  Problems problems;
  check_name(problems, app);
  check_config_names(problems, "spec.config", app.spec.config);
  for (const auto tier : all_tiers) check_tier(problems, app, tier);
  check_secrets(problems, app);
  check_migration(problems, app);
  check_ways_in(problems, app.spec);
  check_upgrade(problems, app.spec);
  return problems.take();
}

}  // namespace todoapp
