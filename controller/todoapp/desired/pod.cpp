#include "todoapp/desired/pod.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "todoapp/desired/json_parts.hpp"

namespace todoapp::desired {
namespace {

constexpr const char* scratch = "tmp";

/// `first` and behind it the entries of the list `text`.
Json list_of(Json first, const JsonText& text) {
  Json list = Json::array({std::move(first)});
  if (text.empty()) return list;
  auto more = Json::parse(text);
  for (auto& entry : more) list.push_back(std::move(entry));
  return list;
}

Json references(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const auto& name : names) list.push_back(Json::object({{"name", name}}));
  return list;
}

}  // namespace

Json pod_metadata(const TierSpec& tier, StringMap labels) {
  labels.insert(tier.pod_labels.begin(), tier.pod_labels.end());
  Json metadata = Json::object();
  set(metadata, "labels", labels);
  set(metadata, "annotations", tier.pod_annotations);
  return metadata;
}

Json pod_spec(const TierSpec& tier, Json container) {
  Json spec = Json::object();
  spec["containers"] = Json::array({std::move(container)});
  spec["enableServiceLinks"] = false;
  // Without an account of its own a pod has no business with the API server.
  if (tier.service_account_name.empty()) spec["automountServiceAccountToken"] = false;
  set(spec, "serviceAccountName", tier.service_account_name);
  set(spec, "imagePullSecrets", references(tier.image_pull_secrets));
  set_parsed(spec, "securityContext", tier.pod_security_context);
  set(spec, "nodeSelector", tier.node_selector);
  set_parsed(spec, "tolerations", tier.tolerations);
  set_parsed(spec, "affinity", tier.affinity);
  set(spec, "priorityClassName", tier.priority_class_name);
  spec["volumes"] = list_of(Json::object({{"name", scratch}, {"emptyDir", Json::object()}}), tier.volumes);
  return spec;
}

Json container_of(const TierSpec& tier, const char* name) {
  Json container = Json::object();
  container["name"] = name;
  container["image"] = tier.image;
  set(container, "imagePullPolicy", tier.image_pull_policy);
  set_parsed(container, "resources", tier.resources);
  set_parsed(container, "securityContext", tier.container_security_context);
  // The last log lines of a failed container reach the pod's status, so that nobody needs the right to read logs.
  container["terminationMessagePolicy"] = "FallbackToLogsOnError";
  container["volumeMounts"] = list_of(Json::object({{"name", scratch}, {"mountPath", "/tmp"}}), tier.volume_mounts);
  return container;
}

}  // namespace todoapp::desired
