#include "kubectl/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kubectl {
namespace {

using testing::ElementsAre;

constexpr Style coloured{.colour = true, .unicode = true};
constexpr Style bare{.colour = false, .unicode = false};

TEST(Text, IsPaintedOnlyWhereColoursAreWanted) {
  EXPECT_EQ(painted(coloured, Ink::bad, "no"), "\033[31mno\033[0m");
  EXPECT_EQ(painted(coloured, Ink::bad, ""), "");
  EXPECT_EQ(painted(bare, Ink::bad, "no"), "no");
}

TEST(Text, FromAClusterCannotSteerATerminal) {
  EXPECT_EQ(plain("a\033[2Jb\a\x7f"), "a?[2Jb??");
  EXPECT_EQ(plain("one\ntwo\tthree\r"), "one two three ");
  EXPECT_EQ(plain("\xC2\x9B"
                  "2J"),
            "?2J");
  EXPECT_EQ(plain("grün \xC2\xA0 日本"), "grün \xC2\xA0 日本");
  EXPECT_THAT(plain_lines("one\r\n\ntwo\033\n\n"), ElementsAre("one", "", "two?"));
  EXPECT_TRUE(plain_lines("").empty());
}

TEST(Text, IsMeasuredAsATerminalShowsIt) {
  EXPECT_EQ(width_of("abc"), 3U);
  EXPECT_EQ(width_of("\033[31mab\033[0m"), 2U);
  EXPECT_EQ(width_of("█░é"), 3U);
}

TEST(Text, IsCutToTheColumnsThereAre) {
  EXPECT_EQ(fitted("abcdef", 6), "abcdef");
  EXPECT_EQ(fitted("abcdefg", 6), "abc...");
  EXPECT_EQ(fitted("██████", 5), "██...");
  EXPECT_EQ(fitted("abcdef", 2), "ab");
  EXPECT_EQ(fitted("\033[31mabcdefgh\033[0m", 6), "\033[31mabc...\033[0m");
  EXPECT_EQ(fitted("\033[31mab\033[0mcdefgh", 6), "\033[31mab\033[0mc...");
}

TEST(Bar, IsAsFullAsTheWorkIsDone) {
  EXPECT_EQ(bar(bare, 0, 4), "----------");
  EXPECT_EQ(bar(bare, 1, 4), "##--------");
  EXPECT_EQ(bar(bare, 4, 4), "##########");
  EXPECT_EQ(bar(bare, 5, 4), "##########");
  EXPECT_EQ(bar(bare, 0, 0), "##########") << "nothing is wanted";
  EXPECT_EQ(bar(coloured, 1, 2), "█████░░░░░");
}

TEST(Table, AlignsColumnsByWhatIsSeen) {
  EXPECT_EQ(table({{"NAME", "READY", "X"}, {"\033[1ma\033[0m", "é", "1"}, {"longer", "", ""}}),
            "NAME    READY  X\n\033[1ma\033[0m       é      1\nlonger\n");
}

}  // namespace
}  // namespace kubectl
