#include "kubectl/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kubectl {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

Json read_one(const std::string& text) {
  const auto manifests = read_manifests(text, "todo.yaml");
  if (!manifests || manifests->size() != 1) return {};
  return Json::parse(manifests->front().json);
}

std::string refusal(const std::string& text) {
  const auto manifests = read_manifests(text, "todo.yaml");
  return manifests ? "no refusal" : base::to_string(manifests.error());
}

TEST(Manifests, AreTheDocumentsOfAFile) {
  const auto manifests = read_manifests(
      "---\n# only a comment\n---\nkind: Secret\napiVersion: v1\nmetadata: {name: todo-db}\n---\n"
      "kind: TodoAppDeployment\napiVersion: apps.todoapp.dev/v1alpha1\nmetadata: {name: todo, namespace: shop}\n",
      "todo.yaml");
  ASSERT_TRUE(manifests) << base::to_string(manifests.error());
  ASSERT_EQ(manifests->size(), 2U);
  EXPECT_EQ(manifests->at(0).kind, "Secret");
  EXPECT_EQ(manifests->at(1).api_version, "apps.todoapp.dev/v1alpha1");
  EXPECT_EQ(manifests->at(1).name, "todo");
  EXPECT_EQ(manifests->at(1).namespace_, "shop");
}

TEST(Manifests, OfAListAreItsItems) {
  const auto manifests = read_manifests(R"({"kind":"List","items":[{"kind":"A"},{"kind":"B"}]})", "-");
  ASSERT_TRUE(manifests);
  ASSERT_EQ(manifests->size(), 2U);
  EXPECT_EQ(manifests->at(1).kind, "B");
}

TEST(Manifests, TakeWordsForWhatKubectlTakesThemFor) {
  EXPECT_EQ(read_one("{a: 1, b: 1.5, c: -3, d: 0x10, e: 1e3}"),
            Json({{"a", 1}, {"b", 1.5}, {"c", -3}, {"d", 16}, {"e", 1000.0}}));
  EXPECT_EQ(read_one("{a: yes, b: Off, c: true, d: ~, e: , f: null}"),
            Json({{"a", true}, {"b", false}, {"c", true}, {"d", nullptr}, {"e", nullptr}, {"f", nullptr}}));
  EXPECT_EQ(read_one("{a: '1', b: \"yes\", c: 1.2.3, d: y, e: 25%, f: 1Gi, g: 10:30, h: !!str 7}"),
            Json({{"a", "1"},
                  {"b", "yes"},
                  {"c", "1.2.3"},
                  {"d", "y"},
                  {"e", "25%"},
                  {"f", "1Gi"},
                  {"g", "10:30"},
                  {"h", "7"}}));
  EXPECT_EQ(read_one("a: |\n  two\n  lines\nb: &x [1, 2]\nc: *x\n"),
            Json({{"a", "two\nlines\n"}, {"b", {1, 2}}, {"c", {1, 2}}}));
}

TEST(Manifests, AreRefusedWithTheLineOrTheReason) {
  EXPECT_THAT(refusal("a: b\nc: [\n"), HasSubstr("read todo.yaml: line "));
  EXPECT_THAT(refusal("just words"), HasSubstr("a document that is no object"));
  EXPECT_THAT(refusal("a: 1\na: 2\n"), HasSubstr("the key a stands there twice"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int at = 1; at < 8; ++at) {
    bomb += "a" + std::to_string(at) + ": &a" + std::to_string(at) + " [";
    for (int item = 0; item < 10; ++item) bomb += (item > 0 ? ", *a" : "*a") + std::to_string(at - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(refusal(bomb), HasSubstr("it holds more than 100000 values"));
}

TEST(ApplyPatch, SetsWhatIsWantedAndTakesAwayWhatWasAppliedBefore) {
  const auto patch =
      apply_patch(R"({"spec":{"config":{"A":"1","OLD":"x"},"backend":{"image":"b:1"}}})",
                  R"({"spec":{"config":{"A":"2"},"backend":{"image":"b:1"}}})",
                  R"({"spec":{"config":{"A":"1","OLD":"x","HANDS":"y"},"backend":{"image":"b:1","port":8}}})");
  EXPECT_EQ(Json::parse(patch), Json::parse(R"({"spec":{"config":{"A":"2","OLD":null}}})"));
  EXPECT_EQ(apply_patch("{}", R"({"a":[1]})", R"({"a":[1],"b":2})"), "{}");
  EXPECT_EQ(apply_patch("no json", R"({"a":1})", "{}"), R"({"a":1})");
}

TEST(ApplyPatch, LeavesTheAnnotationsOfOthers) {
  // As kubectl notes an object without any.
  const auto* before = R"({"metadata":{"annotations":{},"name":"todo"}})";
  const auto* live = R"({"metadata":{"annotations":{"apps.todoapp.dev/restart":"1","team":"web"},"name":"todo"}})";
  EXPECT_EQ(apply_patch(before, R"({"metadata":{"name":"todo"}})", live), "{}");
  EXPECT_EQ(apply_patch(R"({"metadata":{"annotations":{"team":"web"}}})", R"({"metadata":{"name":"todo"}})", live),
            R"({"metadata":{"annotations":{"team":null}}})");
}

}  // namespace
}  // namespace kubectl
