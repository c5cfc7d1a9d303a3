// A rollout: moving the app from one revision to another, as a state machine without memory of its own. Each pass it is
// derived anew from the target's record, the Deployments and the migration Job, so that a crash at any point resumes.
//
//   Migrating -> Rolling(first tier) -> Rolling(second tier) -> Soaking -> Finished
//       |               |                     |                   |
//       +---------------+---------------------+-------------------+--> Broken(cause)
//
// Law: steps only go forward while nothing outside changes; `Broken` needs a cause that a person can act on.
// Limits: whether a cause ends the rollout is judged by `failure.*`; here it is only asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "todoapp/failure.hpp"
#include "todoapp/history.hpp"
#include "todoapp/observed.hpp"

namespace todoapp {

struct Migrating {
  std::string job;
  friend bool operator==(const Migrating&, const Migrating&) = default;
};
struct Rolling {
  std::vector<Tier> tiers;  ///< one, or both with `order: Together`
  friend bool operator==(const Rolling&, const Rolling&) = default;
};
struct Soaking {
  base::WallTime since{};
  base::WallTime until{};
  friend bool operator==(const Soaking&, const Soaking&) = default;
};
struct Finished {
  friend bool operator==(const Finished&, const Finished&) = default;
};
struct Broken {
  Cause cause;
  friend bool operator==(const Broken&, const Broken&) = default;
};
using Step = std::variant<Migrating, Rolling, Soaking, Finished, Broken>;

/// The reason of a rollout that its absolute time-out ended.
inline constexpr const char* timed_out = "TimedOut";

/// How far one tier's Deployment is on the way to a template.
struct TierProgress {
  const kube::Object* deployment{nullptr};
  const kube::DeploymentState* state{nullptr};
  bool on_template{false};  ///< its pod template is the wanted one
  bool complete{false};     ///< and all its replicas are updated, available, and no others are left
};

[[nodiscard]] TierProgress progress_of(const Observed& observed, Tier tier, const std::string& template_hash);

/// The stages of a rollout: tiers that go together stand in one stage. A rollback goes the other way round.
[[nodiscard]] std::vector<std::vector<Tier>> stages_of(const Upgrade& upgrade, bool rollback);

struct RolloutView {
  const Observed& observed;
  const History& history;
  const Revision& target;
  const Content& content;
};

/// The same on the way to the target. Pods that an attempt before this one left behind do not count: a retry makes new
/// ones.
[[nodiscard]] TierProgress progress_of(const RolloutView& view, Tier tier);

/// The target is one more try at what failed before it, and this tier has still the pods of that failure.
[[nodiscard]] bool attempt_due(const RolloutView& view, Tier tier);

/// The step that the rollout is at.
[[nodiscard]] Step step_of(const RolloutView& view);

/// "RollingBackend 1/2", "Soaking until 12:00:10Z": for people.
[[nodiscard]] std::string words_of(const Step& step, const RolloutView& view);

/// Which Deployments somebody else has paused, and what to do about it; empty where none is.
[[nodiscard]] std::string paused_words(const Observed& observed);

/// Tiers whose pods are being replaced (by a restart, or for a live secret) and do not come up; empty where none is.
[[nodiscard]] std::string stuck_tiers(const RolloutView& view);

/// Whether the target's migration has still to be run: no finished one reached its schema version.
[[nodiscard]] bool needs_migration(const RolloutView& view);

}  // namespace todoapp
