#include "logging.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace todo {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

const char* to_string(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("todo-backend", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");  // the line is complete when it gets there
    return made;
  }();
  return *instance;
}

}  // namespace

void start_logging(LogLevel level) { logger().set_level(spdlog_level(level)); }

std::string format_log_line(WallTime time, LogLevel level, std::string_view message, LogFields fields) {
  using Json = nlohmann::ordered_json;
  Json line{{"time", format_time(time)}, {"level", to_string(level)}, {"msg", message}};
  for (const auto& [key, value] : fields) {
    std::visit([&, name = std::string(key)](const auto& held) { line[name] = held; }, value);
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool log_enabled(LogLevel level) { return logger().should_log(spdlog_level(level)); }

void log(LogLevel level, std::string_view message, LogFields fields) {
  if (!log_enabled(level)) return;
  const auto line = format_log_line(wall_time(), level, message, fields);
  logger().log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace todo
