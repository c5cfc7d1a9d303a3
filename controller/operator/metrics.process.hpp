// The process_* metrics, read from /proc when somebody asks. Limits: Linux; what cannot be read is left out, as a wrong
// zero would look like a measurement.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace shell {

/// What /proc/PID/stat says, in its own units.
struct ProcessStat {
  std::uint64_t user_ticks{0};
  std::uint64_t system_ticks{0};
  std::uint64_t threads{0};
  std::uint64_t start_ticks{0};  ///< since boot
  std::uint64_t virtual_bytes{0};
  std::uint64_t resident_pages{0};

  friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};

/// Nothing where the line is none; the program's name in it may hold blanks and brackets.
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(std::string_view line);

[[nodiscard]] std::vector<prometheus::MetricFamily> collect_process();

}  // namespace shell
