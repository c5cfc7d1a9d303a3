// What is shown: `.status`, made anew from what is observed.
//
// Law: output only. What it says of before (when a condition last changed, whether a tier was scaling) may shape what
// it says now, never what is done; deleting it changes nothing but what is shown. Nothing in it changes when nothing
// happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "todoapp/history.hpp"
#include "todoapp/observed.hpp"

namespace todoapp {

/// The closed list of reasons of the condition Ready; each has an entry in docs/troubleshooting.
enum class Reason : std::uint8_t {
  succeeded,
  rolled_back_on_request,
  progressing,
  install_failed,
  rolled_back,
  rollout_failed,
  rollback_failed,
  degraded,
  awaiting_approval,
  suspended,
  invalid_spec,
  foreign_object,
  rejected,
  secret_not_found,
  schema_barrier,
  revision_not_found,
  forbidden,
  quota_exceeded,
  environment_failing,
};

[[nodiscard]] std::string_view to_string(Reason reason);
/// The condition Ready is true.
[[nodiscard]] bool is_ready(Reason reason);
/// Only a user can go on.
[[nodiscard]] bool stalls(Reason reason);
/// Worth an event of its own. How a rollout ended is told when it is recorded.
[[nodiscard]] bool is_news(Reason reason);

struct Change {
  std::string path;
  std::string from;
  std::string to;
  friend bool operator==(const Change&, const Change&) = default;
};

/// What an upgrade that waits for approval would do.
struct PendingPlan {
  std::string hash;
  std::vector<Change> changes;
  friend bool operator==(const PendingPlan&, const PendingPlan&) = default;
};

/// What the pass came to, in one place.
struct Verdict {
  Reason reason{Reason::progressing};
  std::string message;
  bool reconciling{false};
  std::int64_t active{0};  ///< revision numbers, 0 for none
  std::int64_t target{0};
  std::string step;
  std::optional<PendingPlan> plan;
};

/// The whole `.status` as canonical JSON.
[[nodiscard]] JsonText show_status(const Observed& observed, const History& history, const Verdict& verdict);

/// The reason that the status as it stands gives for Ready; empty where there is none.
[[nodiscard]] std::string shown_reason(const JsonText& status);

/// How one tier serves: `short_of` is true where pods that served before do not serve now.
struct Serving {
  bool any{false};  ///< at least one pod is available, or none is wanted
  bool all{false};  ///< as many as are wanted
  bool short_of{false};
  bool starting{false};  ///< none serves, and none was asked for before
  std::int32_t wanted{0};
  std::int32_t available{0};
};
[[nodiscard]] Serving serving_of(const Observed& observed, Tier tier);

/// Why a revision cannot be gone back to; empty where it can.
[[nodiscard]] std::string not_restorable(const Observed& observed, const History& history, const Revision& revision);

}  // namespace todoapp
