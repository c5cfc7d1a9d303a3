#include "kube/model/canonical_json.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace kube {
namespace {

using nlohmann::json;

struct Row {
  json value;
  std::string text;
};

// Each text is what Go 1.26's json.Marshal printed for the same value.
TEST(CanonicalJson, WritesWhatGoWrites) {
  const Row rows[] = {
      {"a<b>&c", R"("a\u003cb\u003e\u0026c")"},
      {"\xE2\x80\xA8\xE2\x80\xA9", R"("\u2028\u2029")"},
      {std::string("\b\f\n\r\t\0\x1f\x7f", 8), "\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""},
      {"\"\\/", R"("\"\\/")"},
      {"héllo 日本 😀", "\"héllo 日本 😀\""},
      {"\xff\xc3(\xed\xa0\x80", R"("\ufffd\ufffd(\ufffd\ufffd\ufffd")"},
      {"", R"("")"},
      {1.0, "1"},
      {1.5, "1.5"},
      {-0.25, "-0.25"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1.5e21, "1.5e+21"},
      {123456789012345680000.0, "123456789012345680000"},
      {0.000001, "0.000001"},
      {0.0000001, "1e-7"},
      {1.25e-9, "1.25e-9"},
      {1e-10, "1e-10"},
      {100.0, "100"},
      {1e22, "1e+22"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
      {5e-324, "5e-324"},
      {-0.0, "-0"},
      {3.141592653589793, "3.141592653589793"},
      {12345.678, "12345.678"},
      {-5, "-5"},
      {std::numeric_limits<std::int64_t>::max(), "9223372036854775807"},
      {std::numeric_limits<std::uint64_t>::max(), "18446744073709551615"},
      {true, "true"},
      {false, "false"},
      {nullptr, "null"},
      {json::object(), "{}"},
      {json::array(), "[]"},
      {{{"b", 1},
        {"a", {1, "x", nullptr}},
        {"B", {{"é", 1}, {"z", 2}, {"<", 3}}},
        {"aa", 0},
        {"a.b", 1},
        {"a-b", 2},
        {"a_b", 3},
        {"😀", 4},
        {"\xEF\xBF\xAE", 5}},
       "{\"B\":{\"\\u003c\":3,\"z\":2,\"é\":1},\"a\":[1,\"x\",null],\"a-b\":2,\"a.b\":1,\"a_b\":3,\"aa\":0,\"b\":1,"
       "\"\xEF\xBF\xAE\":5,\"😀\":4}"},
  };
  for (const auto& row : rows) EXPECT_EQ(canonical(row.value), row.text);
}

TEST(CanonicalJson, WritesNothingForANumberThatJsonLacks) {
  EXPECT_EQ(canonical(json(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(canonical(json(std::numeric_limits<double>::quiet_NaN())), "null");
}

TEST(CanonicalJson, IsUnchangedByReadingItAgain) {
  const json value = json::parse(R"({"LOG":"a<b & \u2028 \u0001","n":[1,2.5,-3,{"x":{}}],"z":null})");
  const std::string once = canonical(value);
  EXPECT_EQ(canonical(json::parse(once)), once);
}

}  // namespace
}  // namespace kube
