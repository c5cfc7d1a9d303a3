#include "kubectl/pod_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kubectl/members.hpp"
#include "todoapp/names.hpp"
#include "todoapp/revision.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

/// Why a container does not run; empty where it does, or has done its work.
std::string trouble_of(const Json& container, std::string& message) {
  const auto state = member(container, "state");
  if (const auto waiting = member(state, "waiting"); !waiting.empty()) {
    message = waiting.value("message", "");
    return waiting.value("reason", "Waiting");
  }
  const auto ended = member(state, "terminated");
  if (ended.empty()) return {};
  message = ended.value("message", "");
  auto reason = ended.value("reason", "");
  if (!reason.empty()) return reason;
  return fmt::format("ExitCode:{}", ended.value("exitCode", 0));
}

/// As kubectl says it.
std::string state_of_pod(const Json& status, std::string& message) {
  message = status.value("message", "");
  for (const auto& each : status.value("initContainerStatuses", Json::array())) {
    const auto trouble = trouble_of(each, message);
    if (!trouble.empty() && trouble != "Completed") return "Init:" + trouble;
  }
  for (const auto& each : status.value("containerStatuses", Json::array())) {
    if (const auto trouble = trouble_of(each, message); !trouble.empty()) return trouble;
  }
  for (const auto& each : status.value("conditions", Json::array())) {
    if (each.value("type", "") != "PodScheduled" || each.value("status", "") != "False") continue;
    message = each.value("message", "");
    return each.value("reason", "Pending");
  }
  const auto reason = status.value("reason", "");
  return reason.empty() ? status.value("phase", "Pending") : reason;
}

}  // namespace

kube::Pruning pod_pruning() { return {.prefix = std::string(todoapp::prefix), .keep_body = true, .keep_status = true}; }

base::Result<PodView> pod_of(const kube::Object& pod) {
  try {
    const auto body = parse_or_empty(pod.body), status = parse_or_empty(pod.status);
    PodView view;
    view.name = pod.name;
    view.created = pod.created;
    view.component = member(member(body, "metadata"), "labels").value("app.kubernetes.io/component", "");
    const auto* hash = kube::find(pod.labels, todoapp::mark::template_);
    view.template_hash = hash == nullptr ? std::string() : *hash;
    const auto spec = member(body, "spec");
    view.node = spec.value("nodeName", "");
    view.containers = static_cast<std::int64_t>(spec.value("containers", Json::array()).size());
    for (const auto& each : status.value("containerStatuses", Json::array())) {
      view.ready += each.value("ready", false) ? 1 : 0;
      view.restarts += each.value("restartCount", 0);
    }
    view.state = pod.deleting ? "Terminating" : state_of_pod(status, view.message);
    return view;
  } catch (const Json::exception& error) {
    return base::fail(base::ErrorCode::invalid, "read pod " + pod.name, error.what());
  }
}

void note_templates(std::map<std::string, std::int64_t>& revisions, const kube::Object& record) {
  const auto revision = todoapp::read_revision(record);
  if (!revision) return;
  for (const auto tier : todoapp::all_tiers) {
    auto& newest = revisions[revision->template_of(tier)];
    newest = std::max(newest, revision->number);
  }
}

std::string age_words(base::WallTime since, base::WallTime now) {
  const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now - since).count());
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 120L * 60) return fmt::format("{}m", seconds / 60);
  if (seconds < 48L * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / (24L * 3600));
}

}  // namespace kubectl
