// Structured log lines on stderr, through spdlog: a constant message and keys with values, as logfmt-like text or as
// JSON.
//
// Law: the message is a constant (a capital first, no final full stop, past tense); whatever varies is a field. Keys
// are constants too, of the form [a-z_]+. No secret value is ever handed to a logger. A line is one line whatever a
// value holds: control characters, line separators and bidirectional overrides are escaped, and what is not UTF-8
// becomes U+FFFD. Law of threads: `start_logging` before there is a second thread; `log` from any. Limits: synchronous;
// a string value is cut after `log_value_limit` bytes. A level that is off costs one load, provided that the fields are
// views and numbers; guard whatever must be built with `log_enabled`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/time.hpp"

namespace spdlog::sinks {
class sink;
}

namespace shell {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };

[[nodiscard]] const char* to_string(LogLevel level);
[[nodiscard]] const char* to_string(LogFormat format);

inline constexpr std::size_t log_value_limit = 8192;

/// A key and a value; the value is viewed, not copied, so a field lives no longer than the statement that logs it.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  std::string_view key;
  Value value;

  template <class T>
  LogField(std::string_view field_key, const T& field_value) : key(field_key), value(view(field_value)) {}

 private:
  template <class T>
  static Value view(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value;
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<double>(value);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      return static_cast<std::int64_t>(value);
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<std::uint64_t>(value);
    } else {
      static_assert(std::is_convertible_v<const T&, std::string_view>, "a field is text, a number or a bool");
      return std::string_view(value);
    }
  }
};

using LogFields = std::initializer_list<LogField>;

/// Until this is called: text at level info. `sink` is for tests; none means stderr.
void start_logging(LogLevel level, LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink = nullptr);

/// The line without its line end; pure, so that tests need no clock.
[[nodiscard]] std::string format_log_line(LogFormat format, base::WallTime time, LogLevel level,
                                          std::string_view message, std::span<const LogField> fields,
                                          std::span<const LogField> context);

namespace detail {
inline std::atomic<LogLevel> log_threshold{LogLevel::info};
void write_log(LogLevel level, std::string_view message, std::span<const LogField> fields,
               std::span<const LogField> context);
}  // namespace detail

[[nodiscard]] inline bool log_enabled(LogLevel level) {
  return level >= detail::log_threshold.load(std::memory_order_relaxed);
}

/// `context` is for fields that go through many lines, such as the id of a reconcile; they come after `fields`.
inline void log(LogLevel level, std::string_view message, LogFields fields = {},
                std::span<const LogField> context = {}) {
  if (log_enabled(level)) detail::write_log(level, message, {fields.begin(), fields.size()}, context);
}

}  // namespace shell
