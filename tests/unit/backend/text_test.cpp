#include "text.hpp"

#include <gtest/gtest.h>

namespace todo {
namespace {

TEST(Text, CharactersAreCountedNotBytes) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("abc"), 3U);
  EXPECT_EQ(utf8_length("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), 3U);
}

TEST(Text, WhatIsNotUtf8HasNoLength) {
  for (const std::string_view bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                     "\xF8\x88\x80\x80", "a\xC3(", "\xE2\x82"}) {
    EXPECT_EQ(utf8_length(bad), std::nullopt) << testing::PrintToString(bad);
  }
}

TEST(Text, PercentSignsAreDecodedAndWrongOnesRefused) {
  EXPECT_EQ(percent_decode("a+b%20c%2B%c3%A4"), "a b c+\xC3\xA4");
  EXPECT_EQ(percent_decode(""), "");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  for (const char* bad : {"%", "%4", "a%zz", "%4g", "%%41"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

TEST(Text, OnlyLettersOfAsciiAreMadeSmall) { EXPECT_EQ(ascii_lower("AZaz[@ \xC3\x84"), "azaz[@ \xC3\x84"); }

TEST(Text, SpacesAreTakenOffAtBothEnds) {
  EXPECT_EQ(trim_spaces("  a b "), "a b");
  EXPECT_EQ(trim_spaces("   "), "");
  EXPECT_EQ(trim_spaces(""), "");
  EXPECT_EQ(trim_spaces("\ta"), "\ta");
}

TEST(Text, ControlCharactersAreFound) {
  EXPECT_TRUE(has_control_characters("a\nb"));
  EXPECT_TRUE(has_control_characters(std::string_view("\0", 1)));
  EXPECT_TRUE(has_control_characters("\x7F"));
  EXPECT_FALSE(has_control_characters("\xC2\x80 a"));
  EXPECT_FALSE(has_control_characters("a\tb\r\nc", true));
  EXPECT_TRUE(has_control_characters("\x0B", true));
}

TEST(Text, EachCharacterOfAPatternStandsForItself) {
  EXPECT_EQ(like_pattern("50% of_it!"), "%50!% of!_it!!%");
  EXPECT_EQ(like_pattern("back\\slash"), "%back\\slash%");
}

TEST(Text, DatesAreDaysOfTheCalendar) {
  for (const char* good : {"2026-12-01", "0001-01-01", "9999-12-31", "2024-02-29"}) EXPECT_TRUE(is_date(good)) << good;
  for (const char* bad : {"", "2026-13-01", "2026-00-01", "2026-02-29", "2026-04-31", "0000-01-01", "2026-1-01",
                          "2026-12-1 ", "2026/12/01", "20261201", "+026-12-01", "2026-12-01T00:00:00Z", "-001-01-01"}) {
    EXPECT_FALSE(is_date(bad)) << bad;
  }
}

TEST(Text, WholeNumbersAreWithinBoundsAndPlain) {
  EXPECT_EQ(whole_number("0", 0, 9), 0);
  EXPECT_EQ(whole_number("100", 1, 100), 100);
  EXPECT_EQ(whole_number("-5", -9, 9), -5);
  for (const char* bad : {"", "-", "01", "+1", " 1", "1 ", "1.0", "1e2", "0x1", "101", "99999999999999999999", "-0"}) {
    EXPECT_EQ(whole_number(bad, 0, 100), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace todo
