#include "kube/line_splitter.hpp"

namespace kube {

base::Result<void> LineSplitter::feed(std::string_view piece, const OnLine& on_line) {
  const auto too_long = [&] {
    reset();
    failed_ = true;
    return base::fail(base::ErrorCode::invalid, "read a watch",
                      "a line is longer than " + std::to_string(most_) + " bytes");
  };
  if (failed_) return too_long();
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    if (end == std::string_view::npos) {
      if (pending_.size() + piece.size() > most_) return too_long();
      pending_ += piece;
      return {};
    }
    if (pending_.size() + end > most_) return too_long();
    std::string_view line = piece.substr(0, end);
    piece.remove_prefix(end + 1);
    std::string joined;
    if (!pending_.empty()) {
      joined = std::move(pending_);
      joined += line;
      line = joined;
    }
    const bool go_on = line.empty() || on_line(line);
    // The buffer that held the line serves the next one, unless it has become large.
    joined.clear();
    if (joined.capacity() > keep_bytes) std::string().swap(joined);
    pending_ = std::move(joined);
    if (!go_on) return {};
  }
  return {};
}

void LineSplitter::reset() {
  std::string().swap(pending_);  // an assignment would keep the memory
  failed_ = false;
}

}  // namespace kube
