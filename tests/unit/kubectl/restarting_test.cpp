#include "kubectl/restarting.hpp"

#include <gtest/gtest.h>

#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::patched;

Json deployment() {
  return Json::parse(R"({"metadata":{"generation":2},
    "spec":{"replicas":2,"template":{"metadata":{"annotations":{"apps.todoapp.dev/restart":"7"}}}},
    "status":{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":2}})");
}

TierRestart of(const Json& changes) { return *restart_of(patched(deployment(), changes).dump(), "7"); }

TEST(Restart, IsDoneWhenAllNewPodsServeAndNoOldOneIsLeft) {
  EXPECT_TRUE(of(Json::object()).done);
  EXPECT_EQ(of(Json::object()).fresh, 2);
  EXPECT_TRUE(
      of({{"spec", {{"replicas", 0}}}, {"status", {{"replicas", 0}, {"updatedReplicas", 0}, {"availableReplicas", 0}}}})
          .done);
  const auto surging = of({{"status", {{"replicas", 3}, {"updatedReplicas", 1}}}});
  EXPECT_FALSE(surging.done);
  EXPECT_EQ(surging.fresh, 0) << "what serves is the old two";
  EXPECT_FALSE(of({{"status", {{"replicas", 3}}}}).done) << "an old one is left";
  EXPECT_FALSE(of({{"status", {{"availableReplicas", 1}}}}).done);
}

TEST(Restart, IsNotJudgedByCountsOfBefore) {
  EXPECT_FALSE(of({{"status", {{"observedGeneration", 1}}}}).done);
  EXPECT_FALSE(restart_of(deployment().dump(), "8")->done) << "the operator has not passed it on yet";
  EXPECT_EQ(restart_of(deployment().dump(), "8")->fresh, 0);
  EXPECT_FALSE(restart_of("no json", "7"));
}

TEST(Restart, HasTheTokenOfTheApp) {
  EXPECT_EQ(*restart_token(R"({"metadata":{"annotations":{"apps.todoapp.dev/restart":"7"}}})"), "7");
  EXPECT_EQ(*restart_token(R"({"metadata":{}})"), "");
}

}  // namespace
}  // namespace kubectl
