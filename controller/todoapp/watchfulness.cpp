#include "todoapp/watchfulness.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "todoapp/names.hpp"

namespace todoapp {
namespace {

constexpr std::chrono::seconds first_look{3};
constexpr std::chrono::seconds longest_wait{30};
/// So often pods of which one has ended are looked at without back-off: its next end decides.
constexpr std::int32_t most_close_looks = 12;

/// Changes whenever a tier moves.
std::string signature(const RolloutView& view) {
  std::string text = std::to_string(view.target.number);
  for (const auto tier : all_tiers) {
    const auto progress = progress_of(view, tier);
    if (progress.state == nullptr) continue;
    const auto& state = *progress.state;
    text += fmt::format(" {}{}/{}/{}/{}/{}", progress.on_template ? "+" : "-", state.wanted, state.replicas,
                        state.updated, state.ready, state.available);
  }
  return text;
}

/// When the pods are due for the next look, after `looks` of them since the rollout last moved.
base::WallTime due(base::WallTime since, std::int32_t looks) {
  base::WallTime at = since;
  for (std::int32_t look = 0; look <= looks; ++look) {
    at += std::min(first_look * (1 << std::min(look, 5)), longest_wait);
  }
  return at;
}

bool past_deadline(const Step& step) {
  const auto* broken = std::get_if<Broken>(&step);
  return broken != nullptr && broken->cause.reason == "ProgressDeadlineExceeded";
}

/// A deadline's verdict with what the pods show of the reason.
void explain(Step& step, const Cause& seen) {
  auto& cause = std::get<Broken>(step).cause;
  cause.tier = seen.tier;
  cause.pod = seen.pod;
  cause.container = seen.container;
  cause.restarts = seen.restarts;
  cause.exit_code = seen.exit_code;
  if (seen.message.empty()) return;
  // Last log lines stand for themselves.
  if (seen.exit_code) {
    cause.message = seen.message;
  } else {
    const auto whose = seen.pod.empty() ? std::string{} : fmt::format("pod {}: ", seen.pod);
    cause.message += fmt::format("; {}{}: {}", whose, seen.reason, seen.message);
  }
}

struct Look {
  bool close{false};  ///< one of the pods may decide soon
  bool stale{false};  ///< too old to decide on
  std::optional<Cause> unready;
};

/// When the last of the pods of the last good revision came right: now, where one has not, or nobody can tell.
base::WallTime recovery(const RolloutView& view, const std::vector<kube::Pod>& pods) {
  std::optional<base::WallTime> latest;
  const auto* good = view.history.last_good();
  for (const auto& pod : pods) {
    const auto* of = kube::find(pod.labels, marked(mark::template_));
    if (good == nullptr || of == nullptr || pod.deleting) continue;
    if (*of != good->frontend_template && *of != good->backend_template) continue;
    const auto* ready = kube::find(pod.conditions, "Ready");
    if (ready == nullptr || ready->status != "True" || !ready->since) return view.observed.now;
    latest = std::max(latest.value_or(*ready->since), *ready->since);
  }
  return latest.value_or(view.observed.now);
}

/// What the pods make of the step.
Look judge(const RolloutView& view, const std::vector<kube::Pod>& pods, Watchfulness& result) {
  Look look;
  const auto& memory = view.observed.memory;
  const auto now = view.observed.now;
  // While the environment fails no end of a container counts until it has recovered; of other troubles, those count
  // that came since it was last seen.
  const auto mended = memory.environment ? recovery(view, pods)
                                         : std::max(memory.waited.value_or(view.target.created), view.target.created);
  auto began = mended;
  for (const auto tier : all_tiers) {
    const auto progress = progress_of(view, tier);
    if (!progress.on_template || progress.complete) continue;
    const auto* attempt = kube::find(progress.deployment->annotations, mark::attempt);
    const auto* good = view.history.last_good();
    const Judged judged{.tier = tier,
                        .template_hash = view.content.tier(tier).template_hash,
                        .attempt = attempt == nullptr ? "" : *attempt,
                        .good_template = good == nullptr ? "" : good->template_of(tier),
                        .max_restarts = view.observed.app.spec.upgrade.max_restarts,
                        .began = mended};
    auto diagnosis = diagnose(pods, progress.state, judged, now);
    if (diagnosis.until) {
      result.look_again = result.look_again ? std::min(*result.look_again, *diagnosis.until) : diagnosis.until;
    }
    if (diagnosis.fails) {
      result.step = Broken{*std::move(diagnosis.fails)};
      return {};
    }
    look.close = look.close || diagnosis.restarting;
    began = std::max(began, diagnosis.began);
    if (diagnosis.unready && !look.unready) look.unready = std::move(diagnosis.unready);
    if (diagnosis.waits_for && !result.waits_for) {
      result.waits_for = std::move(diagnosis.waits_for);
      result.environment = diagnosis.environment;
    }
  }
  // Looks are far apart: when a trouble ended is known only by the first pass that does not see it any more.
  if (result.waits_for) result.waited = memory.pods->at;
  if (!result.waits_for && memory.waiting) result.waited = memory.environment ? mended : now;
  result.waiting = result.waits_for.has_value();
  began = std::max(began, result.waited.value_or(began));
  if (!past_deadline(result.step)) return look;
  if (!result.waits_for) {
    // The Deployment does not know of troubles that were nobody's fault: the time counts from their end.
    // Kubernetes' times are whole seconds.
    const auto deadline = began + view.observed.app.spec.upgrade.progress_deadline + std::chrono::seconds{1};
    look.stale = now >= deadline && memory.pods->at < deadline;
    if (look.stale) return look;
    if (now < deadline) {
      result.look_again = result.look_again ? std::min(*result.look_again, deadline) : deadline;
      result.step = Rolling{{*std::get<Broken>(result.step).cause.tier}};
    } else if (look.unready) {
      explain(result.step, *look.unready);
    }
    return {};
  }
  // What only time can mend has no deadline but the absolute one.
  Rolling rolling;
  if (result.waits_for->tier) rolling.tiers.push_back(*result.waits_for->tier);
  result.step = rolling;
  return look;
}

/// The absolute time-out fails whatever the cause; what was seen last says more of it than the time does.
void explain_timeout(const RolloutView& view, const std::vector<kube::Pod>& pods, Step& step) {
  Watchfulness judged;
  judged.step = Rolling{};
  const auto look = judge(view, pods, judged);
  if (const auto* broken = std::get_if<Broken>(&judged.step)) {
    explain(step, broken->cause);
  } else if (const auto& seen = judged.waits_for ? judged.waits_for : look.unready) {
    explain(step, *seen);
  }
}

}  // namespace

Watchfulness watch_pods(const RolloutView& view, Step step) {
  const auto& memory = view.observed.memory;
  const auto now = view.observed.now;
  Watchfulness result;
  result.step = std::move(step);
  result.progress = signature(view);
  const bool moved = memory.progress != result.progress;
  result.progress_since = moved ? now : memory.progress_since;
  result.pod_looks = moved ? 0 : memory.pod_looks;
  result.waited = memory.waited;
  result.waiting = memory.waiting;
  result.environment = memory.environment;
  const bool rolling = std::holds_alternative<Rolling>(result.step) || past_deadline(result.step);
  const bool seen = !moved && memory.pods && memory.pods->at >= result.progress_since;
  if (!rolling) {
    result.waiting = result.environment = false;
    const auto* broken = std::get_if<Broken>(&result.step);
    if (broken != nullptr && broken->cause.reason == timed_out && seen) {
      explain_timeout(view, memory.pods->pods, result.step);
    }
    return result;
  }
  auto judged = result;
  if (seen) judged.environment = false;  // judged anew
  const auto look = seen ? judge(view, memory.pods->pods, judged) : Look{};
  const bool close = look.close && result.pod_looks <= most_close_looks;
  auto next = due(result.progress_since, result.pod_looks);
  if (close) next = std::min(next, memory.pods->at + first_look);
  if (now >= next || look.stale || (past_deadline(result.step) && !seen)) {
    result.look = true;
    ++result.pod_looks;
    return result;
  }
  judged.look_again = judged.look_again ? std::min(*judged.look_again, next) : next;
  return judged;
}

}  // namespace todoapp
