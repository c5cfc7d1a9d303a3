#include "operator/logging.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace shell {
namespace {

using namespace std::string_literals;

constexpr base::WallTime moment{std::chrono::milliseconds{1'769'860'810'042}};

std::string line(LogFormat format, std::string_view message, LogFields fields, LogFields context = {}) {
  return format_log_line(format, moment, LogLevel::info, message, {fields.begin(), fields.size()},
                         {context.begin(), context.size()});
}

TEST(FormatLogLine, WritesKeysAndValuesInOrderAndTheContextLast) {
  EXPECT_EQ(line(LogFormat::text, "Applied object", {{"kind", "Service"}, {"retries", 2}}, {{"reconcile", 7U}}),
            R"(time=2026-01-31T12:00:10.042Z level=info msg="Applied object" kind=Service retries=2 reconcile=7)");
  EXPECT_EQ(
      line(LogFormat::json, "Applied object", {{"kind", "Service"}, {"retries", 2}}, {{"reconcile", 7U}}),
      R"({"time":"2026-01-31T12:00:10.042Z","level":"info","msg":"Applied object","kind":"Service","retries":2,"reconcile":7})");
}

TEST(FormatLogLine, WritesEachTypeOfValue) {
  const auto text = "a b"s;
  const LogFields fields{{"yes", true},
                         {"least", std::numeric_limits<std::int64_t>::min()},
                         {"most", std::numeric_limits<std::uint64_t>::max()},
                         {"half", 0.5},
                         {"endless", std::numeric_limits<double>::infinity()},
                         {"text", text},
                         {"view", std::string_view("c")}};
  const auto json = nlohmann::json::parse(line(LogFormat::json, "Counted", fields));
  EXPECT_EQ(json["yes"], true);
  EXPECT_EQ(json["least"], std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json["most"], std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(json["half"], 0.5);
  EXPECT_EQ(json["endless"], "inf");
  EXPECT_EQ(json["text"], "a b");
  EXPECT_EQ(json["view"], "c");
  EXPECT_EQ(line(LogFormat::text, "Counted", {{"yes", true}, {"half", 0.5}, {"text", "a b"s}}),
            R"(time=2026-01-31T12:00:10.042Z level=info msg=Counted yes=true half=0.5 text="a b")");
}

struct Escape {
  const char* what;
  std::string value;
  std::string text;  ///< as the text format shows it
  std::string json;  ///< as the JSON format writes it, with its quotes
};

const Escape escapes[] = {
    {"a plain word stays bare", "todo/app-1:2", "todo/app-1:2", R"("todo/app-1:2")"},
    {"an empty value is seen", "", R"("")", R"("")"},
    {"a blank", "a b", R"("a b")", R"("a b")"},
    {"an equals sign", "a=b", R"("a=b")", R"("a=b")"},
    {"a quote and a backslash", R"(a"b\c)", R"("a\"b\\c")", R"("a\"b\\c")"},
    {"a line end cannot forge a line", "a\nlevel=error", R"("a\nlevel=error")", R"("a\nlevel=error")"},
    {"tab and carriage return", "\t\r", R"("\t\r")", R"("\t\r")"},
    {"an escape sequence for the terminal", "\x1b[2J", R"("\u001b[2J")", R"("\u001b[2J")"},
    {"a zero byte", "a\0b"s, R"("a\u0000b")", R"("a\u0000b")"},
    {"delete", "\x7f", R"("\u007f")", R"("\u007f")"},
    {"a C1 control", "\xC2\x9B", R"("\u009b")", R"("\u009b")"},
    {"a line separator", "\xE2\x80\xA8", R"("\u2028")", R"("\u2028")"},
    {"a bidirectional override", "\xE2\x80\xAE", R"("\u202e")", R"("\u202e")"},
    {"letters of other scripts", "\xC3\xA9\xE6\x97\xA5\xF0\x9F\x9A\x80", "\"\xC3\xA9\xE6\x97\xA5\xF0\x9F\x9A\x80\"",
     "\"\xC3\xA9\xE6\x97\xA5\xF0\x9F\x9A\x80\""},
    {"a stray byte", "a\xFF", "\"a\xEF\xBF\xBD\"", "\"a\xEF\xBF\xBD\""},
    {"a stray continuation", "\x80z", "\"\xEF\xBF\xBDz\"", "\"\xEF\xBF\xBDz\""},
    {"a character cut short", "\xE6\x97", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"an overlong form of a slash", "\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"an overlong form of three bytes", "\xE0\x80\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"",
     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"a surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"",
     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"beyond the last character", "\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"",
     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
};

TEST(FormatLogLine, EscapesInBothFormats) {
  for (const auto& [what, value, text, json] : escapes) {
    SCOPED_TRACE(what);
    EXPECT_EQ(line(LogFormat::text, "Seen", {{"v", value}}),
              "time=2026-01-31T12:00:10.042Z level=info msg=Seen v=" + text);
    const auto whole = line(LogFormat::json, "Seen", {{"v", value}});
    EXPECT_EQ(whole, R"({"time":"2026-01-31T12:00:10.042Z","level":"info","msg":"Seen","v":)" + json + "}");
    EXPECT_TRUE(nlohmann::json::accept(whole));
  }
}

TEST(FormatLogLine, EveryPairOfBytesGivesValidJsonOnOneLine) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string value{static_cast<char>(first), static_cast<char>(second)};
      const auto whole = line(LogFormat::json, "Seen", {{"v", value}});
      ASSERT_TRUE(nlohmann::json::accept(whole)) << first << ' ' << second;
      ASSERT_EQ(whole.find('\n'), std::string::npos);
      ASSERT_EQ(line(LogFormat::text, "Seen", {{"v", value}}).find_first_of("\n\r\x1b"), std::string::npos);
    }
  }
}

TEST(FormatLogLine, CutsALongValueBetweenCharactersAndSaysSo) {
  std::string value(log_value_limit - 1, 'x');
  value += "\xE6\x97\xA5 and more";
  const auto json = nlohmann::json::parse(line(LogFormat::json, "Seen", {{"v", value}}));
  EXPECT_EQ(json["v"], std::string(log_value_limit - 1, 'x') + "...[12 bytes cut]");
  const std::string exact(log_value_limit, 'x');
  EXPECT_EQ(nlohmann::json::parse(line(LogFormat::json, "Seen", {{"v", exact}}))["v"], exact);
}

class Logging : public testing::Test {
 protected:
  void start(LogLevel level, LogFormat format) {
    start_logging(level, format, std::make_shared<spdlog::sinks::ostream_sink_mt>(written_));
  }
  void TearDown() override { start_logging(LogLevel::info, LogFormat::text); }

  std::ostringstream written_;
};

TEST_F(Logging, WritesTheLevelsFromTheThresholdUp) {
  start(LogLevel::warn, LogFormat::json);
  EXPECT_FALSE(log_enabled(LogLevel::info));
  EXPECT_TRUE(log_enabled(LogLevel::error));
  log(LogLevel::info, "Not seen");
  log(LogLevel::warn, "Kept", {{"n", 1}});
  log(LogLevel::error, "Lost");
  std::istringstream lines(written_.str());
  std::string first, second, none;
  ASSERT_TRUE(std::getline(lines, first) && std::getline(lines, second));
  EXPECT_FALSE(std::getline(lines, none)) << none;
  const auto json = nlohmann::json::parse(first);
  EXPECT_EQ(json["level"], "warn");
  EXPECT_EQ(json["msg"], "Kept");
  EXPECT_TRUE(base::parse_time(json["time"].get<std::string>())) << json["time"];
  EXPECT_EQ(nlohmann::json::parse(second)["level"], "error");
}

TEST_F(Logging, NamesEachLevel) {
  start(LogLevel::trace, LogFormat::text);
  for (const auto level : {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
    log(level, "Seen");
    EXPECT_NE(written_.str().find("level="s + to_string(level) + " msg=Seen\n"), std::string::npos);
  }
}

TEST_F(Logging, TakesNoFormatDirectivesFromItsValues) {
  start(LogLevel::info, LogFormat::text);
  log(LogLevel::info, "Seen {} %v", {{"v", "%l{0}"}});
  EXPECT_NE(written_.str().find("msg=\"Seen {} %v\" v=%l{0}\n"), std::string::npos) << written_.str();
}

}  // namespace
}  // namespace shell
