#include "kube/model/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace kube {
namespace {

__extension__ using Wide = __int128;

constexpr Wide nanos_per_one = 1'000'000'000;
constexpr Wide bound = Wide{std::numeric_limits<std::int64_t>::max()} * nanos_per_one;
/// So many digits times the largest binary suffix stay within 128 bits.
constexpr std::size_t most_digits = 19;

/// What a suffix multiplies by: 2^twos * 10^tens.
struct Scale {
  int twos{0};
  int tens{0};
};

std::optional<Scale> scale_of(std::string_view suffix) {
  constexpr std::array<std::pair<std::string_view, Scale>, 16> scales{{{"", {0, 0}},
                                                                       {"n", {0, -9}},
                                                                       {"u", {0, -6}},
                                                                       {"m", {0, -3}},
                                                                       {"k", {0, 3}},
                                                                       {"M", {0, 6}},
                                                                       {"G", {0, 9}},
                                                                       {"T", {0, 12}},
                                                                       {"P", {0, 15}},
                                                                       {"E", {0, 18}},
                                                                       {"Ki", {10, 0}},
                                                                       {"Mi", {20, 0}},
                                                                       {"Gi", {30, 0}},
                                                                       {"Ti", {40, 0}},
                                                                       {"Pi", {50, 0}},
                                                                       {"Ei", {60, 0}}}};
  for (const auto& [name, scale] : scales) {
    if (name == suffix) return scale;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  const char* first = suffix.data() + (suffix[1] == '+' ? 2 : 1);
  const char* last = suffix.data() + suffix.size();
  int exponent = 0;
  const auto [end, error] = std::from_chars(first, last, exponent);
  if (error != std::errc{} || end != last || (suffix[1] == '+' && *first == '-')) return std::nullopt;
  return Scale{0, exponent};
}

/// digits * 10^tens * 2^twos in billionths, rounded up, at most the bound. `digits` holds at most `most_digits` digits.
Wide nanos_of(std::string_view digits, int tens, int twos) {
  Wide value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  value <<= twos;
  tens += 9;
  for (; tens > 0 && value > 0 && value < bound; --tens) value *= 10;
  bool cut = false;
  for (; tens < 0 && value > 0; ++tens) {
    cut = cut || value % 10 != 0;
    value /= 10;
  }
  if (cut) ++value;
  return std::min(value, bound);
}

/// The digits before and behind the point, without the zeros that say nothing.
struct Digits {
  std::string text;
  int behind{0};
};

std::optional<Digits> take_digits(std::string_view& rest) {
  constexpr std::string_view decimal = "0123456789";
  const auto take = [&] {
    const std::size_t end = std::min(rest.find_first_not_of(decimal), rest.size());
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end);
    return taken;
  };
  const std::string_view whole = take();
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take();
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  std::string text = std::string(whole).append(fraction);
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  if (text.size() > most_digits || fraction.size() > 64) return std::nullopt;
  return Digits{std::move(text), static_cast<int>(fraction.size())};
}

}  // namespace

base::Result<Quantity> parse_quantity(std::string_view text) {
  const auto bad = [&] {
    return base::fail(base::ErrorCode::invalid, "read a quantity", fmt::format("\"{}\" is none", text.substr(0, 40)));
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const auto digits = take_digits(rest);
  if (!digits) return bad();
  const auto scale = scale_of(rest);
  if (!scale || scale->tens > 64 || scale->tens < -64) return bad();

  Wide nanos = nanos_of(digits->text, scale->tens - digits->behind, scale->twos);
  if (negative) nanos = -nanos;
  Wide whole = nanos / nanos_per_one;
  Wide part = nanos % nanos_per_one;
  if (part < 0) {
    part += nanos_per_one;
    --whole;
  }
  return Quantity{static_cast<std::int64_t>(whole), static_cast<std::int32_t>(part)};
}

bool same_quantity(std::string_view one, std::string_view other) {
  if (one == other) return true;
  const auto first = parse_quantity(one);
  const auto second = parse_quantity(other);
  return first && second && *first == *second;
}

}  // namespace kube
