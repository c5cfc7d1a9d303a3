#include "base/time.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace base {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

const WallTime noon = sys_days{2026y / 1 / 31} + 12h + 0min + 10s;

TEST(Time, IsWrittenAsKubernetesDoes) {
  const std::vector<std::pair<WallTime, std::string>> table{
      {noon, "2026-01-31T12:00:10Z"},
      {noon + 999ms, "2026-01-31T12:00:10Z"},
      {WallTime{}, "1970-01-01T00:00:00Z"},
      {WallTime{} - 1ms, "1969-12-31T23:59:59Z"},
      {sys_days{2024y / 2 / 29} + 23h + 59min + 59s, "2024-02-29T23:59:59Z"},
  };
  for (const auto& [time, text] : table) EXPECT_EQ(format_time(time), text);
}

TEST(Time, AMicroTimeHasSixDigits) {
  EXPECT_EQ(format_micro_time(noon), "2026-01-31T12:00:10.000000Z");
  EXPECT_EQ(format_micro_time(noon + 7ms), "2026-01-31T12:00:10.007000Z");
  EXPECT_EQ(format_micro_time(noon + 250ms), "2026-01-31T12:00:10.250000Z");
}

TEST(Time, IsReadInBothForms) {
  const std::vector<std::pair<std::string, WallTime>> table{
      {"2026-01-31T12:00:10Z", noon},
      {"2026-01-31T12:00:10.250000Z", noon + 250ms},
      {"2026-01-31T12:00:10.25Z", noon + 250ms},
      {"2026-01-31T12:00:10.007999999Z", noon + 7ms},
      {"1969-12-31T23:59:59.999Z", WallTime{} - 1ms},
      {"2024-02-29T00:00:00Z", sys_days{2024y / 2 / 29}},
      {"2016-12-31T23:59:60Z", sys_days{2017y / 1 / 1}},  // a leap second
  };
  for (const auto& [text, time] : table) EXPECT_EQ(parse_time(text), time) << text;
}

TEST(Time, WhatIsWrittenIsReadAgain) {
  for (const auto time : {noon, noon + 1ms, WallTime{}, WallTime{sys_days{2100y / 3 / 1}}}) {
    EXPECT_EQ(parse_time(format_micro_time(time)), time);
  }
}

TEST(Time, RefusesEverythingElse) {
  for (const std::string text : {"",
                                 "Z",
                                 "2026-01-31",
                                 "2026-01-31T12:00:10",
                                 "2026-01-31T12:00:10+01:00",
                                 "2026-01-31 12:00:10Z",
                                 "2026-02-29T12:00:10Z",
                                 "2026-13-01T12:00:10Z",
                                 "2026-00-10T12:00:10Z",
                                 "2026-01-31T24:00:00Z",
                                 "2026-01-31T12:60:00Z",
                                 "2026-01-31T12:00:61Z",
                                 "2026-01-31T12:00:10.Z",
                                 "2026-01-31T12:00:10.1x2Z",
                                 "2026-01-31T12:00:10,5Z",
                                 "2026-1-31T12:00:100Z",
                                 "-026-01-31T12:00:10Z",
                                 "2026-01-31T1 :00:10Z",
                                 "2026-01-31T12:00:-1Z",
                                 "2026-01-31T12:00:10ZZ",
                                 "9223372036854775807-01-01T00:00:00Z"}) {
    const auto time = parse_time(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().code, ErrorCode::invalid) << text;
  }
}

}  // namespace
}  // namespace base
