#include "todoapp/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "todoapp/names.hpp"

namespace todoapp {
namespace {

constexpr const char* past_progress_deadline = "ProgressDeadlineExceeded";

bool is_true(const kube::Condition* condition) { return condition != nullptr && condition->status == "True"; }

/// The Deployment's own verdict on the generation it has observed. A verdict on an earlier rollout stays until pods
/// move, back to an old ReplicaSet for example; then our own count of the deadline decides.
std::optional<Cause> deployment_failure(const RolloutView& view, Tier tier, const TierProgress& progress) {
  if (progress.state == nullptr || !progress.on_template) return std::nullopt;
  if (progress.state->observed_generation < progress.deployment->generation) return std::nullopt;
  const auto* condition = kube::find(progress.state->conditions, "Progressing");
  if (condition == nullptr || condition->status != "False" || condition->reason != past_progress_deadline) {
    return std::nullopt;
  }
  const auto began = view.target.created;
  const bool earlier = condition->updated && *condition->updated <= began;
  if (earlier && view.observed.now < began + view.observed.app.spec.upgrade.progress_deadline) return std::nullopt;
  return Cause{.reason = condition->reason, .tier = tier, .message = condition->message};
}

const kube::JobState* migration_job(const RolloutView& view) {
  const auto name = migration_name(view.observed.app.name, view.target.number);
  const auto* object = find_child(view.observed, Kind::job, name);
  return object == nullptr ? nullptr : std::get_if<kube::JobState>(&object->state);
}

std::optional<Cause> migration_failure(const RolloutView& view) {
  const auto* job = migration_job(view);
  if (job == nullptr || !is_true(kube::find(job->conditions, "Failed"))) return std::nullopt;
  const auto* failed = kube::find(job->conditions, "Failed");
  return Cause{.reason = migration_failed,
               .tier = Tier::backend,
               .pod = migration_name(view.observed.app.name, view.target.number),
               .message = fmt::format("{}: {}", failed->reason, failed->message)};
}

std::string tier_words(const RolloutView& view, Tier tier) {
  const auto progress = progress_of(view, tier);
  const auto wanted = progress.state == nullptr ? view.observed.app.spec.tier(tier).replicas : progress.state->wanted;
  std::int32_t done = 0;
  if (progress.state != nullptr && progress.on_template) {
    // Old pods that still serve are among the available ones.
    const auto& state = *progress.state;
    done = std::clamp(state.available - (state.replicas - state.updated), 0, state.updated);
  }
  return fmt::format("{} {}/{}", tier == Tier::backend ? "RollingBackend" : "RollingFrontend", done, wanted);
}

}  // namespace

TierProgress progress_of(const Observed& observed, Tier tier, const std::string& template_hash) {
  TierProgress progress;
  progress.deployment = find_child(observed, Kind::deployment, tier_name(observed.app.name, tier));
  if (progress.deployment == nullptr) return progress;
  const auto* running = kube::find(progress.deployment->annotations, mark::template_);
  progress.on_template = running != nullptr && *running == template_hash;
  progress.state = std::get_if<kube::DeploymentState>(&progress.deployment->state);
  if (progress.state == nullptr) return progress;
  const auto& state = *progress.state;
  progress.complete = progress.on_template && state.observed_generation >= progress.deployment->generation &&
                      state.updated == state.wanted && state.replicas == state.wanted &&
                      state.available >= state.wanted;
  return progress;
}

bool attempt_due(const RolloutView& view, Tier tier) {
  if (view.target.outcome != Outcome::none) return false;
  const Revision* before = nullptr;
  for (const auto& revision : view.history.newest_first()) {
    if (revision.number >= view.target.number || revision.outcome == Outcome::superseded) continue;
    before = &revision;
    break;
  }
  const bool retry =
      before != nullptr && before->outcome == Outcome::failed && before->content_hash == view.target.content_hash;
  const auto progress = progress_of(view.observed, tier, view.content.tier(tier).template_hash);
  if (!retry || !progress.on_template || progress.complete) return false;
  const auto number = std::to_string(view.target.number);
  const auto& carried = progress.deployment->annotations;
  const auto says = [&](std::string_view mark) {
    const auto* value = kube::find(carried, mark);
    return value != nullptr && *value == number;
  };
  return !says(mark::revision) && !says(mark::attempt);
}

TierProgress progress_of(const RolloutView& view, Tier tier) {
  auto progress = progress_of(view.observed, tier, view.content.tier(tier).template_hash);
  if (attempt_due(view, tier)) progress.on_template = false;
  return progress;
}

std::vector<std::vector<Tier>> stages_of(const Upgrade& upgrade, bool rollback) {
  if (upgrade.order == Order::together) return {{Tier::backend, Tier::frontend}};
  const bool backend_first = (upgrade.order == Order::backend_first) != rollback;
  if (backend_first) return {{Tier::backend}, {Tier::frontend}};
  return {{Tier::frontend}, {Tier::backend}};
}

std::string paused_words(const Observed& observed) {
  std::string words;
  for (const auto& child : observed.owned) {
    const auto* state = std::get_if<kube::DeploymentState>(&child.object->state);
    if (state == nullptr || !state->paused) continue;
    words += fmt::format(
        "; Deployment {0} is paused by somebody else; kubectl rollout resume deployment/{0} --namespace {1}",
        child.object->name, observed.app.namespace_);
  }
  return words;
}

std::string stuck_tiers(const RolloutView& view) {
  std::string words;
  for (const auto tier : all_tiers) {
    const auto progress = progress_of(view, tier);
    if (progress.complete || !deployment_failure(view, tier, progress)) continue;
    words += fmt::format("{}{}", words.empty() ? "" : " and ", to_string(tier));
  }
  return words;
}

bool needs_migration(const RolloutView& view) {
  return view.content.migration && view.content.migration->schema_version > view.history.schema_reached() &&
         !view.target.rollback_of;
}

namespace {

/// The step, whatever the time.
Step untimed_step(const RolloutView& view) {
  const auto& app = view.observed.app;
  const auto now = view.observed.now;
  const bool settled = view.target.outcome == Outcome::succeeded;
  if (!settled && needs_migration(view)) {
    if (auto cause = migration_failure(view)) return Broken{*std::move(cause)};
    return Migrating{migration_name(app.name, view.target.number)};
  }
  for (const auto& stage : stages_of(app.spec.upgrade, view.target.rollback_of.has_value())) {
    Rolling rolling;
    for (const auto tier : stage) {
      const auto progress = progress_of(view, tier);
      if (auto cause = deployment_failure(view, tier, progress); cause && !settled) return Broken{*std::move(cause)};
      if (!progress.complete) rolling.tiers.push_back(tier);
    }
    if (!rolling.tiers.empty()) return rolling;
  }
  if (settled) return Finished{};
  const auto& memory = view.observed.memory;
  const auto since = memory.soak_revision == view.target.number && memory.soak_since ? *memory.soak_since : now;
  const auto until = since + app.spec.upgrade.soak;
  if (now >= until) return Finished{};
  return Soaking{since, until};
}

}  // namespace

Step step_of(const RolloutView& view) {
  auto step = untimed_step(view);
  const auto& upgrade = view.observed.app.spec.upgrade;
  const bool late = view.target.outcome == Outcome::none && view.observed.now >= view.target.created + upgrade.timeout;
  if (!late || std::holds_alternative<Finished>(step)) return step;
  // A failed migration says more than the time does. A progress deadline does not: it may be waived, the time never.
  const auto* broken = std::get_if<Broken>(&step);
  if (broken != nullptr && broken->cause.reason != past_progress_deadline) return step;
  return Broken{Cause{.reason = timed_out,
                      .message = fmt::format("the rollout did not finish within upgrade.timeoutSeconds ({} s)",
                                             upgrade.timeout.count())}};
}

std::string words_of(const Step& step, const RolloutView& view) {
  if (std::holds_alternative<Migrating>(step)) return "Migrating";
  if (const auto* rolling = std::get_if<Rolling>(&step)) {
    std::string words;
    for (const auto tier : rolling->tiers) words += (words.empty() ? "" : ", ") + tier_words(view, tier);
    return words;
  }
  if (const auto* soaking = std::get_if<Soaking>(&step)) {
    // Rounded up: who reads the line at that second finds it done.
    const auto whole = std::chrono::ceil<std::chrono::seconds>(soaking->until);
    return "Soaking until " + base::format_time(base::WallTime{whole}).substr(11);
  }
  return {};
}

}  // namespace todoapp
