// Which revision to run, or to record: the second half of "classify first, choose second".
//
// Law: a content that failed is not tried again until the spec changes, a new retry token comes, or attempts are left;
// a rollback that fails holds; a refusal moves nothing. All of it from records, spec and annotations.
#pragma once

#include <optional>
#include <string>

#include "todoapp/history.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/revision.hpp"
#include "todoapp/status.hpp"

namespace todoapp {

/// Something that the user wants and does not get, and why.
struct Objection {
  Reason reason{Reason::progressing};
  std::string message;
  std::optional<PendingPlan> plan;
};

struct Choice {
  const Revision* run{nullptr};  ///< the revision whose content the pods shall have, where there is one
  std::optional<Origin> record;  ///< a revision to record first; its content is `source`'s, or the spec's
  const Revision* source{nullptr};
  std::optional<Objection> objection;
};

[[nodiscard]] Choice choose(const Observed& observed, const History& history, const Wanted& wanted);

}  // namespace todoapp
