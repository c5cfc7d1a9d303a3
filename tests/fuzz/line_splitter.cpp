// The lines of a watch do not depend on how the bytes were cut into pieces. The first two bytes say how long a piece is
// and how long a line may be.
#include "kube/line_splitter.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace {

using Lines = std::vector<std::string>;

/// The lines up to the first one that is too long; nothing is said of a last one without its end.
Lines expected(std::string_view text, std::size_t most, bool& fits) {
  Lines lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    fits = std::min(end, text.size()) <= most;
    if (!fits || end == std::string_view::npos) break;
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::size_t most = std::size_t{data[1]} * 16;
  const auto text = fuzz::text(data + 2, size - 2);

  kube::LineSplitter splitter(most);
  Lines lines;
  bool fits = true;
  for (std::size_t at = 0; at < text.size() && fits; at += piece) {
    fits = splitter
               .feed(text.substr(at, piece),
                     [&](std::string_view line) {
                       lines.emplace_back(line);
                       return true;
                     })
               .has_value();
  }

  bool should_fit = true;
  const auto wanted = expected(text, most, should_fit);
  fuzz::require(fits == should_fit, "a line is refused exactly where it is too long");
  fuzz::require(lines == wanted, "the lines are those of the whole text");
  fuzz::require(splitter.pending() <= most, "no more is held than a line may have");
  return 0;
}
