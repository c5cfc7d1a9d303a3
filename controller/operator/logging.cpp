#include "operator/logging.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <iterator>
#include <utility>

namespace shell {
namespace {

struct Character {
  char32_t code{0xFFFD};
  std::size_t length{1};
};

/// The character that begins at `text[0]`; whatever is no well-formed UTF-8 is U+FFFD, one byte long.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  char32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xC0U) != 0x80U) return {};
    code = (code << 6U) | (byte(at) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {};
  return {code, length};
}

/// What could break a line, or show a reader of a terminal something that is not there.
bool must_escape(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/// A JSON string (RFC 8259); the text format quotes in the same way.
void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const auto [code, length] = decode(text);
    if (code == '"' || code == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(code));
    } else if (code == '\n') {
      out.append("\\n");
    } else if (code == '\t') {
      out.append("\\t");
    } else if (code == '\r') {
      out.append("\\r");
    } else if (must_escape(code)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(code));
    } else if (code == 0xFFFD) {
      out.append("\xEF\xBF\xBD");
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

/// Text that a reader of logfmt takes as one word.
bool is_bare(std::string_view text) {
  const auto plain = [](char letter) {
    return letter > ' ' && letter <= '~' && letter != '"' && letter != '=' && letter != '\\';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain);
}

void append_text(std::string& out, LogFormat format, std::string_view text) {
  if (format == LogFormat::text && is_bare(text)) {
    out.append(text);
  } else {
    append_quoted(out, text);
  }
}

void append_limited(std::string& out, LogFormat format, std::string_view text) {
  if (text.size() <= log_value_limit) return append_text(out, format, text);
  std::size_t end = log_value_limit;
  // Not in the middle of a character; a run of continuation bytes longer than that is no UTF-8 anyway.
  for (int steps = 0; steps < 3 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U; ++steps) --end;
  append_text(out, format, fmt::format("{}...[{} bytes cut]", text.substr(0, end), text.size() - end));
}

void append_value(std::string& out, LogFormat format, const LogField::Value& value) {
  const auto append = [&](const auto& held) {
    using T = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<T, std::string_view>) {
      append_limited(out, format, held);
    } else if constexpr (std::is_same_v<T, double>) {
      // JSON has no word for infinity or for "not a number".
      append_text(out, std::isfinite(held) ? LogFormat::text : format, fmt::format("{}", held));
    } else {
      fmt::format_to(std::back_inserter(out), "{}", held);
    }
  };
  std::visit(append, value);
}

void append_field(std::string& out, LogFormat format, const LogField& field) {
  if (format == LogFormat::json) {
    if (out.size() > 1) out.push_back(',');
    append_quoted(out, field.key);
    out.push_back(':');
  } else {
    if (!out.empty()) out.push_back(' ');
    out.append(field.key);
    out.push_back('=');
  }
  append_value(out, format, field.value);
}

std::string format_millis(base::WallTime time) {
  const auto millis = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
  auto text = base::format_time(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, millis);
}

struct Output {
  std::shared_ptr<spdlog::logger> logger;
  LogFormat format{LogFormat::text};
};

Output make_output(LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink) {
  if (!sink) sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("operator", std::move(sink));
  logger->set_pattern("%v");  // the line is complete when it gets there
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::warn);
  return {std::move(logger), format};
}

Output& output() {
  static Output instance = make_output(LogFormat::text, nullptr);
  return instance;
}

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

}  // namespace

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

const char* to_string(LogFormat format) { return format == LogFormat::json ? "json" : "text"; }

void start_logging(LogLevel level, LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink) {
  output() = make_output(format, std::move(sink));
  detail::log_threshold.store(level, std::memory_order_relaxed);
}

std::string format_log_line(LogFormat format, base::WallTime time, LogLevel level, std::string_view message,
                            std::span<const LogField> fields, std::span<const LogField> context) {
  std::string out;
  out.reserve(256);
  if (format == LogFormat::json) out.push_back('{');
  append_field(out, format, {"time", format_millis(time)});
  append_field(out, format, {"level", to_string(level)});
  append_field(out, format, {"msg", message});
  for (const auto& field : fields) append_field(out, format, field);
  for (const auto& field : context) append_field(out, format, field);
  if (format == LogFormat::json) out.push_back('}');
  return out;
}

void detail::write_log(LogLevel level, std::string_view message, std::span<const LogField> fields,
                       std::span<const LogField> context) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto& [logger, format] = output();
  const auto line = format_log_line(format, now, level, message, fields, context);
  logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace shell
