// The scenarios: each a small world around one part of the design, as large as can be visited whole.
#pragma once

#include "model/scenario.hpp"

namespace todoapp::model {

/// A and B; pods fail, the operator dies, answers are lost; the user changes their mind and sets retry tokens.
[[nodiscard]] Scenario upgrades();
/// The same from nothing at all.
[[nodiscard]] Scenario installs();
/// `rollback.toRevision` set and taken away, while upgrades fail.
[[nodiscard]] Scenario pins();
/// Three contents, and records of only one finished revision are kept.
[[nodiscard]] Scenario short_history();
/// `onFailure: Hold`, and one retry of its own.
[[nodiscard]] Scenario holding();
/// Watches fall behind; another replica takes over with what it knows.
[[nodiscard]] Scenario stale_caches();
/// Children deleted and changed by others; sealed values and config among them.
[[nodiscard]] Scenario children();
/// B migrates the database; A's code does not work on what comes of it.
[[nodiscard]] Scenario migrations();
/// Restart tokens and secrets that pods read live.
[[nodiscard]] Scenario rotations();
/// The status is written too, at most once a second.
[[nodiscard]] Scenario statuses();

}  // namespace todoapp::model
