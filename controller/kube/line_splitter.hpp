// Cuts a stream of bytes into lines: one watch event each.
//
// Law: every byte is looked at once; a line that lies whole in one piece is handed on where it lies, only one that
// spans pieces is copied together. Limits: a line has at most `most` bytes, else `feed` fails and nothing more is read
// until `reset`; after a line above `keep_bytes` the memory is given back.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kube {

class LineSplitter {
 public:
  static constexpr std::size_t keep_bytes = 64UL * 1024UL;

  /// Returns whether to go on: false drops what is left of the piece, for whoever gave up the stream.
  using OnLine = std::function<bool(std::string_view)>;

  explicit LineSplitter(std::size_t most = 8UL * 1024UL * 1024UL) : most_(most) {}

  /// Empty lines are skipped. Error: invalid (a line too long). `on_line` must not call this splitter.
  base::Result<void> feed(std::string_view piece, const OnLine& on_line);
  void reset();
  /// Bytes of a line that has no end yet.
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  [[nodiscard]] std::size_t held_bytes() const { return pending_.capacity(); }

 private:
  std::size_t most_;
  std::string pending_;
  bool failed_{false};
};

}  // namespace kube
