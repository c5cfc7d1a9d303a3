// Small questions about text. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace todo {

/// How many characters (code points) the text has; nothing where it is not well-formed UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_length(std::string_view text);

/// Of a part of a query: "%41+b" is "A b". Nothing where a `%` is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// With a to z for A to Z; nothing else changes.
[[nodiscard]] std::string ascii_lower(std::string_view text);

/// Without spaces at both ends.
[[nodiscard]] std::string_view trim_spaces(std::string_view text);

/// Control characters of ASCII; `lines` lets tab, line feed and carriage return pass.
[[nodiscard]] bool has_control_characters(std::string_view text, bool lines = false);

/// A pattern for SQL's `LIKE ... ESCAPE '!'` that matches what holds this text, each character standing for itself.
[[nodiscard]] std::string like_pattern(std::string_view text);

/// A day of the Gregorian calendar from 0001-01-01 to 9999-12-31, "2026-12-01".
[[nodiscard]] bool is_date(std::string_view text);

/// A whole number within bounds, decimal digits alone, without leading zeros.
[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least, std::int64_t most);

}  // namespace todo
