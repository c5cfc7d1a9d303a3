#include "kubectl/app_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::patched;
using test::upgraded;
using test::view;
using testing::HasSubstr;

TEST(AppView, HoldsWhatTheStatusSays) {
  const auto app = view(test::rolled_back());
  EXPECT_EQ(app.key(), "shop/todo");
  EXPECT_EQ(app.generation, 3);
  EXPECT_EQ(app.active, 3);
  EXPECT_EQ(app.newest(), 3);
  EXPECT_EQ(app.ready.reason, "RolledBack");
  EXPECT_EQ(app.ready.since, "2026-01-31T12:00:10Z");
  EXPECT_TRUE(app.stalled.holds());
  EXPECT_FALSE(app.reconciling.holds());
  ASSERT_NE(app.find(3), nullptr);
  EXPECT_EQ(app.find(3)->rollback_of, 1);
  EXPECT_EQ(app.find(4), nullptr);
  ASSERT_TRUE(app.failure);
  EXPECT_EQ(app.failure->exit_code, 3);
  EXPECT_EQ(app.tier(todoapp::Tier::backend).ready, 2);
  EXPECT_FALSE(app.plan);
}

TEST(AppView, HoldsWhatTheUserAsksFor) {
  const auto app = view(
      patched(upgraded(), {{"spec", {{"suspend", true}, {"rollback", {{"toRevision", 1}}}}},
                           {"status", {{"plan", {{"hash", "6d"}, {"changes", {{{"path", "p"}, {"to", "2"}}}}}}}}}));
  EXPECT_TRUE(app.suspended);
  EXPECT_EQ(app.pinned, 1);
  ASSERT_TRUE(app.plan);
  EXPECT_EQ(*app.plan, (todoapp::PendingPlan{"6d", {{"p", "", "2"}}}));
}

TEST(AppView, OfAnAppThatNobodyLookedAtIsEmpty) {
  const auto app = view(patched(upgraded(), {{"status", nullptr}}));
  EXPECT_EQ(app.observed_generation, 0);
  EXPECT_EQ(app.newest(), 0);
  EXPECT_TRUE(app.ready.status.empty());
  EXPECT_FALSE(reason_of(app));
}

TEST(AppView, RefusesWhatTheSchemaForbids) {
  const auto result = read_view(patched(upgraded(), {{"status", {{"activeRevision", "two"}}}}).dump());
  ASSERT_FALSE(result);
  EXPECT_THAT(base::to_string(result.error()), HasSubstr("read app shop/todo"));
  EXPECT_FALSE(read_view("nothing"));
}

TEST(State, IsReadyOnlyForThePresentSpecAndWhenNothingIsUnderWay) {
  EXPECT_EQ(state_of(view(upgraded())), State::ready);
  EXPECT_EQ(state_of(view(patched(upgraded(), {{"metadata", {{"generation", 4}}}}))), State::under_way);
  auto scaling = upgraded();
  scaling["status"]["conditions"].push_back({{"type", "Reconciling"}, {"status", "True"}});
  EXPECT_EQ(state_of(view(scaling)), State::under_way);
}

TEST(State, IsStalledOnlyForThePresentSpec) {
  EXPECT_EQ(state_of(view(test::rolled_back())), State::stalled);
  EXPECT_EQ(state_of(view(patched(test::rolled_back(), {{"metadata", {{"generation", 4}}}}))), State::under_way);
}

TEST(Reason, IsFoundByItsWordWhereItIsKnown) {
  for (const auto reason :
       {todoapp::Reason::succeeded, todoapp::Reason::rolled_back, todoapp::Reason::environment_failing}) {
    AppView app;
    app.ready.reason = todoapp::to_string(reason);
    EXPECT_EQ(reason_of(app), reason);
  }
  AppView app;
  app.ready.reason = "OfAnotherVersion";
  EXPECT_FALSE(reason_of(app));
}

}  // namespace
}  // namespace kubectl
