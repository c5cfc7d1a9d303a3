#include "kubectl/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace kubectl {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool speaks_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    auto value = environment(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(), [](char letter) {
      return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

struct Size {
  std::size_t columns{80};
  std::size_t rows{24};
};

Size terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void write(std::FILE* where, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), where);
  std::fflush(where);
}

}  // namespace

Terminal::Terminal() {
  const bool capable = isatty(STDOUT_FILENO) == 1 && environment("TERM") != "dumb";
  style_.colour = capable && environment("NO_COLOR").empty();
  style_.unicode = speaks_unicode();
  redraws_ = capable;
}

void Terminal::print(std::string_view text) { write(stdout, text); }

void Terminal::complain(std::string_view text) { write(stderr, text); }

void Terminal::redraw(std::string_view picture) {
  const auto size = terminal_size();
  std::string text;
  // A terminal that was made narrower has broken the lines of the picture before.
  std::size_t rows = 0;
  for (const auto width : widths_drawn_) rows += std::max<std::size_t>(1, (width + size.columns - 1) / size.columns);
  if (rows > 0) text += fmt::format("\033[{}A\r", rows);
  widths_drawn_.clear();
  // One row is left for the cursor.
  while (!picture.empty() && widths_drawn_.size() + 1 < size.rows) {
    const auto end = std::min(picture.find('\n'), picture.size());
    const auto line = fitted(picture.substr(0, end), size.columns);
    widths_drawn_.push_back(width_of(line));
    // Line by line: a whole screen that is cleared at once is kept by some terminals, to be scrolled back to.
    text += "\033[2K" + line + "\n";
    picture.remove_prefix(std::min(end + 1, picture.size()));
  }
  text += "\033[J";
  print(text);
}

}  // namespace kubectl
