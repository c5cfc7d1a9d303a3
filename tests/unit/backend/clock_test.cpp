#include "clock.hpp"

#include <gtest/gtest.h>

namespace todo {
namespace {

using std::chrono::milliseconds;

TEST(Clock, TimesAreWrittenAsRfc3339WithMilliseconds) {
  EXPECT_EQ(format_time(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_time(WallTime{milliseconds{1'795'284'552'007}}), "2026-11-21T18:09:12.007Z");
  EXPECT_EQ(format_time(WallTime{milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(Clock, TheHeaderDateIsWrittenAsHttpWantsIt) {
  EXPECT_EQ(format_http_date(WallTime{}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(WallTime{milliseconds{1'795'284'552'999}}), "Sat, 21 Nov 2026 18:09:12 GMT");
}

}  // namespace
}  // namespace todo
