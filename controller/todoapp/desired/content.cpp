#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/hash.hpp"
#include "kube/model/canonical_json.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/environment.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/desired/pod.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::Json;
using desired::set;

constexpr const char* port_name = "http";
/// Labels of the migration's pods, which no selector of the backend may match.
constexpr const char* migration_component = "migration";

std::string hash_of(const std::string& text) { return base::short_hash(base::sha256_hex(text)); }

/// The common config, and over it the tier's own.
StringMap config_of(const Spec& spec, Tier tier) {
  auto config = spec.tier(tier).config;
  config.insert(spec.config.begin(), spec.config.end());
  return config;
}

void set_probe(Json& container, const char* key, const Probe& probe) {
  if (probe.disabled) return;
  Json body = Json::object();
  body["httpGet"] = Json::object({{"path", probe.path}, {"port", port_name}});
  body["periodSeconds"] = probe.period_seconds;
  body["timeoutSeconds"] = probe.timeout_seconds;
  body["failureThreshold"] = probe.failure_threshold;
  if (probe.initial_delay_seconds > 0) body["initialDelaySeconds"] = probe.initial_delay_seconds;
  container[key] = std::move(body);
}

Json serving_container(const App& app, Tier which, const TierContent& content) {
  const auto& tier = app.spec.tier(which);
  auto container = desired::container_of(tier, to_string(which).data());
  container["ports"] =
      Json::array({Json::object({{"name", port_name}, {"containerPort", tier.port}, {"protocol", "TCP"}})});
  set(container, "envFrom", desired::env_from(content));
  set(container, "env", desired::env(app, which, content));
  set_probe(container, "livenessProbe", tier.probes.liveness);
  set_probe(container, "readinessProbe", tier.probes.readiness);
  set_probe(container, "startupProbe", tier.probes.startup);
  if (tier.pre_stop_seconds > 0) {
    // Kubernetes' own sleep (since 1.30), for an image may hold no shell.
    Json sleep = Json::object({{"sleep", Json::object({{"seconds", tier.pre_stop_seconds}})}});
    container["lifecycle"] = Json::object({{"preStop", std::move(sleep)}});
  }
  return container;
}

JsonText pod_template(const App& app, Tier which, const TierContent& content) {
  const auto& tier = app.spec.tier(which);
  auto spec = desired::pod_spec(tier, serving_container(app, which, content));
  spec["terminationGracePeriodSeconds"] = tier.termination_grace_period_seconds;
  desired::set_parsed(spec, "topologySpreadConstraints", tier.topology_spread_constraints);
  Json body = Json::object();
  body["metadata"] = desired::pod_metadata(tier, object_labels(app.name, &which));
  body["spec"] = std::move(spec);
  return kube::canonical(body);
}

TierContent render_tier(const App& app, Tier tier, const SealedSecrets& sealed) {
  TierContent content;
  content.config = config_of(app.spec, tier);
  if (!content.config.empty()) {
    content.config_name = config_name(app.name, tier, hash_of(kube::canonical(Json(content.config))));
  }
  content.secrets_name = sealed.of(tier);
  content.pod_template = pod_template(app, tier, content);
  content.template_hash = hash_of(content.pod_template);
  return content;
}

/// The backend's image, environment and place, and nothing of what only a serving pod needs.
MigrationContent render_migration(const App& app, const TierContent& content) {
  const auto& tier = app.spec.backend;
  const auto& migration = *tier.migration;
  auto container = desired::container_of(tier, migration_component);
  set(container, "command", Json(migration.command));
  set(container, "args", Json(migration.args));
  set(container, "envFrom", desired::env_from(content));
  set(container, "env", desired::migration_env(app, content));
  auto spec = desired::pod_spec(tier, std::move(container));
  spec["restartPolicy"] = "Never";
  auto labels = object_labels(app.name, nullptr);
  labels.emplace("app.kubernetes.io/component", migration_component);
  Json job = Json::object();
  job["backoffLimit"] = migration.backoff_limit;
  job["activeDeadlineSeconds"] = migration.active_deadline_seconds;
  job["template"] =
      Json::object({{"metadata", desired::pod_metadata(tier, std::move(labels))}, {"spec", std::move(spec)}});
  return {kube::canonical(job), migration.schema_version, migration.compatible_from};
}

}  // namespace

Content render_content(const App& app, const SealedSecrets& sealed) {
  Content content;
  content.renderer_version = renderer_version;
  content.frontend = render_tier(app, Tier::frontend, sealed);
  content.backend = render_tier(app, Tier::backend, sealed);
  if (app.spec.backend.migration) content.migration = render_migration(app, content.backend);
  return content;
}

}  // namespace todoapp
