// How a rollout came to its end, as it is recorded on the revision and told.
//
// Law: what was judged once is not judged again. An outcome whose answer was lost may stand on the record already,
// which the cache does not show yet: until it shows another version of the record, the same outcome is sent again and
// nothing else is done. The server takes it once, for it names the version that was judged.
#pragma once

#include <vector>

#include "todoapp/failure.hpp"
#include "todoapp/history.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"

namespace todoapp {

[[nodiscard]] Ending success_of(const Revision& revision);
/// The cause's words are masked already.
[[nodiscard]] Ending failure_of(const Revision& revision, const Cause& cause, base::WallTime at);

/// The record as it was when that outcome was sent to it; nullptr where it is another by now, or gone.
[[nodiscard]] const Revision* still_unseen(const Ending& ending, const History& history);

/// Records it; it is told once that is done, or each try would tell it again.
[[nodiscard]] std::vector<Action> record_ending(const Revision& revision, const Ending& ending);

}  // namespace todoapp
