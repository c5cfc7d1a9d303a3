#include "base/time.hpp"

#include <fmt/format.h>

#include <charconv>

namespace base {
namespace {

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> clock;
};

Parts split(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day{day}, std::chrono::hh_mm_ss<std::chrono::milliseconds>{time - day}};
}

std::string format_seconds(const Parts& parts) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(parts.date.year()),
                     static_cast<unsigned>(parts.date.month()), static_cast<unsigned>(parts.date.day()),
                     parts.clock.hours().count(), parts.clock.minutes().count(), parts.clock.seconds().count());
}

/// Reads exactly `width` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  const auto* first = text.data() + at;
  const auto [end, error] = std::from_chars(first, first + width, value);
  return error == std::errc{} && end == first + width && *first != '-' ? value : -1;
}

}  // namespace

std::string format_time(WallTime time) { return format_seconds(split(time)) + "Z"; }

std::string format_micro_time(WallTime time) {
  const auto parts = split(time);
  return fmt::format("{}.{:06}Z", format_seconds(parts), parts.clock.subseconds().count() * 1000);
}

Result<WallTime> parse_time(std::string_view text) {
  const auto bad = [&] { return fail(ErrorCode::invalid, "read a time", fmt::format("\"{}\" is not RFC 3339", text)); };
  if (text.size() < 20 || text.back() != 'Z' || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':') {
    return bad();
  }
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0 || hour > 23 || minute > 59 ||
      second > 60) {
    return bad();
  }
  const auto date = std::chrono::year{year} / month / day;
  if (!date.ok()) return bad();
  int millis = 0;
  if (text[19] == '.') {
    const auto fraction = text.substr(20, text.size() - 21);
    if (fraction.empty() || fraction.find_first_not_of("0123456789") != std::string_view::npos) return bad();
    millis = digits(
        std::string(fraction.substr(0, 3)) + std::string(3 - std::min<std::size_t>(3, fraction.size()), '0'), 0, 3);
  } else if (text.size() != 20) {
    return bad();
  }
  return WallTime{std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{hour} +
                  std::chrono::minutes{minute} + std::chrono::seconds{second} + std::chrono::milliseconds{millis}};
}

}  // namespace base
