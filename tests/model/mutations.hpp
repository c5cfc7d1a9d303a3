// The core with one thing wrong in it: by doctoring what it is given, or what it answers. The check has to notice.
#pragma once

#include "model/scenario.hpp"

namespace todoapp::model {

/// Failures look like upgrades that were overtaken: the quarantine is gone.
[[nodiscard]] Decide forgetting_failures();
/// A new revision gets the lowest number that no record has.
[[nodiscard]] Decide filling_gaps_in_numbers();
/// A failure whose record was written, and not seen, is judged again.
[[nodiscard]] Decide judging_again_what_was_not_seen();
/// Never looks again by itself.
[[nodiscard]] Decide without_timers();
/// Pods that do not serve are restarted, as if somebody had asked for it.
[[nodiscard]] Decide restarting_what_is_down();
/// A revision that succeeded is judged again as soon as one of its pods is missing.
[[nodiscard]] Decide judging_success_again();

}  // namespace todoapp::model
