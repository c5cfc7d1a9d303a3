#include "logging.hpp"

#include <gtest/gtest.h>

namespace todo {
namespace {

TEST(Logging, ALineIsOneJsonObjectWhateverAValueHolds) {
  EXPECT_EQ(format_log_line(WallTime{}, LogLevel::warn, "Did it",
                            {{"text", "a\n\"b\"\xFF"}, {"number", std::int64_t{7}}, {"half", 0.5}, {"yes", true}}),
            R"({"time":"1970-01-01T00:00:00.000Z","level":"warn","msg":"Did it","text":"a\n\"b\")"
            "\xEF\xBF\xBD"
            R"(","number":7,"half":0.5,"yes":true})");
}

TEST(Logging, LevelsBelowTheChosenOneAreOff) {
  start_logging(LogLevel::warn);
  EXPECT_FALSE(log_enabled(LogLevel::info));
  EXPECT_TRUE(log_enabled(LogLevel::error));
  testing::internal::CaptureStderr();
  log(LogLevel::info, "Unseen");
  log(LogLevel::error, "Seen", {{"at", "x"}});
  const auto seen = testing::internal::GetCapturedStderr();
  EXPECT_EQ(seen.find("Unseen"), std::string::npos);
  EXPECT_NE(seen.find(R"("level":"error","msg":"Seen","at":"x"})"), std::string::npos);
  start_logging(LogLevel::info);
}

}  // namespace
}  // namespace todo
