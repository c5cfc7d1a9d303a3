#include "kube/http_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kube {
namespace {

struct Collected final : AnswerSink {
  unsigned status = 0;
  std::string body;

  void on_answer_head(ResponseHead head, std::optional<std::uint64_t> /*length*/) override {
    status = static_cast<unsigned>(head.status);
  }
  void on_answer_data(std::string_view piece) override { body += piece; }
  [[nodiscard]] bool keep_on() const override { return true; }
};

/// As a socket gives it: what was not taken is presented again with what came next.
AnswerParser::State put_in_two(AnswerParser& parser, std::string_view answer, std::size_t first) {
  const std::size_t taken = parser.put(answer.substr(0, first));
  if (parser.state() == AnswerParser::State::more) parser.put(answer.substr(taken));
  return parser.state();
}

constexpr std::string_view empty_chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
constexpr std::string_view two_chunks =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

TEST(HttpParserTest, AnEmptyChunkedAnswerMayBeCutAnywhere) {
  for (std::size_t first = 0; first <= empty_chunked.size(); ++first) {
    Collected sink;
    AnswerParser parser(sink);
    EXPECT_EQ(put_in_two(parser, empty_chunked, first), AnswerParser::State::done) << first << ": " << parser.error();
    EXPECT_EQ(sink.status, 200U) << first;
    EXPECT_EQ(sink.body, "") << first;
  }
}

TEST(HttpParserTest, AChunkedAnswerIsTheSameWhereverItIsCut) {
  for (std::size_t first = 0; first <= two_chunks.size(); ++first) {
    Collected sink;
    AnswerParser parser(sink);
    EXPECT_EQ(put_in_two(parser, two_chunks, first), AnswerParser::State::done) << first << ": " << parser.error();
    EXPECT_EQ(sink.body, "hello world") << first;
  }
}

TEST(HttpParserTest, WhatIsNoHttpIsBrokenWithAReason) {
  Collected sink;
  AnswerParser parser(sink);
  parser.put("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  EXPECT_EQ(parser.state(), AnswerParser::State::broken);
  EXPECT_FALSE(parser.error().empty());
}

}  // namespace
}  // namespace kube
