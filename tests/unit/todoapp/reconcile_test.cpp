#include "todoapp/reconcile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "support/world.hpp"

namespace todoapp {
namespace {

using namespace std::chrono_literals;
using test::an_app;
using test::Requests;
using test::World;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

test::AppBuilder quick_app() { return an_app().soaking(0s); }

World serving(const test::AppBuilder& app) {
  World world(app);
  world.tiers_start_at_once().settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  world.count_anew();
  return world;
}

TEST(Creating, TakesTheFloorOfRequests) {
  World world(quick_app()
                  .with_config("LOG_LEVEL", "info")
                  .with_generated_secret("SESSION_KEY")
                  .used_by_both()
                  .with_tier(back, [](auto& tier) { tier.disruption_budget = {"1", ""}; }));
  world.tiers_start_at_once().settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  // Two of each: Deployment, Service, ConfigMap, sealed Secret; one budget, and the keys.
  EXPECT_EQ(world.requests().creates, 2 * 4 + 1 + 1);
  EXPECT_LE(world.requests().status_writes, 3);
  auto rest = world.requests();
  rest.creates = rest.status_writes = 0;
  EXPECT_EQ(rest, (Requests{.revisions = 1, .outcomes = 1}));
}

TEST(Creating, GoesTierByTier) {
  World world(an_app().soaking(10s));
  world.settle();
  EXPECT_EQ(world.names(Kind::deployment), std::vector<std::string>{"todo-backend"});
  EXPECT_EQ(world.condition("Ready"), "Progressing");
  EXPECT_EQ(world.status()["step"], "RollingBackend 0/1");
  world.becomes_available(back).settle();
  EXPECT_TRUE(world.exists(Kind::deployment, "todo-frontend"));
  EXPECT_EQ(world.status()["step"], "RollingFrontend 0/1");
  world.becomes_available(front).settle();
  EXPECT_THAT(world.status()["step"].get<std::string>(), HasSubstr("Soaking until"));
  EXPECT_EQ(world.condition("Ready"), "Progressing");
  world.wait(10s).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_EQ(world.condition("Reconciling"), "");
  EXPECT_EQ(world.requests().reads, 0);
  EXPECT_THAT(world.events(), ElementsAre("RolloutStarted", "RolloutSucceeded"));
}

TEST(Creating, BeginsWithTheRecord) {
  World world(quick_app());
  EXPECT_THAT(words_of(world.pass().actions), ElementsAre("record todo-rev-1", "tell RolloutStarted", ::testing::_));
  EXPECT_THAT(words_of(world.pass().actions),
              ElementsAre("create Service todo-frontend", "create Service todo-backend", "create Deployment todo-backend",
                          "show Progressing", ::testing::_));
}

TEST(Creating, SurvivesACrashBetweenAnyTwoRequests) {
  const auto app = quick_app().with_config("A", "1").with_generated_secret("KEY").with_pinned_secret("URL", "db", "url");
  World straight(app);
  straight.with_user_secret("db", {{"url", "postgres://value"}}).tiers_start_at_once().settle();
  const auto& r = straight.requests();
  const int all = r.creates + r.revisions + r.outcomes + r.status_writes + r.reads;
  for (int requests = 0; requests < all; ++requests) {
    World world(app);
    world.with_user_secret("db", {{"url", "postgres://value"}}).tiers_start_at_once().crash_after(requests).settle();
    EXPECT_EQ(world.condition("Ready"), "Succeeded") << requests;
    EXPECT_EQ(world.requests().creates, r.creates) << requests;
    EXPECT_EQ(world.names(Kind::controller_revision), straight.names(Kind::controller_revision)) << requests;
  }
}

TEST(Settled, IsAnEmptyPlan) {
  auto world = serving(an_app().with_config("A", "1").with_live_secret("URL", "db", "url"));
  (void)world;
}

}  // namespace
}  // namespace todoapp
