#include "todoapp/reconcile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
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
  world.with_user_secret("db", {{"url", "postgres://value"}, {"token", "a-token-of-it"}});
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
              ElementsAre("create Service todo-frontend", "create Service todo-backend",
                          "create Deployment todo-backend", "show Progressing", ::testing::_));
}

TEST(Creating, SurvivesACrashBetweenAnyTwoRequests) {
  const auto app =
      quick_app().with_config("A", "1").with_generated_secret("KEY").with_pinned_secret("URL", "db", "url");
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

/// An app with something of everything.
test::AppBuilder a_rich_app() {
  return quick_app()
      .with_config("LOG_LEVEL", "info")
      .with_live_secret("URL", "db", "url")
      .used_by_both()
      .with_pinned_secret("TOKEN", "db", "token")
      .with_generated_secret("SESSION_KEY")
      .autoscaled(front, 1, 3, 80)
      .with_tier(back, [](auto& tier) { tier.disruption_budget = {"1", ""}; })
      .with_spec([](auto& spec) { spec.network_policy.enabled = true, spec.ingress = Ingress{}; });
}

TEST(Settled, HasAnEmptyPlan) {
  for (const auto& app : {quick_app(), a_rich_app()}) {
    auto world = serving(app);
    EXPECT_THAT(words_of(world.decide().actions), IsEmpty());
    world.wait(24h);
    EXPECT_THAT(words_of(world.decide().actions), IsEmpty());
  }
}

TEST(Settled, HasAnEmptyPlanWithASoakTimeToo) {
  World world(an_app().soaking(10s));
  world.tiers_start_at_once().settle().wait(10s).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_THAT(words_of(world.decide().actions), IsEmpty());
}

TEST(Settled, CostsARestartedOperatorNothing) {
  auto world = serving(a_rich_app());
  world.restart();
  const auto first = words_of(world.decide().actions);
  EXPECT_THAT(first, Not(IsEmpty()));
  EXPECT_THAT(first, Each(::testing::StartsWith("verified ")));
  world.settle();
  EXPECT_EQ(world.requests(), Requests{});
}

TEST(Settled, HoldsNoSecretValuesInMemory) {
  auto world = serving(a_rich_app());
  EXPECT_THAT(world.decide().memory.secrets, IsEmpty());
}

TEST(Upgrading, OneTierTakesTheFloorOfRequests) {
  auto world = serving(a_rich_app());
  world.edit([](auto& app) { app.with_backend_image("localhost/todo-backend:2"); }).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_EQ(world.image(back), "localhost/todo-backend:2");
  EXPECT_LE(world.requests().status_writes, 3);
  auto rest = world.requests();
  rest.status_writes = 0;
  EXPECT_EQ(rest, (Requests{.changes = 1, .revisions = 1, .outcomes = 1}));
  EXPECT_EQ(world.mark(Kind::deployment, "todo-frontend", mark::revision), "1");
  EXPECT_EQ(world.mark(Kind::deployment, "todo-backend", mark::revision), "2");
  EXPECT_EQ(world.status()["revisions"][0]["cause"], "backend image 1.0.0 to 2");
}

TEST(Upgrading, WithAFullHistoryDeletesOneRecord) {
  auto world = serving(quick_app().keeping(2));
  for (int version = 2; version <= 6; ++version) {
    world.count_anew();
    world.edit([&](auto& app) { app.with_backend_image("b:" + std::to_string(version)); }).settle();
  }
  EXPECT_EQ(world.requests().deletes, 1);
  EXPECT_EQ(world.names(Kind::controller_revision),
            (std::vector<std::string>{"todo-rev-4", "todo-rev-5", "todo-rev-6"}));
}

TEST(Upgrading, InMidRolloutOvertakes) {
  World world(quick_app());
  world.settle().becomes_available(back).settle().becomes_available(front).settle();
  world.edit([](auto& app) { app.with_backend_image("b:2"); }).settle();
  world.edit([](auto& app) { app.with_backend_image("b:3"); }).settle();
  EXPECT_EQ(world.mark(Kind::controller_revision, "todo-rev-2", mark::outcome), "Superseded");
  EXPECT_EQ(world.image(back), "b:3");
  world.becomes_available(back).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_EQ(world.status()["activeRevision"], 3);
}

TEST(Upgrading, SurvivesACrashBetweenAnyTwoRequests) {
  for (int requests = 0; requests < 8; ++requests) {
    auto world = serving(quick_app().with_config("A", "1"));
    world.edit([](auto& app) { app.with_backend_image("b:2").with_config("A", "2"); }).crash_after(requests).settle();
    EXPECT_EQ(world.condition("Ready"), "Succeeded") << requests;
    EXPECT_EQ(world.image(back), "b:2") << requests;
    EXPECT_EQ(world.names(Kind::controller_revision).size(), 2U) << requests;
    EXPECT_EQ(world.requests().outcomes, 1) << requests;
  }
}

TEST(Upgrading, ByHandWaitsAndThenGoesOn) {
  auto world = serving(quick_app().approved_by_hand());
  world.edit([](auto& app) { app.with_backend_image("b:2"); }).settle();
  EXPECT_EQ(world.condition("Ready"), "AwaitingApproval");
  EXPECT_EQ(world.status()["step"], "AwaitingApproval");
  EXPECT_EQ(world.requests(), (Requests{.status_writes = 1, .reads = 1})) << "the record of what runs meanwhile";
  const std::string hash = world.status()["plan"]["hash"];
  world.edit([&](auto& app) { app.asking_approve(hash); }).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_EQ(world.image(back), "b:2");
}

TEST(LiveSettings, TakeOneApplyAndAtMostTwoStatusWrites) {
  const std::vector<std::function<void(test::AppBuilder&)>> table{
      [](auto& app) { app.with_replicas(back, 3); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.strategy.min_ready_seconds = 1; }); },
      [](auto& app) { app.with_service_port(front, 8080); },
      [](auto& app) { app.with_tier(front, [](auto& tier) { tier.service.type = "NodePort"; }); },
      [](auto& app) { app.with_tier(front, [](auto& tier) { tier.service.annotations["a"] = "b"; }); },
  };
  for (std::size_t row = 0; row < table.size(); ++row) {
    auto world = serving(quick_app());
    world.edit(table[row]).settle();
    EXPECT_EQ(world.requests().changes, 1) << row;
    EXPECT_LE(world.requests().status_writes, 2) << row;
    EXPECT_EQ(world.requests().revisions + world.requests().reads + world.requests().creates, 0) << row;
    EXPECT_EQ(world.condition("Ready"), "Succeeded") << row;
  }
}

TEST(LiveSettings, KeepTheAppReadyWhileItScales) {
  World world(quick_app());
  world.settle().becomes_available(back).settle().becomes_available(front).settle();
  world.edit([](auto& app) { app.with_replicas(back, 3); }).wait(2s);
  const auto first = world.decide().actions;
  const auto told = std::find_if(first.begin(), first.end(),
                                 [](const Action& action) { return std::holds_alternative<WriteStatus>(action); });
  ASSERT_NE(told, first.end());
  EXPECT_THAT(std::get<WriteStatus>(*told).status, HasSubstr("Scaling")) << "though the Deployment has the old number";
  world.settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_EQ(world.condition("Reconciling"), "Scaling");
  world.becomes_available(back).settle();
  EXPECT_EQ(world.condition("Reconciling"), "");
  EXPECT_EQ(world.status()["backend"]["ready"], "3/3");
}

TEST(LiveSettings, ReachATierThatWaitsForItsTurn) {
  World world(quick_app());
  world.settle().becomes_available(back).settle().becomes_available(front).settle();
  world.edit([](auto& app) { app.with_backend_image("b:2").with_frontend_image("f:2"); }).settle();
  world.edit([](auto& app) { app.with_replicas(front, 4); }).settle();
  EXPECT_EQ(world.object(Kind::deployment, "todo-frontend", "/spec/replicas"), 4);
  EXPECT_EQ(world.image(front), "localhost/todo-frontend:1.0.0");
}

TEST(LiveSettings, ThatAreNoLongerAskedForTakeTheirObjectsAlong) {
  auto world = serving(a_rich_app());
  world.edit([](auto& app) { app.with_spec([](auto& spec) { spec.ingress.reset(), spec.network_policy = {}; }); })
      .settle();
  EXPECT_THAT(world.names(Kind::ingress), IsEmpty());
  EXPECT_THAT(world.names(Kind::network_policy), IsEmpty());
  EXPECT_EQ(world.requests().deletes, 2);
}

TEST(Restarting, ByTokenTouchesBothTiersAndMakesNoRevision) {
  auto world = serving(quick_app());
  world.edit([](auto& app) { app.asking_restart("now"); }).settle();
  EXPECT_EQ(world.requests().changes, 2);
  EXPECT_EQ(world.requests().revisions, 0);
}

TEST(Drift, IsPutRightAndTold) {
  auto world = serving(quick_app());
  world.tamper(Kind::deployment, "todo-backend", "/spec/replicas", 7).settle();
  EXPECT_EQ(world.object(Kind::deployment, "todo-backend", "/spec/replicas"), 1);
  EXPECT_THAT(world.events(), ElementsAre("DriftRepaired"));
  world.count_anew().remove(Kind::service, "todo-frontend").settle();
  EXPECT_EQ(world.requests(), (Requests{.creates = 1}));
}

TEST(Drift, OfADeletedDeploymentBringsItBackAsItWas) {
  auto world = serving(quick_app());
  world.remove(Kind::deployment, "todo-backend").settle();
  EXPECT_TRUE(world.exists(Kind::deployment, "todo-backend"));
  EXPECT_EQ(world.requests().creates, 1);
  EXPECT_EQ(world.requests().revisions, 0);
}

TEST(Suspended, WritesNothingButStatus) {
  auto world = serving(quick_app());
  world.edit([](auto& app) { app.suspended().with_backend_image("b:2").with_replicas(front, 5); });
  world.tamper(Kind::deployment, "todo-backend", "/spec/replicas", 7).settle();
  EXPECT_EQ(world.condition("Ready"), "Suspended");
  EXPECT_EQ(world.requests(), (Requests{.status_writes = 1}));
  world.count_anew().edit([](auto& app) { app.with_spec([](auto& spec) { spec.suspend = false; }); }).settle();
  EXPECT_EQ(world.image(back), "b:2");
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(InvalidSpec, IsSaidAndNothingMoves) {
  auto world = serving(quick_app());
  world.edit([](auto& app) { app.with_backend_image("").with_replicas(front, 5); }).settle();
  EXPECT_EQ(world.condition("Ready"), "InvalidSpec");
  EXPECT_EQ(world.condition("Stalled"), "InvalidSpec");
  EXPECT_EQ(world.requests(), (Requests{.status_writes = 1}));
  EXPECT_THAT(world.events(), ElementsAre("InvalidSpec"));
  EXPECT_EQ(world.status()["backend"]["ready"], "1/1") << "what runs is still shown";
  world.edit([](auto& app) { app.with_backend_image("b:2"); }).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(InvalidSpec, ThatCannotBeReadIsSaidToo) {
  auto seen = test::observing(an_app());
  Observed observed = seen.get();
  observed.spec_error = "spec.backend.port: is no number";
  EXPECT_THAT(words_of(reconcile(observed).actions), ElementsAre("show InvalidSpec", "warn InvalidSpec"));
}

TEST(Stranger, IsNamedAndNothingIsWritten) {
  World world(quick_app());
  world.with_stranger(Kind::service, "todo-backend").tiers_start_at_once().settle();
  EXPECT_EQ(world.condition("Stalled"), "ForeignObject");
  EXPECT_THAT(world.status()["conditions"][0]["message"].get<std::string>(), HasSubstr("Service todo-backend exists"));
  EXPECT_EQ(world.requests(), (Requests{.status_writes = 1}));
  world.without_strangers().settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(MissingSecret, IsNamedUntilItIsThere) {
  World world(quick_app().with_live_secret("URL", "other", "url"));
  world.tiers_start_at_once().settle();
  EXPECT_EQ(world.condition("Ready"), "SecretNotFound");
  EXPECT_EQ(world.requests(), (Requests{.status_writes = 1}));
  world.with_user_secret("other", {{"url", "postgres://one"}}).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(Deleting, IsLeftToTheGarbageCollector) {
  auto world = serving(quick_app());
  world.edit([](auto& app) { app.being_deleted().with_backend_image("b:2"); });
  EXPECT_THAT(words_of(world.decide().actions), IsEmpty());
}

TEST(StatusWrites, AreAtMostOneASecond) {
  World world(quick_app());
  world.pass();
  EXPECT_THAT(words_of(world.pass().actions), Contains("show Progressing"));
  world.becomes_available(back);
  const auto plan = world.pass();
  EXPECT_THAT(words_of(plan.actions), ElementsAre("create Deployment todo-frontend", "look again at 12:00:01Z"));
  world.wait(1s);
  EXPECT_THAT(words_of(world.pass().actions), Contains("show Progressing"));
}

TEST(StatusWrites, AreNotMadeForTheSameInOtherWords) {
  auto world = serving(quick_app());
  auto seen = test::observing(an_app());
  Observed observed = seen.get();
  observed.spec_error = "no";
  const auto plan = reconcile(observed);
  observed.status = nlohmann::json::parse(std::get<WriteStatus>(plan.actions[0]).status).dump(2);
  EXPECT_THAT(words_of(reconcile(observed).actions), IsEmpty());
}

}  // namespace
}  // namespace todoapp
