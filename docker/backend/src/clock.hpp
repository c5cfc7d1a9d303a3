// Time as it is written: RFC 3339, UTC, with milliseconds. The clock itself is asked in one place.
#pragma once

#include <chrono>
#include <string>

namespace todo {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// "2026-11-21T18:09:12.250Z", for years 0 to 9999.
[[nodiscard]] std::string format_time(WallTime time);

/// "Sat, 21 Nov 2026 18:09:12 GMT", for the header `Date`.
[[nodiscard]] std::string format_http_date(WallTime time);

[[nodiscard]] WallTime wall_time();

}  // namespace todo
