#include "todoapp/codec.hpp"

#include <algorithm>

#include "todoapp/codec_reader.hpp"

namespace todoapp {
namespace {

using codec::Shape;

// One list of fields for each type, in the order of docs/api-reference; `in` is a Reader or a PathLister.

template <class In>
void service_fields(In& in, ServiceSpec& service) {
  in.field("type", service.type);
  in.field("port", service.port);
  in.field("nodePort", service.node_port);
  in.field("annotations", service.annotations);
}

template <class In>
void probe_fields(In& in, Probe& probe) {
  in.field("disabled", probe.disabled);
  in.field("path", probe.path);
  in.field("periodSeconds", probe.period_seconds);
  in.field("timeoutSeconds", probe.timeout_seconds);
  in.field("failureThreshold", probe.failure_threshold);
  in.field("initialDelaySeconds", probe.initial_delay_seconds);
}

template <class In>
void autoscaling_fields(In& in, Autoscaling& autoscaling) {
  in.required("maxReplicas");
  in.field("minReplicas", autoscaling.min_replicas);
  in.field("maxReplicas", autoscaling.max_replicas);
  in.field("targetCPUUtilizationPercentage", autoscaling.target_cpu);
  in.field("targetMemoryUtilizationPercentage", autoscaling.target_memory);
  in.handed_on("behavior", Shape::object, autoscaling.behavior);
}

template <class In>
void migration_fields(In& in, Migration& migration) {
  in.required("schemaVersion");
  in.field("command", migration.command);
  in.field("args", migration.args);
  in.field("schemaVersion", migration.schema_version);
  in.field("compatibleFrom", migration.compatible_from);
  in.field("backoffLimit", migration.backoff_limit);
  in.field("activeDeadlineSeconds", migration.active_deadline_seconds);
  in.handed_on("env", Shape::list, migration.env);
}

/// How many pods there are and how they come and go: all but `strategy` is read by nobody else.
template <class In>
void scale_fields(In& in, TierSpec& tier) {
  in.field("replicas", tier.replicas);
  in.optional_part("autoscaling", tier.autoscaling,
                   [](auto& part, Autoscaling& value) { autoscaling_fields(part, value); });
  in.optional_part("disruptionBudget", tier.disruption_budget, [](auto& part, DisruptionBudget& budget) {
    part.count("minAvailable", budget.min_available);
    part.count("maxUnavailable", budget.max_unavailable);
  });
  in.part("strategy", [&](auto& part) {
    part.count("maxSurge", tier.strategy.max_surge);
    part.count("maxUnavailable", tier.strategy.max_unavailable);
    part.field("minReadySeconds", tier.strategy.min_ready_seconds);
  });
}

template <class In>
void container_fields(In& in, TierSpec& tier) {
  in.required("image");
  in.field("image", tier.image);
  in.field("imagePullPolicy", tier.image_pull_policy);
  in.field("port", tier.port);
  in.handed_on("env", Shape::list, tier.env);
  in.field("config", tier.config);
  in.replacing("resources", tier.resources);
  in.part("probes", [&](auto& probes) {
    probes.part("liveness", [&](auto& part) { probe_fields(part, tier.probes.liveness); });
    probes.part("readiness", [&](auto& part) { probe_fields(part, tier.probes.readiness); });
    probes.part("startup", [&](auto& part) { probe_fields(part, tier.probes.startup); });
  });
  in.field("preStopSeconds", tier.pre_stop_seconds);
  in.handed_on("volumeMounts", Shape::list, tier.volume_mounts);
}

template <class In>
void pod_fields(In& in, TierSpec& tier) {
  in.list("imagePullSecrets", tier.image_pull_secrets,
          [](auto& entry, std::string& name) { entry.required("name"), entry.field("name", name); });
  in.field("terminationGracePeriodSeconds", tier.termination_grace_period_seconds);
  in.field("nodeSelector", tier.node_selector);
  in.handed_on("tolerations", Shape::list, tier.tolerations);
  in.handed_on("affinity", Shape::object, tier.affinity);
  in.handed_on("topologySpreadConstraints", Shape::list, tier.topology_spread_constraints);
  in.field("priorityClassName", tier.priority_class_name);
  in.field("serviceAccountName", tier.service_account_name);
  in.field("podLabels", tier.pod_labels);
  in.field("podAnnotations", tier.pod_annotations);
  in.handed_on("volumes", Shape::list, tier.volumes);
  in.part("securityContext", [&](auto& part) {
    part.laid_over("pod", tier.pod_security_context);
    part.laid_over("container", tier.container_security_context);
  });
}

template <class In>
void tier_fields(In& in, Tier which, TierSpec& tier) {
  container_fields(in, tier);
  scale_fields(in, tier);
  pod_fields(in, tier);
  in.part("service", [&](auto& part) { service_fields(part, tier.service); });
  if (which == Tier::frontend) return;
  in.optional_part("migration", tier.migration, [](auto& part, Migration& value) { migration_fields(part, value); });
}

template <class In>
void secret_fields(In& in, SecretVariable& secret) {
  in.required("name");
  in.field("name", secret.name);
  in.part("valueFrom", [&](auto& from) {
    from.required("secretKeyRef");
    from.part("secretKeyRef", [&](auto& source) {
      source.required("name");
      source.required("key");
      source.field("name", secret.source_name);
      source.field("key", secret.source_key);
    });
  });
  in.part("generate", [&](auto& generate) {
    secret.generate_bytes = default_generated_bytes;
    generate.field("bytes", secret.generate_bytes);
  });
  in.choice("policy", secret.policy, {{"Live", SecretPolicy::live}, {"Pinned", SecretPolicy::pinned}});
  in.flags("tiers", {{"frontend", &secret.in_frontend}, {"backend", &secret.in_backend}});
}

template <class In>
void upgrade_fields(In& in, Upgrade& upgrade) {
  in.choice("order", upgrade.order,
            {{"BackendFirst", Order::backend_first},
             {"FrontendFirst", Order::frontend_first},
             {"Together", Order::together}});
  in.field("progressDeadlineSeconds", upgrade.progress_deadline);
  in.field("timeoutSeconds", upgrade.timeout);
  in.field("soakSeconds", upgrade.soak);
  in.field("maxRestarts", upgrade.max_restarts);
  in.choice("onFailure", upgrade.on_failure, {{"Rollback", OnFailure::rollback}, {"Hold", OnFailure::hold}});
  in.field("maxRetries", upgrade.max_retries);
  in.choice("approval", upgrade.approval, {{"Automatic", Approval::automatic}, {"Manual", Approval::manual}});
}

template <class In>
void ingress_fields(In& in, Ingress& ingress) {
  in.field("className", ingress.class_name);
  in.field("host", ingress.host);
  in.field("path", ingress.path);
  in.part("tls", [&](auto& tls) { tls.field("secretName", ingress.tls_secret_name); });
  in.field("annotations", ingress.annotations);
  in.field("exposeBackend", ingress.expose_backend);
}

template <class In>
void spec_fields(In& in, Spec& spec) {
  in.required("frontend");
  in.required("backend");
  in.part("frontend", [&](auto& part) { tier_fields(part, Tier::frontend, spec.frontend); });
  in.part("backend", [&](auto& part) { tier_fields(part, Tier::backend, spec.backend); });
  in.field("config", spec.config);
  in.list("secrets", spec.secrets, [](auto& entry, SecretVariable& secret) { secret_fields(entry, secret); });
  in.part("upgrade", [&](auto& part) { upgrade_fields(part, spec.upgrade); });
  in.part("rollback", [&](auto& part) { part.field("toRevision", spec.rollback_to); });
  in.field("revisionHistoryLimit", spec.revision_history_limit);
  in.field("suspend", spec.suspend);
  in.optional_part("ingress", spec.ingress, [](auto& part, Ingress& value) { ingress_fields(part, value); });
  in.part("networkPolicy", [&](auto& part) {
    part.field("enabled", spec.network_policy.enabled);
    part.handed_on("allowFrom", Shape::list, spec.network_policy.allow_from);
  });
}

base::Failure not_a_spec(std::string problem) {
  return base::fail(base::ErrorCode::invalid, "decode spec", std::move(problem));
}

std::vector<std::string> list_paths() {
  std::vector<std::string> paths;
  codec::PathLister lister{"", paths};
  Spec spec;
  spec_fields(lister, spec);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

TierSpec default_tier(Tier tier) {
  TierSpec spec;
  const bool front = tier == Tier::frontend;
  spec.port = front ? 3000 : 8000;
  spec.service.port = front ? 80 : 8000;
  spec.resources = front ? R"({"limits":{"cpu":"500m","memory":"512Mi"},"requests":{"cpu":"100m","memory":"128Mi"}})"
                         : R"({"limits":{"cpu":"1000m","memory":"1Gi"},"requests":{"cpu":"100m","memory":"256Mi"}})";
  return spec;
}

base::Result<Spec> decode_spec(std::string_view json) {
  // Kept from call to call for its buffers; nothing of it is seen outside, each call begins anew.
  thread_local simdjson::dom::parser parser;
  codec::Element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS) {
    return not_a_spec(fmt::format("spec: is not JSON: {}", simdjson::error_message(error)));
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return not_a_spec("spec: must be an object");
  Spec spec;
  spec.frontend = default_tier(Tier::frontend);
  spec.backend = default_tier(Tier::backend);
  std::string problem;
  codec::Reader reader{object, codec::Place{.key = "spec"}, problem};
  spec_fields(reader, spec);
  if (!problem.empty()) return not_a_spec(std::move(problem));
  return spec;
}

const std::vector<std::string>& known_spec_paths() {
  static const auto paths = list_paths();
  return paths;
}

}  // namespace todoapp
