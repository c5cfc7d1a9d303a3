#include "kubectl/text.hpp"

#include <algorithm>

namespace kubectl {
namespace {

constexpr std::string_view reset = "\033[0m";
constexpr std::int64_t bar_width = 10;

std::string_view code_of(Ink ink) {
  switch (ink) {
    case Ink::good:
      return "\033[32m";
    case Ink::bad:
      return "\033[31m";
    case Ink::busy:
      return "\033[33m";
    case Ink::faint:
      return "\033[2m";
    case Ink::bold:
      return "\033[1m";
  }
  return "";
}

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

/// How many bytes the escape sequence at the start takes; 0 where there is none.
std::size_t escape_length(std::string_view text) {
  if (!text.starts_with("\033[")) return 0;
  const auto end = text.find('m');
  return end == std::string_view::npos ? text.size() : end + 1;
}

/// C0, DEL, and C1 in its two bytes; `at` is moved to the last byte of what was judged.
bool is_control(std::string_view text, std::size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20U || byte == 0x7FU) return true;
  if (byte != 0xC2U || at + 1 == text.size() || static_cast<unsigned char>(text[at + 1]) >= 0xA0U) return false;
  ++at;
  return true;
}

}  // namespace

std::string painted(const Style& style, Ink ink, std::string_view text) {
  if (!style.colour || text.empty()) return std::string(text);
  return std::string(code_of(ink)).append(text).append(reset);
}

std::string plain(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char first = text[at];
    const bool space = first == '\n' || first == '\t' || first == '\r';
    if (is_control(text, at)) {
      result += space ? ' ' : '?';
    } else {
      result += first;
    }
  }
  return result;
}

std::vector<std::string> plain_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(plain(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto escape = escape_length(text.substr(at));
    if (escape == 0 && starts_character(text[at])) ++width;
    at += std::max<std::size_t>(escape, 1);
  }
  return width;
}

std::string fitted(std::string_view line, std::size_t columns) {
  if (width_of(line) <= columns) return std::string(line);
  const std::size_t dots = columns > 3 ? 3 : 0;
  std::string result;
  std::size_t width = 0;
  bool coloured = false;
  for (std::size_t at = 0; at < line.size();) {
    const auto escape = escape_length(line.substr(at));
    if (escape > 0) {
      coloured = line.substr(at, escape) != reset;
    } else if (starts_character(line[at]) && ++width > columns - dots) {
      break;
    }
    const auto taken = std::max<std::size_t>(escape, 1);
    result.append(line.substr(at, taken));
    at += taken;
  }
  result.append(dots, '.');
  if (coloured) result.append(reset);
  return result;
}

std::string bar(const Style& style, std::int64_t done, std::int64_t wanted) {
  const auto full = wanted <= 0 ? bar_width : std::clamp<std::int64_t>(done * bar_width / wanted, 0, bar_width);
  std::string text;
  for (std::int64_t at = 0; at < bar_width; ++at) {
    if (style.unicode) {
      text += at < full ? "█" : "░";
    } else {
      text += at < full ? '#' : '-';
    }
  }
  return text;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t at = 0; at < row.size(); ++at) widths[at] = std::max(widths[at], width_of(row[at]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t at = 0; at < row.size(); ++at) {
      line += row[at];
      if (at + 1 < row.size()) line.append(widths[at] - width_of(row[at]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace kubectl
