#include "kubectl/diff_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "todoapp/names.hpp"
#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::patched;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Style bare{.colour = false, .unicode = true};

TEST(DiffText, HasAHeadingForEachObjectAndItsFieldsBelow) {
  const std::vector<ObjectDiff> objects{
      {.title = "service/todo-frontend",
       .fate = Fate::changed,
       .fields = {{"spec.type", R"("ClusterIP")", R"("NodePort")"}, {"spec.x", "", "1"}, {"spec.y", "[1]", ""}},
       .whole = {}},
      {.title = "configmap/c", .fate = Fate::made, .fields = {}, .whole = R"({"data":{"A":"b"}})"},
      {.title = "ingress.networking.k8s.io/todo", .fate = Fate::deleted, .fields = {}, .whole = {}}};
  EXPECT_EQ(diff_text("shop/todo", {"a note"}, objects, {{todoapp::Tier::backend, {"KEY", "URL"}}}, bare),
            "# shop/todo: a note\n"
            "service/todo-frontend  changed\n"
            "  ~ spec.type: ClusterIP -> NodePort\n"
            "  + spec.x: 1\n"
            "  - spec.y: [1]\n"
            "configmap/c  new\n"
            "  + data:\n"
            "  +   A: b\n"
            "ingress.networking.k8s.io/todo  deleted\n"
            "sealed secret of backend  new\n"
            "  + KEY, URL (values are not shown)\n");
  EXPECT_EQ(diff_text("shop/todo", {}, {}, {}, bare), "");
}

TEST(DiffText, LetsNothingSteerATerminal) {
  const Difference field{"a", "", R"("x\u001b[2Jy")"};
  EXPECT_EQ(field_text(field, bare), "  + a: x?[2Jy\n");
  EXPECT_EQ(field_text(field, {.colour = true, .unicode = true}), "\033[32m  + a: x?[2Jy\033[0m\n");
}

TEST(AppDiff, IsOfWhatAUserMaySet) {
  auto live = test::upgraded();
  live["metadata"]["annotations"] = {{"kubectl.kubernetes.io/last-applied-configuration", "{}"}};
  auto after = patched(live, {{"metadata", {{"resourceVersion", "10"}, {"generation", 4}}},
                              {"spec", {{"backend", {{"replicas", 2}}}}},
                              {"status", {{"step", "x"}}}});
  EXPECT_THAT(app_diff("app", live.dump(), after.dump()).fields,
              testing::ElementsAre(Difference{"spec.backend.replicas", "", "2"}));
  after = patched(live, {{"metadata", {{"annotations", {{"kubectl.kubernetes.io/last-applied-configuration", "2"}}}}}});
  EXPECT_THAT(app_diff("app", live.dump(), after.dump()).fields, IsEmpty());
  const auto made = app_diff("app", "", live.dump());
  EXPECT_EQ(made.fate, Fate::made);
  EXPECT_EQ(Json::parse(made.whole), Json::parse(R"({"spec":{}})"));
}

TEST(TitleOf, IsAsKubectlNamesAnObject) {
  EXPECT_EQ(title_of(kube::resources::services(), "todo"), "service/todo");
  EXPECT_EQ(title_of(todoapp::app_resource(), "todo"), "todoappdeployment.apps.todoapp.dev/todo");
}

}  // namespace
}  // namespace kubectl
