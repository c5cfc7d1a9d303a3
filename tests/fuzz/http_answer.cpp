// An answer of an API server, head and chunks: what is read does not depend on how the bytes were cut into pieces.
#include <algorithm>
#include <string>

#include "fuzz/fuzz.hpp"
#include "kube/http_parser.hpp"
#include "kube/response.hpp"

namespace {

struct Seen final : kube::AnswerSink {
  void on_answer_head(kube::ResponseHead given, std::optional<std::uint64_t> announced) override {
    ++heads;
    head = std::move(given);
    length = announced;
  }
  void on_answer_data(std::string_view piece) override {
    fuzz::require(heads == 1, "a body comes behind its head");
    body += piece;
  }
  [[nodiscard]] bool keep_on() const override { return true; }

  int heads{0};
  kube::ResponseHead head;
  std::optional<std::uint64_t> length;
  std::string body;
};

using State = kube::AnswerParser::State;

/// Presents what is left again, with up to `piece` bytes more behind it, as a connection does.
State read(std::string_view text, std::size_t piece, Seen& seen) {
  kube::AnswerParser parser(seen);
  std::size_t taken = 0, shown = 0;
  while (parser.state() == State::more && shown < text.size()) {
    shown = std::min(text.size(), shown + piece);
    const auto part = text.substr(taken, shown - taken);
    const auto count = parser.put(part);
    fuzz::require(count <= part.size(), "no more is taken than there is");
    taken += count;
  }
  if (parser.state() == State::more) parser.put_end();
  if (parser.state() == State::done) (void)parser.keep_alive();
  return parser.state();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  Seen whole, bytes;
  const auto one = read(text, std::max<std::size_t>(size, 1), whole);
  const auto other = read(text, 1, bytes);
  fuzz::require(one == other, "whole or byte by byte, it ends the same way");
  if (one == State::done) {
    fuzz::require(whole.heads == 1 && bytes.heads == 1, "an answer has one head");
    fuzz::require(whole.head.status == bytes.head.status && whole.length == bytes.length &&
                      whole.head.content_type == bytes.head.content_type && whole.body == bytes.body,
                  "whole or byte by byte, it says the same");
    const auto error = kube::error_of(whole.head, whole.body, "ask");
    fuzz::require(error.detail.size() <= kube::max_detail, "what a server says is cut");
  }
  return 0;
}
