#include "todoapp/failure.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "todoapp/names.hpp"

namespace todoapp {
namespace {

/// In whatever case: a registry's "401 Unauthorized" is passed on as it came.
bool says(std::string_view message, std::initializer_list<std::string_view> words) {
  std::string lower(message);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
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
    constexpr std::string_view second_face = "ErrImagePull: ";
    if (const auto at = found.cause.message.find(second_face); at != std::string::npos) {
      found.cause.message.erase(0, at + second_face.size());
    }
    return found;
  }
  if (reason == "ErrImageNeverPull" || reason == "CreateContainerConfigError" || reason == "CreateContainerError") {
    return make(CauseClass::graced);
  }
  return std::nullopt;
}

std::optional<Finding> examine_restarts(const kube::Pod& pod, const kube::ContainerStatus& container, Tier tier,
                                        std::int32_t max_restarts, base::WallTime began) {
  const auto* end = ended(container);
  if (container.restart_count < max_restarts || end == nullptr) return std::nullopt;
  const bool stale = end->finished_at && *end->finished_at < began;
  if (stale && std::holds_alternative<kube::Running>(container.state)) return std::nullopt;
  const bool telling = end->reason == "OOMKilled" || end->reason == "StartError";
  auto found = finding(CauseClass::terminal, pod, tier, telling ? end->reason : "CrashLoopBackOff", end->message);
  found.cause.container = container.name;
  found.cause.exit_code = end->exit_code;
  found.cause.restarts = container.restart_count;
  found.stale = stale;
  const bool killed = end->exit_code == 0 || (end->exit_code == 137 && end->reason == "Error");
  if (found.cause.message.empty() && killed) {
    found.cause.message =
        "it ended without an error of its own: see what its liveness probe says (kubectl describe pod)";
  }
  return found;
}

std::string_view label_of(const kube::Pod& pod, std::string_view mark) {
  const auto* label = kube::find(pod.labels, marked(mark));
  return label == nullptr ? std::string_view{} : *label;
}

bool serves(const kube::Pod& pod) {
  const auto* ready = kube::find(pod.conditions, "Ready");
  return ready != nullptr && ready->status == "True";
}

bool has_ended(const kube::ContainerStatus& container) {
  return container.restart_count > 0 || std::holds_alternative<kube::Terminated>(container.state);
}

/// What there is to say of a pod that does not serve, where nothing in it ends the rollout yet.
Cause unready_cause(const kube::Pod& pod, Tier tier, const std::optional<Finding>& found) {
  if (found) return found->cause;
  Cause cause{.reason = "ContainersNotReady", .tier = tier, .pod = pod.name};
  for (const auto& container : pod.containers) {
    if (container.ready) continue;
    cause.container = container.name;
    cause.restarts = container.restart_count;
    const auto* waiting = std::get_if<kube::Waiting>(&container.state);
    if (const auto* end = ended(container)) {
      cause.exit_code = end->exit_code;
      cause.message = end->message;
    } else if (waiting != nullptr && waiting->reason == "ContainerCreating") {
      cause.message = "it is still being created: a volume or the network is not there (kubectl describe pod)";
    }
    break;
  }
  const auto* ready = kube::find(pod.conditions, "Ready");
  if (cause.message.empty() && ready != nullptr) cause.message = ready->message;
  return cause;
}

/// When the pod last had a reason to be slow: it was made, found a node, or its containers started for the first time.
base::WallTime began(const kube::Pod& pod) {
  auto latest = pod.created;
  const auto* scheduled = kube::find(pod.conditions, "PodScheduled");
  if (scheduled != nullptr && scheduled->since) latest = std::max(latest, *scheduled->since);
  for (const auto& container : pod.containers) {
    const auto* running = std::get_if<kube::Running>(&container.state);
    if (running == nullptr || !running->started_at || container.restart_count > 0) continue;
    latest = std::max(latest, *running->started_at);
  }
  return latest;
}

bool is_of(const kube::Pod& pod, Tier tier) {
  const auto* component = kube::find(pod.labels, "app.kubernetes.io/component");
  return component != nullptr && *component == to_string(tier);
}

/// Of a node that is lost, the cluster says one thing alone: Ready is false, for no reason. (A readiness gate gives
/// one.) And a node that never answered has nobody to write a status.
bool on_lost_node(const kube::Pod& pod, const kube::Condition* scheduled) {
  const auto* ready = kube::find(pod.conditions, "Ready");
  const auto* containers = kube::find(pod.conditions, "ContainersReady");
  const bool silenced = ready != nullptr && ready->status == "False" && ready->reason.empty() &&
                        containers != nullptr && containers->status == "True";
  const bool untaken = scheduled != nullptr && scheduled->status == "True" && pod.phase == "Pending" &&
                       !pod.node.empty() && pod.containers.empty() && pod.init_containers.empty();
  return silenced || untaken;
}

}  // namespace

std::optional<Finding> examine(const kube::Pod& pod, Tier tier, std::int32_t max_restarts, base::WallTime began) {
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
  if (on_lost_node(pod, scheduled)) {
    return finding(CauseClass::infrastructure, pod, tier, "NodeNotReady", "node " + pod.node + " does not answer");
  }
  for (const auto* containers : {&pod.init_containers, &pod.containers}) {
    for (const auto& container : *containers) {
      if (auto found = examine_restarts(pod, container, tier, max_restarts, began)) return found;
      if (auto found = examine_waiting(pod, container, tier)) return found;
    }
  }
  return std::nullopt;
}

std::optional<Finding> examine(const kube::DeploymentState& deployment, Tier tier, base::WallTime now) {
  const auto* failure = kube::find(deployment.conditions, "ReplicaFailure");
  if (failure == nullptr || failure->status != "True") return std::nullopt;
  const bool quota = says(failure->message, {"exceeded quota"});
  const bool refused = says(failure->message, {"forbidden", "violates podsecurity", "service account", "denied"});
  const auto kind = refused && !quota ? CauseClass::terminal : CauseClass::infrastructure;
  return Finding{kind,
                 Cause{.reason = quota ? "QuotaExceeded" : failure->reason, .tier = tier, .message = failure->message},
                 failure->since.value_or(now)};
}

Cause told_by_pods(Cause cause, const std::vector<kube::Pod>& pods) {
  const kube::Pod* newest = nullptr;
  for (const auto& pod : pods) {
    const auto* job = kube::find(pod.labels, "batch.kubernetes.io/job-name");
    if (job == nullptr || *job != cause.pod) continue;
    if (newest == nullptr || newest->created <= pod.created) newest = &pod;
  }
  if (newest == nullptr) return cause;
  cause.pod = newest->name;
  for (const auto& container : newest->containers) {
    const auto* end = ended(container);
    if (end == nullptr) continue;
    cause.container = container.name;
    cause.exit_code = end->exit_code;
    if (!end->message.empty()) cause.message = end->message;
  }
  return cause;
}

Diagnosis diagnose(const std::vector<kube::Pod>& pods, const kube::DeploymentState* deployment, const Judged& judged,
                   base::WallTime now) {
  Diagnosis diagnosis;
  std::vector<Finding> findings;
  std::vector<std::string> old_reasons;
  if (deployment != nullptr) {
    if (auto found = examine(*deployment, judged.tier, now)) findings.push_back(*std::move(found));
  }
  for (const auto& pod : pods) {
    if (!is_of(pod, judged.tier)) continue;
    const auto of = label_of(pod, mark::template_);
    const bool is_new = of == judged.template_hash && label_of(pod, mark::attempt) == judged.attempt;
    const bool is_good = of != judged.template_hash && of == judged.good_template;
    if (!is_new && !is_good) continue;
    // A good pod that serves does not fail, whatever it went through one day.
    if (is_good && serves(pod)) continue;
    auto found = examine(pod, judged.tier, judged.max_restarts, is_new ? judged.began : base::WallTime{});
    if (is_new && !pod.deleting) {
      diagnosis.restarting =
          diagnosis.restarting || std::any_of(pod.containers.begin(), pod.containers.end(), has_ended);
      if (!serves(pod) && !diagnosis.unready) diagnosis.unready = unready_cause(pod, judged.tier, found);
      diagnosis.began = std::max(diagnosis.began, began(pod));
    }
    if (!found) continue;
    if (is_new) {
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
    } else if (found.stale) {
      continue;  // its next start decides
    } else if (lasted) {
      if (!diagnosis.fails) diagnosis.fails = std::move(found.cause);
    } else {
      const auto end = found.since + failure_grace;
      diagnosis.until = diagnosis.until ? std::min(*diagnosis.until, end) : end;
    }
  }
  return diagnosis;
}

}  // namespace todoapp
