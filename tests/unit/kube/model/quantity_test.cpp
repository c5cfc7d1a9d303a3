#include "kube/model/quantity.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace kube {
namespace {

TEST(Quantity, ReadsEverySuffix) {
  struct Row {
    const char* text;
    Quantity amount;
  };
  const Row rows[] = {
      {"0", {0, 0}},
      {"1", {1, 0}},
      {"+1", {1, 0}},
      {"100m", {0, 100'000'000}},
      {"0.5", {0, 500'000'000}},
      {".5", {0, 500'000'000}},
      {"5.", {5, 0}},
      {"-0.5", {-1, 500'000'000}},
      {"-2", {-2, 0}},
      {"1500m", {1, 500'000'000}},
      {"1n", {0, 1}},
      {"1u", {0, 1000}},
      {"1k", {1000, 0}},
      {"1M", {1'000'000, 0}},
      {"1Ki", {1024, 0}},
      {"1.5Gi", {1'610'612'736, 0}},
      {"0.00000000001Gi", {0, 10'737'419}},  // 10737418.24 billionths, rounded up
      {"1Ei", {1'152'921'504'606'846'976, 0}},
      {"1e3", {1000, 0}},
      {"1E3", {1000, 0}},
      {"1e+3", {1000, 0}},
      {"1e-3", {0, 1'000'000}},
      {"2E", {2'000'000'000'000'000'000, 0}},
      {"0.0000000001", {0, 1}},
      {"9Ei", {std::numeric_limits<std::int64_t>::max(), 0}},
      {"1e60", {std::numeric_limits<std::int64_t>::max(), 0}},
      {"1.000000000000000000000000000000", {1, 0}},
  };
  for (const auto& row : rows) {
    const auto amount = parse_quantity(row.text);
    ASSERT_TRUE(amount) << row.text;
    EXPECT_EQ(*amount, row.amount) << row.text << " gave " << amount->whole << " and " << amount->nanos;
  }
}

TEST(Quantity, RefusesWhatIsNone) {
  for (const char* text : {"", "-", ".", "m", "1x", "1 ", " 1", "1mi", "1ki", "0x10", "1e", "1e+", "1e+-3", "1.2.3",
                           "--1", "1Kii", "NaN", "12345678901234567890123", "1e999999999999"}) {
    EXPECT_FALSE(parse_quantity(text)) << text;
  }
}

TEST(Quantity, ComparesAmountsNotSpellings) {
  struct Row {
    const char* one;
    const char* other;
    bool same;
  };
  const Row rows[] = {
      {"1000m", "1", true}, {"0.1", "100m", true},   {"1024Mi", "1Gi", true}, {"1e3", "1k", true},
      {"1G", "1Gi", false}, {"100m", "101m", false}, {"odd", "odd", true},    {"odd", "1", false},
      {"0", "0m", true},    {"-1", "1", false},
  };
  for (const auto& row : rows) EXPECT_EQ(same_quantity(row.one, row.other), row.same) << row.one << " " << row.other;
}

}  // namespace
}  // namespace kube
