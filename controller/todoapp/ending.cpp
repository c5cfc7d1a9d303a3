#include "todoapp/ending.hpp"

#include <fmt/format.h>

#include <utility>

#include "todoapp/evidence.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

Ending success_of(const Revision& revision) {
  return {revision.uid,
          revision.version,
          {{std::string(mark::outcome), std::string(to_string(Outcome::succeeded))}, {std::string(mark::reason), ""}},
          false,
          fmt::format("Revision {} serves: {}", revision.number, revision.cause)};
}

Ending failure_of(const Revision& revision, const Cause& cause, base::WallTime at) {
  return {revision.uid,
          revision.version,
          {{std::string(mark::outcome), std::string(to_string(Outcome::failed))},
           {std::string(mark::reason), cause.reason},
           {std::string(mark::failure), evidence_of(cause, at)}},
          true,
          fmt::format("Revision {} failed: {}: {}", revision.number, cause.reason, cause.message)};
}

const Revision* still_unseen(const Ending& ending, const History& history) {
  for (const auto& revision : history.newest_first()) {
    if (revision.uid == ending.uid) return revision.version == ending.version ? &revision : nullptr;
  }
  return nullptr;
}

std::vector<Action> record_ending(const Revision& revision, const Ending& ending) {
  return {RecordOutcome{revision.name, ending.uid, ending.marks, ending.version},
          EmitEvent{ending.failed, ending.failed ? "RolloutFailed" : "RolloutSucceeded", "Rollout", ending.note}};
}

}  // namespace todoapp
