// What the plugin asks of an app for its user: a change of the app's object, or the reason why there is none to make.
//
// Law: pure; a refusal changes nothing and says what to do instead. Only fields and annotations that are the user's are
// written: spec.rollback, spec.suspend, and the annotations that docs/concepts.md names. The time is an argument.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kubectl/app_view.hpp"

namespace kubectl {

struct Ask {
  todoapp::JsonText patch;  ///< a JSON merge patch of the app
  std::string said;         ///< "todo is asked to roll back to revision 1"
  std::int64_t after{0};    ///< the answer shows in a revision newer than this; 0 where it shows otherwise

  friend bool operator==(const Ask&, const Ask&) = default;
};

/// The newest revision that succeeded before the one that serves or is rolled out, and holds something else: by the
/// hashes of their contents where both are known, else by what was rolled back to what. Error: invalid, with the
/// reason.
[[nodiscard]] base::Result<std::int64_t> previous_good(const AppView& app);

/// `number` 0 goes to the previous good one. Error: invalid.
[[nodiscard]] base::Result<Ask> ask_rollback(const AppView& app, std::int64_t number);
[[nodiscard]] base::Result<Ask> ask_undo(const AppView& app);
/// Whether it failed, so that the same content is tried again only where that is asked for.
[[nodiscard]] bool wants_retry(const AppView& app);
[[nodiscard]] base::Result<Ask> ask_retry(const AppView& app, base::WallTime now);
[[nodiscard]] base::Result<Ask> ask_approve(const AppView& app);
[[nodiscard]] base::Result<Ask> ask_restart(const AppView& app, base::WallTime now);
[[nodiscard]] base::Result<Ask> ask_pause(const AppView& app, bool pause);

}  // namespace kubectl
