// Points in time and how they are written. Law: nobody below the shell asks what time it is; times are arguments.
// `WallTime` is for people and records (whole seconds when written), `MonoTime` for waiting and expiry.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace base {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonoTime = std::chrono::steady_clock::time_point;

/// RFC 3339 in UTC with whole seconds, as Kubernetes writes a Time: "2026-01-31T12:00:10Z".
[[nodiscard]] std::string format_time(WallTime time);
/// The same with six digits of a second, as Kubernetes writes a MicroTime (Lease, Event).
[[nodiscard]] std::string format_micro_time(WallTime time);
/// Reads both forms; `Z` only, which is all that an API server sends. Error: invalid.
[[nodiscard]] Result<WallTime> parse_time(std::string_view text);

}  // namespace base
