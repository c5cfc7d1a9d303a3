#include "todoapp/watchfulness.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "todoapp/names.hpp"

namespace todoapp {
namespace {

constexpr std::chrono::seconds first_look{3};
constexpr std::chrono::seconds longest_wait{30};

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

void judge(const RolloutView& view, const std::vector<kube::Pod>& pods, Watchfulness& result) {
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
                        .began = view.target.created};
    auto diagnosis = diagnose(pods, progress.state, judged, view.observed.now);
    if (diagnosis.until) {
      result.look_again = result.look_again ? std::min(*result.look_again, *diagnosis.until) : diagnosis.until;
    }
    if (diagnosis.fails) {
      result.step = Broken{*std::move(diagnosis.fails)};
      return;
    }
    if (diagnosis.waits_for && !result.waits_for) {
      result.waits_for = std::move(diagnosis.waits_for);
      result.environment = diagnosis.environment;
    }
  }
  if (!result.waits_for || !past_deadline(result.step)) return;
  // What only time can mend has no deadline but the absolute one.
  Rolling rolling;
  if (result.waits_for->tier) rolling.tiers.push_back(*result.waits_for->tier);
  result.step = rolling;
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
  const bool rolling = std::holds_alternative<Rolling>(result.step) || past_deadline(result.step);
  if (!rolling) return result;
  const bool seen = !moved && memory.pods && memory.pods->at >= result.progress_since;
  const auto next = due(result.progress_since, result.pod_looks);
  if (now >= next || (past_deadline(result.step) && !seen)) {
    result.look = true;
    ++result.pod_looks;
    return result;
  }
  result.look_again = next;
  if (seen) judge(view, memory.pods->pods, result);
  return result;
}

}  // namespace todoapp
