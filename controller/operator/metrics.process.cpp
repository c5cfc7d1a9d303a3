#include "operator/metrics.process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace shell {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily make_family(MetricType type, const char* name, const char* help, double value) {
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {name, help, type, {metric}};
}

/// The moment of the boot in seconds since the epoch: a process' start is counted from it.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

std::optional<double> open_files() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  if (error) return std::nullopt;
  double count = -1;  // the one that lists them
  for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (error) return std::nullopt;
    ++count;
  }
  return count;
}

void add_stat(std::vector<MetricFamily>& families, const ProcessStat& stat) {
  static const auto boot = boot_time();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto add = [&](MetricType type, const char* name, const char* help, double value) {
    families.push_back(make_family(type, name, help, value));
  };
  add(MetricType::Counter, "process_cpu_seconds_total", "Time that the process spent on a CPU, user and system.",
      static_cast<double>(stat.user_ticks + stat.system_ticks) / ticks);
  add(MetricType::Gauge, "process_resident_memory_bytes", "Memory of the process that is in RAM.",
      static_cast<double>(stat.resident_pages) * page);
  add(MetricType::Gauge, "process_virtual_memory_bytes", "Address space of the process.",
      static_cast<double>(stat.virtual_bytes));
  add(MetricType::Gauge, "process_threads", "Threads of the process.", static_cast<double>(stat.threads));
  if (boot) {
    add(MetricType::Gauge, "process_start_time_seconds", "When the process started, in seconds since the epoch.",
        *boot + static_cast<double>(stat.start_ticks) / ticks);
  }
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view line) {
  const auto name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  // Numbered as in proc(5), where the name is field 2 and the state after it field 3.
  constexpr std::size_t fields = 24;
  std::array<std::uint64_t, fields + 1> numbers{};
  auto rest = line.substr(name_end + 1);
  for (std::size_t field = 3; field <= fields; ++field) {
    const auto begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin);
    const auto word = rest.substr(0, rest.find_first_of(" \n"));
    // Some others are negative or a letter; they stay 0 and are not used.
    std::from_chars(word.data(), word.data() + word.size(), numbers[field]);
    rest.remove_prefix(word.size());
  }
  return ProcessStat{.user_ticks = numbers[14],
                     .system_ticks = numbers[15],
                     .threads = numbers[20],
                     .start_ticks = numbers[22],
                     .virtual_bytes = numbers[23],
                     .resident_pages = numbers[24]};
}

std::vector<MetricFamily> collect_process() {
  std::vector<MetricFamily> families;
  std::string line;
  std::ifstream file("/proc/self/stat");
  if (std::getline(file, line)) {
    if (const auto stat = parse_process_stat(line)) add_stat(families, *stat);
  }
  if (const auto open = open_files()) {
    families.push_back(make_family(MetricType::Gauge, "process_open_fds", "File descriptors that are open.", *open));
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(make_family(MetricType::Gauge, "process_max_fds", "File descriptors that may be open.",
                                   static_cast<double>(limit.rlim_cur)));
  }
  return families;
}

}  // namespace shell
