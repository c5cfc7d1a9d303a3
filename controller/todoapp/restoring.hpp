// Contents made of what a record holds.
//
// A rollback on request gives the pods what was recorded, with the generated values of today. Law: pinned values come
// back as they were, generated ones never change by a rollback: a key that was rotated away stays away. (An automatic
// rollback takes the last good revision as it was: values that were never seen to work are part of what failed.) Pure;
// costs reads only where values were rotated in between.
#pragma once

#include <vector>

#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"
#include "todoapp/revision.hpp"

namespace todoapp {

struct Restored {
  std::vector<Action> reads;   ///< to be done before anything else is decided
  std::vector<Action> writes;  ///< sealed Secrets that the content refers to and that are not there yet
  Content content;
};

/// Whether a tier's pods would be other ones for the renderer's sake alone: the spec asks for the same as `latest`
/// holds.
[[nodiscard]] bool renders_anew(const Wanted& wanted, const Revision& latest);

/// `wanted`, with the tiers of which the spec asks for nothing new as they were recorded: no pod restarts because an
/// operator of another version renders it in other words.
[[nodiscard]] Wanted keeping_tiers(Wanted wanted, const Revision& latest, const Content& recorded);

/// `recorded` is the content to go back to; `serving` the revision whose generated values are today's.
[[nodiscard]] Restored restore(const Observed& observed, const Revision& serving, const Content& recorded);

}  // namespace todoapp
