#include "todoapp/stopping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "todoapp/names.hpp"
#include "todoapp/validation.hpp"

namespace todoapp {
namespace {

constexpr std::chrono::seconds refusal_first{5};
constexpr std::chrono::seconds refusal_most{300};

std::string join(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += (text.empty() ? "" : "; ") + sentence;
  return text;
}

Reason reason_of(const Refusal& refusal) {
  if (refusal.code == base::ErrorCode::already_exists) return Reason::foreign_object;
  if (refusal.code != base::ErrorCode::forbidden) return Reason::rejected;
  return refusal.detail.find("exceeded quota") == std::string::npos ? Reason::forbidden : Reason::quota_exceeded;
}

/// The API server refused a write: said once, tried again with back-off or when the spec changes.
std::optional<Stop> refused(const Observed& observed, std::optional<Refusal>& refusal) {
  if (!refusal) return std::nullopt;
  if (refusal->generation != observed.app.generation) {
    refusal.reset();
    return std::nullopt;
  }
  if (refusal->retry_at && observed.now >= *refusal->retry_at) return std::nullopt;
  if (!refusal->retry_at) {
    const auto wait = refusal_first * (1 << std::min(refusal->tries - 1, 6));
    refusal->retry_at = observed.now + std::min<std::chrono::seconds>(wait, refusal_most);
  }
  return Stop{reason_of(*refusal), fmt::format("{}: {}", refusal->what, refusal->detail), refusal->retry_at};
}

}  // namespace

std::optional<Stop> stop_of(const Observed& observed, std::optional<Refusal>& refusal) {
  const auto& app = observed.app;
  if (!observed.spec_error.empty()) return Stop{Reason::invalid_spec, observed.spec_error, {}};
  if (app.spec.suspend) {
    return Stop{Reason::suspended, "spec.suspend is true: nothing is written until it is false", {}};
  }
  if (const auto problems = problems_of(app); !problems.empty()) return Stop{Reason::invalid_spec, join(problems), {}};
  if (!observed.strangers.empty()) {
    const auto& stranger = observed.strangers.front();
    return Stop{
        Reason::foreign_object,
        fmt::format("{} {} exists and does not belong to this app, so it is left alone; delete or rename it, or "
                    "rename the app",
                    to_string(stranger.kind), stranger.name),
        {}};
  }
  return refused(observed, refusal);
}

}  // namespace todoapp
