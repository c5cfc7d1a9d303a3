#include <string>
#include <utility>

#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/environment.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/desired/pod.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::ListText;
using desired::ObjectText;

/// The common config, and over it the tier's own.
StringMap config_of(const Spec& spec, Tier tier) {
  auto config = spec.tier(tier).config;
  config.insert(spec.config.begin(), spec.config.end());
  return config;
}

JsonText probe_of(const Probe& probe) {
  if (probe.disabled) return {};
  return ObjectText{}
      .number("failureThreshold", probe.failure_threshold)
      .json("httpGet", ObjectText{}.text("path", probe.path).text("port", "http").str())
      .json("initialDelaySeconds", probe.initial_delay_seconds > 0 ? std::to_string(probe.initial_delay_seconds) : "")
      .number("periodSeconds", probe.period_seconds)
      .number("timeoutSeconds", probe.timeout_seconds)
      .str();
}

/// Kubernetes' own sleep (since 1.30), for an image may hold no shell.
JsonText lifecycle_of(const TierSpec& tier) {
  if (tier.pre_stop_seconds <= 0) return {};
  const auto sleep = ObjectText{}.number("seconds", tier.pre_stop_seconds).str();
  return ObjectText{}.json("preStop", ObjectText{}.json("sleep", sleep).str()).str();
}

JsonText serving_template(const App& app, Tier which, const TierContent& content) {
  const auto& tier = app.spec.tier(which);
  const auto port = ObjectText{}.number("containerPort", tier.port).text("name", "http").text("protocol", "TCP").str();
  const desired::Pod pod{.container = {.name = to_string(which),
                                       .env = desired::env(app, which, content),
                                       .env_from = desired::env_from(content),
                                       .lifecycle = lifecycle_of(tier),
                                       .liveness_probe = probe_of(tier.probes.liveness),
                                       .ports = ListText{}.json(port).str(),
                                       .readiness_probe = probe_of(tier.probes.readiness),
                                       .startup_probe = probe_of(tier.probes.startup)},
                         .grace_seconds = tier.termination_grace_period_seconds,
                         .topology_spread_constraints = tier.topology_spread_constraints};
  return desired::pod_template(tier, object_labels(app.name, &which), pod);
}

TierContent render_tier(const App& app, Tier tier, const SealedSecrets& sealed) {
  TierContent content;
  content.config = config_of(app.spec, tier);
  if (!content.config.empty()) {
    content.config_name = config_name(app.name, tier, desired::short_hash_of(desired::text_of(content.config)));
  }
  content.secrets_name = sealed.of(tier);
  content.pod_template = serving_template(app, tier, content);
  content.template_hash = template_hash_of(content.pod_template);
  return content;
}

/// The backend's image, environment and place, and nothing of what only a serving pod needs.
MigrationContent render_migration(const App& app, const TierContent& content) {
  const auto& tier = app.spec.backend;
  const auto& migration = *tier.migration;
  const desired::Pod pod{.container = {.name = desired::migration_component,
                                       .args = desired::text_of(migration.args),
                                       .command = desired::text_of(migration.command),
                                       .env = desired::migration_env(app, content),
                                       .env_from = desired::env_from(content)},
                         .restart_policy = "Never"};
  auto job = ObjectText{}
                 .number("activeDeadlineSeconds", migration.active_deadline_seconds)
                 .number("backoffLimit", migration.backoff_limit)
                 .json("template", desired::pod_template(tier, desired::migration_labels(app.name), pod))
                 .str();
  return {std::move(job), migration.schema_version, migration.compatible_from};
}

}  // namespace

std::string template_hash_of(const JsonText& pod_template) { return desired::short_hash_of(pod_template); }

Content render_content(const App& app, const SealedSecrets& sealed) {
  Content content;
  content.renderer_version = renderer_version;
  content.frontend = render_tier(app, Tier::frontend, sealed);
  content.backend = render_tier(app, Tier::backend, sealed);
  if (app.spec.backend.migration) content.migration = render_migration(app, content.backend);
  return content;
}

}  // namespace todoapp
