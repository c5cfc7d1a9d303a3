#include "kubectl/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kubectl {
namespace {

using Json = nlohmann::json;

std::string yaml(const Json& value) { return structured(value.dump(), Output::yaml).value_or("refused"); }

TEST(Json, IsIndentedAndWithoutManagedFields) {
  const Json object{{"metadata", {{"managedFields", {1}}, {"name", "a"}}}};
  EXPECT_EQ(structured(object.dump(), Output::json), "{\n    \"metadata\": {\n        \"name\": \"a\"\n    }\n}\n");
  EXPECT_FALSE(structured("{", Output::json));
}

TEST(Yaml, IsWrittenAsKubectlDoes) {
  const Json object{{"items", {{{"a", 1}, {"b", {{"c", "d"}}}}, "e", Json::array(), {1, 2}}},
                    {"none", Json::object()},
                    {"nothing", nullptr}};
  EXPECT_EQ(yaml(object), "items:\n- a: 1\n  b:\n    c: d\n- e\n- []\n- - 1\n  - 2\nnone: {}\nnothing: null\n");
}

TEST(Yaml, LeavesNoStringToBeTakenForSomethingElse) {
  for (const char* text :
       {"true", "No", "on", "null", "y", "12", "1.5", "", " a", "a: b", "#a", "- a", "~", "2026-01-31", "a\nb", "{"}) {
    EXPECT_EQ(yaml({{"k", text}}), "k: " + Json(text).dump() + "\n") << text;
  }
  EXPECT_EQ(yaml({{"k", "apps/v1"}, {"apps.todoapp.dev/retry", "1"}}), "apps.todoapp.dev/retry: \"1\"\nk: apps/v1\n");
  EXPECT_EQ(yaml({{"on", 1}}), "\"on\": 1\n");
}

TEST(List, GivesItsItemsTheirKind) {
  const auto text = R"({"items":[{"metadata":{"name":"a"}}]})";
  const auto items = items_of(text, "v1", "Thing");
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 1U);
  EXPECT_EQ(Json::parse(items->front()),
            (Json{{"apiVersion", "v1"}, {"kind", "Thing"}, {"metadata", {{"name", "a"}}}}));
  EXPECT_EQ(Json::parse(*as_list(text, "v1", "Thing")).at("kind"), "List");
  EXPECT_FALSE(items_of("{}", "v1", "Thing"));
}

}  // namespace
}  // namespace kubectl
