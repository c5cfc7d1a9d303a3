#include "kube/line_splitter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kube {
namespace {

struct Collected {
  std::vector<std::string> lines;
  LineSplitter::OnLine on_line() {
    return [this](std::string_view line) {
      lines.emplace_back(line);
      return true;
    };
  }
};

TEST(LineSplitter, GivesTheSameLinesHoweverTheBytesCome) {
  const std::string stream = "first\n\nsécond\n{\"a\":\"x y\"}\nunfinished";
  const std::vector<std::string> expected{"first", "sécond", "{\"a\":\"x y\"}"};
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    LineSplitter splitter;
    Collected collected;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      ASSERT_TRUE(splitter.feed(std::string_view(stream).substr(at, size), collected.on_line()));
    }
    EXPECT_EQ(collected.lines, expected) << "in pieces of " << size;
    EXPECT_EQ(splitter.pending(), std::string("unfinished").size());
  }
}

TEST(LineSplitter, HandsOnAWholeLineWhereItLies) {
  const std::string piece = "one\ntwo\n";
  LineSplitter splitter;
  std::vector<const char*> places;
  ASSERT_TRUE(splitter.feed(piece, [&](std::string_view line) {
    places.push_back(line.data());
    return true;
  }));
  EXPECT_EQ(places, (std::vector<const char*>{piece.data(), piece.data() + 4}));
  EXPECT_LE(splitter.held_bytes(), std::string().capacity());
}

TEST(LineSplitter, StopsWhereItIsTold) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  ASSERT_TRUE(splitter.feed("one\ntwo\nthree", [&](std::string_view line) {
    lines.emplace_back(line);
    return false;
  }));
  EXPECT_EQ(lines, std::vector<std::string>{"one"});
  EXPECT_EQ(splitter.pending(), 0U);
}

TEST(LineSplitter, RefusesALineThatIsTooLong) {
  struct Row {
    const char* name;
    std::vector<std::string> pieces;
    bool fits;
  };
  const Row rows[] = {
      {"just fits", {"12345678\n"}, true},
      {"just fits, in pieces", {"1234", "5678", "\n"}, true},
      {"too long at once", {"123456789\n"}, false},
      {"too long in pieces", {"12345", "6789\n"}, false},
      {"too long without an end", {"12345", "6789"}, false},
  };
  for (const auto& row : rows) {
    LineSplitter splitter(8);
    Collected collected;
    bool fits = true;
    for (const auto& piece : row.pieces) fits = splitter.feed(piece, collected.on_line()).has_value() && fits;
    EXPECT_EQ(fits, row.fits) << row.name;
  }
}

TEST(LineSplitter, ReadsNothingMoreAfterAFailureUntilReset) {
  LineSplitter splitter(4);
  Collected collected;
  ASSERT_FALSE(splitter.feed("too long\n", collected.on_line()));
  const auto again = splitter.feed("ok\n", collected.on_line());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::ErrorCode::invalid);
  splitter.reset();
  ASSERT_TRUE(splitter.feed("ok\n", collected.on_line()));
  EXPECT_EQ(collected.lines, std::vector<std::string>{"ok"});
}

TEST(LineSplitter, GivesMemoryBackAfterALargeLine) {
  LineSplitter splitter;
  Collected collected;
  const std::string half(1024UL * 1024UL, 'x');
  ASSERT_TRUE(splitter.feed(half, collected.on_line()));
  EXPECT_GE(splitter.held_bytes(), half.size());
  ASSERT_TRUE(splitter.feed(half + "\nrest", collected.on_line()));
  EXPECT_EQ(collected.lines, std::vector<std::string>{half + half});
  EXPECT_LE(splitter.held_bytes(), LineSplitter::keep_bytes);
  EXPECT_EQ(splitter.pending(), 4U);
}

}  // namespace
}  // namespace kube
