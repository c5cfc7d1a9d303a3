// When pods are looked at, and what comes of it: the part of a rollout that needs more than the caches.
//
// Law: a rollout that moves reads nothing. One that does not move for three seconds has its pods listed, then again
// with back-off; every judgement is made on pods that were read after it last moved. Limits: one list for both tiers.
#pragma once

#include <optional>

#include "todoapp/failure.hpp"
#include "todoapp/rollout.hpp"

namespace todoapp {

struct Watchfulness {
  bool look{false};  ///< list the pods before anything else is decided
  Step step;         ///< the step in the light of the pods
  std::optional<Cause> waits_for;
  bool environment{false};
  std::optional<base::WallTime> look_again;
  std::optional<base::WallTime> waited;  ///< when infrastructure or environment were last waited for
  bool waiting{false};                   ///< and whether they still are
  std::string progress;                  ///< to be remembered, with the three before and the next two
  base::WallTime progress_since{};
  std::int32_t pod_looks{0};
};

/// `step` is that of a rollout without an outcome.
[[nodiscard]] Watchfulness watch_pods(const RolloutView& view, Step step);

}  // namespace todoapp
