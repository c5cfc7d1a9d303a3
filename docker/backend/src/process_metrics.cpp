#include "process_metrics.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

namespace todo {
namespace {

/// The fields of /proc/self/stat from the third one on: the second is a name that may hold anything, in parentheses.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double value = 0;
  while (file >> word) {
    if (word == "btime" && file >> value) return value;
  }
  return std::nullopt;
}

std::optional<double> open_files() {
  std::error_code error;
  double count = -1;  // the one that reads the folder
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  if (error || count < 0) return std::nullopt;
  return count;
}

prometheus::MetricFamily family(const char* name, const char* help, prometheus::MetricType type, double value) {
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return {name, help, type, {metric}};
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics() {
  using prometheus::MetricType;
  constexpr std::size_t user_time = 11;
  constexpr std::size_t system_time = 12;
  constexpr std::size_t start_time = 19;
  constexpr std::size_t resident_pages = 21;
  std::vector<prometheus::MetricFamily> out;
  const auto fields = stat_fields();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (fields.size() > resident_pages) {
    const auto number = [&](std::size_t at) { return std::strtod(fields[at].c_str(), nullptr); };
    out.push_back(family("process_cpu_seconds_total", "User and system time.", MetricType::Counter,
                         (number(user_time) + number(system_time)) / ticks));
    out.push_back(family("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
                         number(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE))));
    if (const auto boot = boot_time()) {
      out.push_back(family("process_start_time_seconds", "Start of the process, since the epoch.", MetricType::Gauge,
                           *boot + number(start_time) / ticks));
    }
  }
  if (const auto files = open_files()) {
    out.push_back(family("process_open_fds", "Open file descriptors.", MetricType::Gauge, *files));
  }
  return out;
}

}  // namespace todo
