// Text for people: on a terminal with colours and bars, in a pipe without.
//
// Law: pure; what came from a cluster goes through `plain`, so that no log line or cause can steer a terminal. Widths
// are counted in characters as a terminal shows them, escape sequences for none. Limits: a character counts as one
// column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kubectl {

struct Style {
  bool colour{false};
  bool unicode{true};
};

enum class Ink : std::uint8_t { good, bad, busy, faint, bold };

[[nodiscard]] std::string painted(const Style& style, Ink ink, std::string_view text);

/// Without control characters: line ends and tabs become spaces, the rest of them '?'.
[[nodiscard]] std::string plain(std::string_view text);
/// The same for a text of several lines: one entry each, the empty ones at its end left out.
[[nodiscard]] std::vector<std::string> plain_lines(std::string_view text);

/// How many columns it takes.
[[nodiscard]] std::size_t width_of(std::string_view text);
/// Cut to at most that many columns; a line that is cut ends in "..." where there is room. Colours end with it.
[[nodiscard]] std::string fitted(std::string_view line, std::size_t columns);

/// "██████░░░░", or "######----" where there is no Unicode.
[[nodiscard]] std::string bar(const Style& style, std::int64_t done, std::int64_t wanted);

/// Rows in columns, two spaces between them, nothing behind the last.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace kubectl
