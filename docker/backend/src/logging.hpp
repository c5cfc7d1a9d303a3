// Log lines on stderr, one JSON object each, through spdlog.
//
// Law: the message is a constant (a capital first, no final full stop, past tense); whatever varies is a field. No
// connection string and no todo is ever a field. From any thread, after `start_logging`.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "clock.hpp"

namespace todo {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };

using LogValue = std::variant<std::string, std::int64_t, double, bool>;
using LogFields = std::initializer_list<std::pair<std::string_view, LogValue>>;

void start_logging(LogLevel level);

/// Pure, so that tests need no clock.
[[nodiscard]] std::string format_log_line(WallTime time, LogLevel level, std::string_view message, LogFields fields);

[[nodiscard]] bool log_enabled(LogLevel level);
void log(LogLevel level, std::string_view message, LogFields fields = {});

}  // namespace todo
