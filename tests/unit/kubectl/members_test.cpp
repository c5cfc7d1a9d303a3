#include "kubectl/members.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace kubectl {
namespace {

using Json = nlohmann::json;

TEST(Members, OfNoTextAreNone) {
  EXPECT_EQ(parse_or_empty(nullptr), Json::object());
  EXPECT_EQ(parse_or_empty(std::make_shared<const std::string>()), Json::object());
  EXPECT_EQ(parse_or_empty(std::make_shared<const std::string>(R"({"a":1})")), Json({{"a", 1}}));
}

TEST(Members, ThatAreMissingOrNullAreEmptyObjects) {
  const auto json = Json::parse(R"({"spec":{"replicas":2},"status":null})");
  EXPECT_EQ(member(json, "spec"), Json({{"replicas", 2}}));
  EXPECT_EQ(member(json, "status"), Json::object());
  EXPECT_EQ(member(json, "metadata"), Json::object());
}

}  // namespace
}  // namespace kubectl
