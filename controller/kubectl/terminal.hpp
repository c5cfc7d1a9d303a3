// Where the plugin's words go: a terminal, with colours and redrawing, or a pipe, with neither.
//
// Law: colours only on a terminal, and never where NO_COLOR is set (no-color.org) or TERM is dumb; a redrawn picture
// fits the terminal, so that it is taken away whole. Results go to stdout, all else to stderr.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kubectl/text.hpp"

namespace kubectl {

class Terminal {
 public:
  Terminal();

  [[nodiscard]] const Style& style() const { return style_; }
  [[nodiscard]] bool redraws() const { return redraws_; }

  void print(std::string_view text);
  void complain(std::string_view text);
  /// In place of the picture before.
  void redraw(std::string_view picture);

 private:
  Style style_;
  bool redraws_{false};
  std::vector<std::size_t> widths_drawn_;  ///< of the picture's lines
};

}  // namespace kubectl
