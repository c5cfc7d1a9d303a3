// What a run of the check starts from, and what may happen in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/state.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"

namespace todoapp::model {

/// What users may do, and what may go wrong, besides what budgets bound.
struct Allowed {
  bool edits{false};       ///< the spec asks for another content
  bool pins{false};        ///< spec.rollback.toRevision is set and unset
  bool retries{false};     ///< a new retry token
  bool restarts{false};    ///< a new restart token
  bool rotates{false};     ///< the user's Secret gets a new value
  bool removals{false};    ///< somebody deletes a child
  bool tampering{false};   ///< somebody changes a child
  bool take_overs{false};  ///< another replica becomes the leader
  bool refusals{false};    ///< the API server refuses a write, once
};

/// Product code, or a mutation of it.
using Decide = std::function<Plan(const Observed&)>;

/// What of the shell can be broken on purpose.
struct Shell {
  bool fenced{true};       ///< a process that no longer leads does not write
  bool looks_again{true};  ///< AlreadyExists is a reason to look at what is there
  bool renews{true};       ///< a standby that takes over reads all anew before it writes
};

struct Scenario {
  std::string name;
  std::vector<App> contents;  ///< what the spec may ask for; the first from the beginning
  std::uint8_t bad{0};        ///< contents whose pods never come up in bad weather, a bit each
  bool installed{true};       ///< the first content serves already
  bool status{false};  ///< the status is written too (else it is left out, and with it its own second of waiting)
  Allowed allowed;
  Budget budget;
  std::uint16_t may_stall{0};  ///< kinds whose watches may fall behind
  std::int32_t looks{1};       ///< so often a rollout that does not move is looked at
  std::size_t most_states{50000};
  Decide decide{};  ///< reconcile, where it is empty
  Shell shell{};
};

}  // namespace todoapp::model
