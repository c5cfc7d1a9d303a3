#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "support/world.hpp"
#include "todoapp/reconcile.hpp"

namespace todoapp {
namespace {

using namespace std::chrono_literals;
using test::an_app;
using test::Requests;
using test::World;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

test::AppBuilder version(int number) {
  const auto tag = std::to_string(number);
  return an_app().soaking(0s).with_backend_image("b:" + tag).with_frontend_image("f:" + tag);
}

void set_version(test::AppBuilder& app, int number) {
  const auto tag = std::to_string(number);
  app.with_backend_image("b:" + tag).with_frontend_image("f:" + tag);
}

/// An app of which version 1 serves, and whose pods do what the test says from now on.
World serving(const test::AppBuilder& app = version(1)) {
  World world(app);
  world.settle();
  if (world.exists(Kind::job, "todo-migrate-1")) world.migration_ends(1, "Complete").settle();
  world.becomes_available(back).settle().becomes_available(front).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  world.count_anew();
  return world;
}

World upgrading(const test::AppBuilder& app = version(1)) {
  auto world = serving(app);
  world.edit([](auto& edited) { set_version(edited, 2); }).settle();
  return world;
}

std::string outcome(const World& world, int revision) {
  return world.mark(Kind::controller_revision, "todo-rev-" + std::to_string(revision), mark::outcome);
}

TEST(FailedUpgrade, GoesBackByItself) {
  auto world = upgrading();
  world.misses_deadline(back).settle();
  EXPECT_EQ(outcome(world, 2), "Failed");
  EXPECT_EQ(world.mark(Kind::controller_revision, "todo-rev-3", mark::rollback_of), "1");
  EXPECT_EQ(world.image(back), "b:1");
  world.becomes_available(back).settle();
  EXPECT_EQ(world.condition("Ready"), "RolledBack");
  EXPECT_EQ(world.condition("Stalled"), "RolledBack");
  EXPECT_EQ(world.status()["activeRevision"], 3);
  EXPECT_EQ(world.status()["lastGoodRevision"], 3);
  EXPECT_EQ(world.status()["failure"]["reason"], "ProgressDeadlineExceeded");
  EXPECT_EQ(world.status()["failure"]["tier"], "backend");
  EXPECT_EQ(world.status()["failure"]["revision"], 2);
  EXPECT_THAT(world.events(),
              ElementsAre("RolloutStarted", "RolloutFailed", "RollbackStarted", "RolloutSucceeded", "RolledBack"));
}

TEST(FailedUpgrade, NeverBecomesALoop) {
  auto world = upgrading();
  world.misses_deadline(back).settle().becomes_available(back).settle();
  for (int hour = 0; hour < 50; ++hour) world.wait(1h).restart().settle();
  EXPECT_EQ(world.names(Kind::controller_revision).size(), 3U);
  EXPECT_EQ(world.condition("Ready"), "RolledBack");
  world.count_anew().settle();
  EXPECT_EQ(world.requests(), Requests{});
}

TEST(FailedUpgrade, WithRetriesNeverBecomesALoopThoughTheHistoryIsShort) {
  auto world = upgrading(version(1).keeping(1).retrying(2));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(world.image(back), "b:2") << attempt;
    world.misses_deadline(back).settle();
  }
  EXPECT_EQ(world.image(back), "b:1");
  world.becomes_available(back).settle();
  const auto revisions = world.requests().revisions;
  EXPECT_EQ(revisions, 1 + 2 + 1) << "an attempt, two retries, a rollback";
  for (int hour = 0; hour < 5; ++hour) world.wait(1h).restart().settle();
  EXPECT_EQ(world.requests().revisions, revisions);
  EXPECT_EQ(world.condition("Ready"), "RolledBack");
}

TEST(FailedUpgrade, OfTheSecondTierTakesTheFirstOneBackLast) {
  auto world = upgrading();
  world.becomes_available(back).settle().misses_deadline(front).settle();
  EXPECT_EQ(world.image(front), "f:1");
  EXPECT_EQ(world.image(back), "b:2") << "its turn has not come";
  world.becomes_available(front).settle();
  EXPECT_EQ(world.image(back), "b:1");
  world.becomes_available(back).settle();
  EXPECT_EQ(world.condition("Ready"), "RolledBack");
}

TEST(FailedUpgrade, SurvivesACrashBetweenAnyTwoRequests) {
  for (int requests = 0; requests < 12; ++requests) {
    auto world = upgrading();
    world.misses_deadline(back).crash_after(requests).settle();
    world.becomes_available(back).settle();
    EXPECT_EQ(world.condition("Ready"), "RolledBack") << requests;
    EXPECT_EQ(world.names(Kind::controller_revision).size(), 3U) << requests;
    EXPECT_EQ(world.image(back), "b:1") << requests;
  }
}

TEST(FailedUpgrade, IsTriedOnceMoreForANewToken) {
  auto world = upgrading();
  world.misses_deadline(back).settle().becomes_available(back).settle();
  world.edit([](auto& app) { app.asking_retry("a"); }).settle();
  EXPECT_EQ(world.image(back), "b:2");
  world.misses_deadline(back).settle().becomes_available(back).settle();
  EXPECT_EQ(world.condition("Ready"), "RolledBack");
  EXPECT_EQ(world.names(Kind::controller_revision).size(), 5U);
  for (int hour = 0; hour < 5; ++hour) world.wait(1h).settle();
  EXPECT_EQ(world.names(Kind::controller_revision).size(), 5U);
}

TEST(FailedUpgrade, ThatHoldsIsGoodWhenItsPodsBecomeHealthy) {
  auto world = upgrading(version(1).on_failure(OnFailure::hold));
  world.misses_deadline(back).settle();
  EXPECT_EQ(world.condition("Ready"), "RolloutFailed");
  EXPECT_EQ(world.image(back), "b:2");
  EXPECT_EQ(world.image(front), "f:1");
  world.becomes_available(back).settle();
  EXPECT_EQ(world.image(front), "f:2");
  world.becomes_available(front).settle();
  EXPECT_EQ(outcome(world, 2), "Succeeded");
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(FailedUpgrade, OfARollbackHolds) {
  auto world = upgrading();
  world.misses_deadline(back).settle().misses_deadline(back).settle();
  EXPECT_EQ(outcome(world, 3), "Failed");
  EXPECT_EQ(world.condition("Ready"), "RollbackFailed");
  for (int hour = 0; hour < 5; ++hour) world.wait(1h).settle();
  EXPECT_EQ(world.names(Kind::controller_revision).size(), 3U);
  world.becomes_available(back).settle();
  EXPECT_EQ(outcome(world, 3), "Succeeded");
  EXPECT_EQ(world.condition("Ready"), "RolledBack");
}

TEST(Records, ThatLagBehindTheDeploymentsAreWaitedForAndThenTakenForDeleted) {
  auto world = upgrading();
  world.becomes_available(back).settle().becomes_available(front).settle();
  world.remove(Kind::controller_revision, "todo-rev-2").restart().count_anew();
  world.pass();
  EXPECT_EQ(world.requests(), Requests{}) << "a standby that takes over may see it a moment later";
  world.wait(10s).settle();
  EXPECT_EQ(world.names(Kind::controller_revision), (std::vector<std::string>{"todo-rev-1", "todo-rev-3"}));
  EXPECT_EQ(world.requests().changes, 0) << "the same content: no pod is touched";
}

TEST(FailedInstall, HoldsAndComesRight) {
  World world(version(1));
  world.settle().misses_deadline(back).settle();
  EXPECT_EQ(world.condition("Ready"), "InstallFailed");
  EXPECT_FALSE(world.exists(Kind::deployment, "todo-frontend"));
  EXPECT_EQ(world.names(Kind::controller_revision).size(), 1U);
  world.becomes_available(back).settle().becomes_available(front).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(FailedInstall, GivesWayToAnotherSpec) {
  World world(version(1));
  world.settle().misses_deadline(back).settle();
  world.edit([](auto& app) { set_version(app, 2); }).settle().becomes_available(back).settle();
  world.becomes_available(front).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  EXPECT_EQ(world.status()["activeRevision"], 2);
}

TEST(Migration, RunsOnceBeforeAnyPod) {
  World world(version(1).with_migration(1, 1));
  world.settle();
  EXPECT_TRUE(world.exists(Kind::job, "todo-migrate-1"));
  EXPECT_THAT(world.names(Kind::deployment), IsEmpty());
  EXPECT_EQ(world.status()["step"], "Migrating");
  world.migration_ends(1, "Complete").settle();
  EXPECT_EQ(world.mark(Kind::controller_revision, "todo-rev-1", mark::schema), "1");
  EXPECT_TRUE(world.exists(Kind::deployment, "todo-backend"));
  world.becomes_available(back).settle().becomes_available(front).settle();
  world.edit([](auto& app) { set_version(app, 2); }).settle();
  EXPECT_EQ(world.image(back), "b:2");
  EXPECT_THAT(world.names(Kind::job), ElementsAre("todo-migrate-1")) << "the schema is there";
}

TEST(Migration, ThatFailsTouchesNoPod) {
  for (const bool hold : {false, true}) {
    auto world = serving(version(1).with_migration(1, 1).on_failure(hold ? OnFailure::hold : OnFailure::rollback));
    world.edit([](auto& app) { set_version(app, 2), app.with_migration(2, 1); }).settle();
    world.migration_ends(2, "Failed").settle();
    EXPECT_EQ(world.condition("Ready"), "RolloutFailed");
    EXPECT_EQ(world.status()["failure"]["reason"], "MigrationFailed");
    EXPECT_EQ(world.status()["activeRevision"], 1);
    EXPECT_EQ(world.image(back), "b:1");
    EXPECT_EQ(world.image(front), "f:1");
    EXPECT_EQ(world.names(Kind::controller_revision).size(), 2U) << "there is nothing to roll back";
    world.wait(1h).restart().settle();
    EXPECT_EQ(world.image(back), "b:1");
    EXPECT_EQ(world.names(Kind::controller_revision).size(), 2U);
  }
}

TEST(Migration, ThatFailsAtTheFirstInstallMakesNoPod) {
  World world(version(1).with_migration(1, 1));
  world.settle().migration_ends(1, "Failed").settle();
  EXPECT_EQ(world.condition("Ready"), "InstallFailed");
  EXPECT_THAT(world.names(Kind::deployment), IsEmpty());
  world.wait(1h).restart().settle();
  EXPECT_THAT(world.names(Kind::deployment), IsEmpty());
}

TEST(Migration, ThatReachedASchemaTheOldCodeCannotReadHoldsTheUpgrade) {
  auto world = serving(version(1).with_migration(1, 1));
  world.edit([](auto& app) { set_version(app, 2), app.with_migration(2, 2); }).settle();
  world.migration_ends(2, "Complete").settle().misses_deadline(back).settle();
  EXPECT_EQ(world.condition("Ready"), "SchemaBarrier");
  EXPECT_EQ(world.condition("Stalled"), "SchemaBarrier");
  EXPECT_EQ(world.image(back), "b:2");
  EXPECT_EQ(world.names(Kind::controller_revision).size(), 2U);
}

TEST(RequestedRollback, GoesThereAndBackAgain) {
  auto world = upgrading();
  world.tiers_start_at_once().becomes_available(back).settle();
  EXPECT_EQ(world.status()["activeRevision"], 2);
  world.edit([](auto& app) { app.rolled_back_to(1); }).settle();
  EXPECT_EQ(world.image(back), "b:1");
  EXPECT_EQ(world.condition("Ready"), "RolledBackOnRequest");
  EXPECT_EQ(world.status()["revisions"][0]["rollbackOf"], 1);
  world.count_anew().edit([](auto& app) { set_version(app, 3); }).settle();
  EXPECT_EQ(world.requests().revisions, 0) << "the spec is noted, not rolled out";
  world.edit([](auto& app) { app.with_spec([](auto& spec) { spec.rollback_to.reset(); }); }).settle();
  EXPECT_EQ(world.image(back), "b:3");
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(RequestedRollback, ToWhatIsNotThereMovesNothing) {
  auto world = serving();
  world.edit([](auto& app) { app.rolled_back_to(7); }).settle();
  EXPECT_EQ(world.condition("Ready"), "RevisionNotFound");
  EXPECT_EQ(world.requests(), (Requests{.status_writes = 1}));
}

TEST(Refusal, IsToldOnceAndTriedAgainWithBackOff) {
  World world(version(1));
  world.refuse(Kind::service, "todo-frontend", base::ErrorCode::invalid, "port is in use").settle();
  EXPECT_EQ(world.condition("Ready"), "Rejected");
  EXPECT_EQ(world.status()["conditions"][0]["message"], "Service todo-frontend: port is in use");
  EXPECT_THAT(world.events(), ElementsAre("RolloutStarted", "Rejected"));
  const auto shown = world.requests().status_writes;
  auto last = test::noon;
  for (const auto wait : {5s, 10s, 20s, 40s, 80s, 160s, 300s, 300s}) {
    EXPECT_THAT(words_of(world.decide().actions),
                ElementsAre("look again at " + base::format_time(last + wait).substr(11)));
    world.wait(last + wait - world.now()).settle();
    last = world.now();
  }
  EXPECT_EQ(world.requests().status_writes, shown);
  EXPECT_THAT(world.events(), ElementsAre("RolloutStarted", "Rejected"));
  world.refuse_nothing().wait(300s).settle().becomes_available(back).settle().becomes_available(front).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(Refusal, EndsWithAnotherSpec) {
  World world(version(1));
  world.refuse(Kind::service, "todo-frontend", base::ErrorCode::invalid, "port is in use").settle().refuse_nothing();
  world.edit([](auto& app) { app.with_service_port(front, 8080); }).settle();
  EXPECT_EQ(world.condition("Ready"), "Progressing");
}

TEST(Refusal, HasTheReasonThatFits) {
  const std::vector<std::tuple<base::ErrorCode, std::string, std::string>> table{
      {base::ErrorCode::invalid, "spec.x: no", "Rejected"},
      {base::ErrorCode::forbidden, "cannot create", "Forbidden"},
      {base::ErrorCode::forbidden, "exceeded quota: q", "QuotaExceeded"},
      {base::ErrorCode::already_exists, "is somebody else's", "ForeignObject"},
  };
  for (const auto& [code, words, reason] : table) {
    World world(version(1));
    world.refuse(Kind::deployment, "todo-backend", code, words).settle();
    EXPECT_EQ(world.condition("Ready"), reason);
  }
}

TEST(Outage, OfWhatSucceededIsDegradedAndNoFailure) {
  auto world = serving(version(1).with_replicas(back, 2));
  world.loses_pods(back, 1).settle();
  EXPECT_EQ(world.condition("Ready"), "Degraded");
  EXPECT_EQ(world.condition("Available"), "MinimumReplicasAvailable");
  world.loses_pods(back, 0).settle();
  EXPECT_EQ(world.condition("Available"), "");
  world.misses_deadline(back).wait(2h).settle();
  EXPECT_EQ(world.requests().revisions + world.requests().outcomes, 0);
  world.becomes_available(back).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(SlowRollout, ThatMovesReadsNothingAndThatStandsHasItsPodsListed) {
  auto world = upgrading();
  EXPECT_EQ(world.requests().reads, 0);
  world.wait(3s).pass();
  EXPECT_THAT(world.done(), Contains("list pods"));
  world.becomes_available(back).settle().becomes_available(front).settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

/// A pod of the backend's newest template that crashes, with these last words.
kube::Pod crashing_pod(const World& world, const std::string& words) {
  kube::ContainerStatus container;
  container.name = "backend";
  container.restart_count = 5;
  container.state = kube::Waiting{"CrashLoopBackOff", ""};
  container.last_state = kube::Terminated{1, "Error", words, {}};
  kube::Pod pod;
  pod.name = "todo-backend-x";
  pod.phase = "Running";
  pod.labels = {{"apps.todoapp.dev/template", world.mark(Kind::deployment, "todo-backend", mark::template_)},
                {"app.kubernetes.io/component", "backend"}};
  pod.containers = {container};
  return pod;
}

TEST(Environment, ThatFailsOldPodsTooIsWaitedForAndItsWordsAreMasked) {
  World world(version(1).with_live_secret("URL", "db", "url"));
  world.with_user_secret("db", {{"url", "postgres://hidden"}}).settle().becomes_available(back).settle();
  world.becomes_available(front).settle();
  const auto old = crashing_pod(world, "cannot reach postgres://hidden");
  world.edit([](auto& app) { set_version(app, 2); }).settle();
  const auto fresh = crashing_pod(world, "cannot reach postgres://hidden");
  world.with_pods({fresh, old}).wait(3s).settle();
  EXPECT_EQ(outcome(world, 2), "");
  EXPECT_EQ(world.condition("Ready"), "EnvironmentFailing");
  EXPECT_THAT(world.status()["conditions"][0]["message"].get<std::string>(), HasSubstr("cannot reach "));
}

TEST(Evidence, HasSecretValuesMasked) {
  World world(version(1).with_live_secret("URL", "db", "url"));
  world.with_user_secret("db", {{"url", "postgres://hidden"}}).settle().becomes_available(back).settle();
  world.becomes_available(front).settle().edit([](auto& app) { set_version(app, 2); }).settle();
  world.with_pods({crashing_pod(world, "cannot reach postgres://hidden")}).wait(3s).settle();
  EXPECT_EQ(outcome(world, 2), "Failed");
  const auto evidence = world.mark(Kind::controller_revision, "todo-rev-2", mark::failure);
  EXPECT_THAT(evidence, HasSubstr("cannot reach "));
  EXPECT_THAT(evidence, Not(HasSubstr("postgres")));
}

}  // namespace
}  // namespace todoapp
