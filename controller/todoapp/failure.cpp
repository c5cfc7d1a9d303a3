#include "todoapp/failure.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

constexpr std::string_view mask = "***";
/// Shorter values would mask half of any text, and guard nothing.
constexpr std::size_t shortest_masked = 4;

bool says(std::string_view message, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return message.find(word) != std::string_view::npos; });
}

const kube::Terminated* ended(const kube::ContainerStatus& container) {
  if (const auto* now = std::get_if<kube::Terminated>(&container.state); now != nullptr && now->exit_code != 0)
    return now;
  return std::get_if<kube::Terminated>(&container.last_state);
}

Finding finding(CauseClass kind, const kube::Pod& pod, Tier tier, std::string reason, std::string message) {
  return {kind, Cause{.reason = std::move(reason), .tier = tier, .pod = pod.name, .message = std::move(message)},
          pod.created};
}

std::optional<Finding> examine_waiting(const kube::Pod& pod, const kube::ContainerStatus& container, Tier tier) {
  const auto* waiting = std::get_if<kube::Waiting>(&container.state);
  if (waiting == nullptr) return std::nullopt;
  const auto& reason = waiting->reason;
  const auto make = [&](CauseClass kind) {
    auto found = finding(kind, pod, tier, reason, waiting->message);
    found.cause.container = container.name;
    return found;
  };
  if (reason == "InvalidImageName") return make(CauseClass::terminal);
  if (reason == "ErrImagePull" || reason == "ImagePullBackOff") {
    // Both faces of one cause; told apart by what the registry said, or that it said nothing.
    auto found =
        make(says(waiting->message, {"not found", "unauthorized", "denied", "forbidden", "authorization failed"})
                 ? CauseClass::graced
                 : CauseClass::infrastructure);
    found.cause.reason = "ImagePullBackOff";
    return found;
  }
  if (reason == "ErrImageNeverPull" || reason == "CreateContainerConfigError" || reason == "CreateContainerError") {
    return make(CauseClass::graced);
  }
  return std::nullopt;
}

std::optional<Finding> examine_restarts(const kube::Pod& pod, const kube::ContainerStatus& container, Tier tier,
                                        std::int32_t max_restarts) {
  const auto* end = ended(container);
  if (container.restart_count < max_restarts || end == nullptr) return std::nullopt;
  const bool telling = end->reason == "OOMKilled" || end->reason == "StartError";
  auto found = finding(CauseClass::terminal, pod, tier, telling ? end->reason : "CrashLoopBackOff", end->message);
  found.cause.container = container.name;
  found.cause.exit_code = end->exit_code;
  found.cause.restarts = container.restart_count;
  return found;
}

bool is_new(const kube::Pod& pod, const std::string& template_hash) {
  const auto* label = kube::find(pod.labels, "apps.todoapp.dev/template");
  return label != nullptr && *label == template_hash;
}

bool is_of(const kube::Pod& pod, Tier tier) {
  const auto* component = kube::find(pod.labels, "app.kubernetes.io/component");
  return component != nullptr && *component == to_string(tier);
}

}  // namespace

std::optional<Finding> examine(const kube::Pod& pod, Tier tier, std::int32_t max_restarts) {
  if (pod.deleting) return std::nullopt;
  if (pod.phase == "Failed" && pod.reason == "Evicted") {
    return finding(CauseClass::infrastructure, pod, tier, "Evicted", pod.message);
  }
  if (pod.reason == "NodeLost" || pod.reason == "NodeShutdown" || pod.reason == "Terminated") {
    return finding(CauseClass::infrastructure, pod, tier, "NodeNotReady", pod.message);
  }
  const auto* scheduled = kube::find(pod.conditions, "PodScheduled");
  if (scheduled != nullptr && scheduled->status == "False") {
    return finding(CauseClass::infrastructure, pod, tier, scheduled->reason, scheduled->message);
  }
  for (const auto* containers : {&pod.init_containers, &pod.containers}) {
    for (const auto& container : *containers) {
      if (auto found = examine_restarts(pod, container, tier, max_restarts)) return found;
      if (auto found = examine_waiting(pod, container, tier)) return found;
    }
  }
  return std::nullopt;
}

std::optional<Finding> examine(const kube::DeploymentState& deployment, Tier tier, base::WallTime now) {
  const auto* failure = kube::find(deployment.conditions, "ReplicaFailure");
  if (failure == nullptr || failure->status != "True") return std::nullopt;
  const bool quota = says(failure->message, {"exceeded quota"});
  const bool refused = says(failure->message, {"forbidden", "violates PodSecurity", "service account", "denied"});
  const auto kind = refused && !quota ? CauseClass::terminal : CauseClass::infrastructure;
  return Finding{kind,
                 Cause{.reason = quota ? "QuotaExceeded" : failure->reason, .tier = tier, .message = failure->message},
                 failure->since.value_or(now)};
}

Diagnosis diagnose(const std::vector<kube::Pod>& pods, const kube::DeploymentState* deployment, Tier tier,
                   const std::string& template_hash, std::int32_t max_restarts, base::WallTime now) {
  Diagnosis diagnosis;
  std::vector<Finding> findings;
  std::vector<std::string> old_reasons;
  if (deployment != nullptr) {
    if (auto found = examine(*deployment, tier, now)) findings.push_back(*std::move(found));
  }
  for (const auto& pod : pods) {
    if (!is_of(pod, tier)) continue;
    auto found = examine(pod, tier, max_restarts);
    if (!found) continue;
    if (is_new(pod, template_hash)) {
      findings.push_back(*std::move(found));
    } else {
      old_reasons.push_back(found->cause.reason);
    }
  }
  for (auto& found : findings) {
    const bool environment = std::find(old_reasons.begin(), old_reasons.end(), found.cause.reason) != old_reasons.end();
    const bool lasted =
        found.kind == CauseClass::terminal || (found.kind == CauseClass::graced && now >= found.since + failure_grace);
    if (found.kind == CauseClass::infrastructure || environment) {
      diagnosis.environment = diagnosis.environment || environment;
      if (!diagnosis.waits_for) diagnosis.waits_for = std::move(found.cause);
    } else if (lasted) {
      if (!diagnosis.fails) diagnosis.fails = std::move(found.cause);
    } else {
      const auto end = found.since + failure_grace;
      diagnosis.until = diagnosis.until ? std::min(*diagnosis.until, end) : end;
    }
  }
  return diagnosis;
}

JsonText evidence_of(const Cause& cause, base::WallTime at) {
  nlohmann::json json{{"reason", cause.reason}, {"message", cause.message}, {"at", base::format_time(at)}};
  if (cause.tier) json["tier"] = to_string(*cause.tier);
  if (!cause.pod.empty()) json["pod"] = cause.pod;
  if (!cause.container.empty()) json["container"] = cause.container;
  if (cause.exit_code) json["exitCode"] = *cause.exit_code;
  if (cause.restarts > 0) json["restarts"] = cause.restarts;
  return kube::canonical(json);
}

std::string masked(std::string text, const std::vector<std::string>& values, std::size_t bytes) {
  for (const auto& value : values) {
    if (value.size() < shortest_masked) continue;
    for (std::size_t at = 0; (at = text.find(value, at)) != std::string::npos; at += mask.size()) {
      text.replace(at, value.size(), mask);
    }
  }
  if (text.size() <= bytes) return text;
  // The last lines say most; what is cut must not begin inside a character.
  auto start = text.size() - bytes;
  while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) ++start;
  return text.substr(start);
}

}  // namespace todoapp
