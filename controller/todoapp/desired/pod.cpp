#include "todoapp/desired/pod.hpp"

#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp::desired {
namespace {

constexpr std::string_view scratch_volume = R"({"emptyDir":{},"name":"tmp"})";
constexpr std::string_view scratch_mount = R"({"mountPath":"/tmp","name":"tmp"})";

/// What a server would fill in by itself. Left to it, the policy of the tag before would stay.
std::string pull_policy(const TierSpec& tier) {
  if (!tier.image_pull_policy.empty()) return tier.image_pull_policy;
  if (tier.image.find('@') != std::string::npos) return "IfNotPresent";
  const auto slash = tier.image.rfind('/');
  const auto colon = tier.image.find(':', slash == std::string::npos ? 0 : slash);
  const bool latest = colon == std::string::npos || tier.image.substr(colon) == ":latest";
  return latest ? "Always" : "IfNotPresent";
}

JsonText container_text(const TierSpec& tier, const Container& container) {
  return ObjectText{}
      .json("args", container.args)
      .json("command", container.command)
      .json("env", container.env)
      .json("envFrom", container.env_from)
      .text("image", tier.image)
      .text("imagePullPolicy", pull_policy(tier))
      .json("lifecycle", container.lifecycle)
      .json("livenessProbe", container.liveness_probe)
      .text("name", container.name)
      .json("ports", container.ports)
      .json("readinessProbe", container.readiness_probe)
      .json("resources", tier.resources)
      .json("securityContext", tier.container_security_context)
      .json("startupProbe", container.startup_probe)
      // The last log lines of a failed container reach the pod's status, so that nobody needs the right to read logs.
      .text("terminationMessagePolicy", "FallbackToLogsOnError")
      .json("volumeMounts", ListText{}.json(scratch_mount).entries(tier.volume_mounts).str())
      .str();
}

JsonText references(const std::vector<std::string>& names) {
  ListText list;
  for (const auto& name : names) list.json(ObjectText{}.text("name", name).str());
  return list.str();
}

JsonText pod_spec(const TierSpec& tier, const Pod& pod) {
  return ObjectText{}
      .json("affinity", tier.affinity)
      // Without an account of its own a pod has no business with the API server.
      .json("automountServiceAccountToken", tier.service_account_name.empty() ? "false" : "")
      .json("containers", ListText{}.json(container_text(tier, pod.container)).str())
      .flag("enableServiceLinks", false)
      .json("imagePullSecrets", references(tier.image_pull_secrets))
      .map("nodeSelector", tier.node_selector)
      .text("priorityClassName", tier.priority_class_name)
      .text("restartPolicy", pod.restart_policy)
      .json("securityContext", tier.pod_security_context)
      // Always named: dropped from an apply, it would come back from its old alias, which a server fills in by itself.
      .text("serviceAccountName", tier.service_account_name.empty() ? "default" : tier.service_account_name)
      .json("terminationGracePeriodSeconds", pod.grace_seconds ? std::to_string(*pod.grace_seconds) : "")
      .json("tolerations", tier.tolerations)
      .json("topologySpreadConstraints", pod.topology_spread_constraints)
      .json("volumes", ListText{}.json(scratch_volume).entries(tier.volumes).str())
      .str();
}

}  // namespace

StringMap migration_labels(std::string_view app) {
  auto labels = object_labels(app, nullptr);
  labels.emplace("app.kubernetes.io/component", migration_component);
  return labels;
}

JsonText pod_template(const TierSpec& tier, StringMap labels, const Pod& pod) {
  labels.insert(tier.pod_labels.begin(), tier.pod_labels.end());
  return pod_template(labels, tier.pod_annotations, pod_spec(tier, pod));
}

JsonText pod_template(const StringMap& labels, const StringMap& annotations, std::string_view spec) {
  const auto metadata = ObjectText{}.map("annotations", annotations).map("labels", labels).str();
  return ObjectText{}.json("metadata", metadata).json("spec", spec).str();
}

}  // namespace todoapp::desired
