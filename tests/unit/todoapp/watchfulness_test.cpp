#include "todoapp/watchfulness.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/observations.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using namespace std::chrono_literals;
using test::a_record;
using test::an_app;
using test::noon;
using test::observing;

const Step rolls{Rolling{{Tier::backend}}};
const Step too_late{Broken{Cause{.reason = "ProgressDeadlineExceeded", .tier = Tier::backend}}};

/// A first install whose backend has one pod that is not available yet.
struct Given {
  Step step{rolls};
  base::WallTime now{noon};
  std::string progress{"1 +1/1/1/0/0"};  ///< as remembered; the Deployment's counts make just this
  std::optional<PodsSeen> pods{};
  std::int32_t looks{0};
  std::optional<base::WallTime> waited{};
  bool waiting{false};
  bool environment{false};
};

Watchfulness watch(const Given& given) {
  const App app = an_app();
  const auto content = want(app, {}).content;
  auto seen = observing(app);
  seen.at(given.now).with(a_record(app, 1));
  seen.with_deployment(Tier::backend, content, {{"observedGeneration", 1}, {"replicas", 1}, {"updatedReplicas", 1}});
  seen.remembering([&](Memory& memory) {
    memory.progress = given.progress;
    memory.progress_since = noon;
    memory.pods = given.pods;
    memory.pod_looks = given.looks;
    memory.waited = given.waited;
    memory.waiting = given.waiting;
    memory.environment = given.environment;
  });
  const History history(seen);
  return watch_pods({seen, history, *history.latest(), content}, given.step);
}

/// The backend's one pod, of the template that is rolled out, its container in `state`.
PodsSeen a_pod(base::WallTime at, kube::ContainerState state, std::int32_t restarts = 0) {
  kube::Pod pod;
  pod.name = "todo-backend-1";
  const auto content = want(an_app(), {}).content;
  pod.labels = {{"app.kubernetes.io/component", "backend"}, {marked(mark::template_), content.backend.template_hash}};
  pod.created = noon;
  kube::ContainerStatus container;
  container.name = "backend";
  container.restart_count = restarts;
  container.last_state = kube::Terminated{3, "Error", "panic", {}};
  container.state = std::move(state);
  pod.containers.push_back(std::move(container));
  return {at, {pod}};
}

TEST(Watchfulness, ARolloutThatMovesReadsNothing) {
  const auto moved = watch({.now = noon + 60s, .progress = "1 +1/0/0/0/0", .looks = 4});
  EXPECT_FALSE(moved.look);
  EXPECT_EQ(moved.progress_since, noon + 60s);
  EXPECT_EQ(moved.pod_looks, 0);
  EXPECT_EQ(moved.step, rolls);
}

TEST(Watchfulness, OneThatStandsStillIsLookedAtAfterThreeSecondsThenLessAndLessOften) {
  const auto look_after = [](std::int32_t looks) { return *watch({.now = noon, .looks = looks}).look_again - noon; };
  EXPECT_EQ(look_after(0), 3s);
  EXPECT_EQ(look_after(1), 9s);
  EXPECT_EQ(look_after(2), 21s);
  EXPECT_EQ(look_after(5) - look_after(4), 30s);
  EXPECT_FALSE(watch({.now = noon + 2999ms}).look);
  const auto due = watch({.now = noon + 3s});
  EXPECT_TRUE(due.look);
  EXPECT_EQ(due.pod_looks, 1);
}

TEST(Watchfulness, ACauseThatNoTimeMendsBreaksTheRollout) {
  const auto judged = watch({.now = noon + 4s, .pods = a_pod(noon + 3s, kube::Running{}, 2), .looks = 1});
  const auto* broken = std::get_if<Broken>(&judged.step);
  ASSERT_NE(broken, nullptr);
  EXPECT_EQ(broken->cause.reason, "CrashLoopBackOff");
  EXPECT_EQ(broken->cause.exit_code, 3);
}

TEST(Watchfulness, PodsThatWereReadBeforeItLastMovedSayNothing) {
  EXPECT_EQ(watch({.now = noon + 1s, .pods = a_pod(noon - 1s, kube::Running{}, 2)}).step, rolls);
}

TEST(Watchfulness, AGraceIsWaitedFor) {
  const kube::Waiting refused{"ErrImagePull", "not found"};
  const auto soon = watch({.now = noon + 4s, .pods = a_pod(noon + 3s, refused), .looks = 1});
  EXPECT_EQ(soon.step, rolls);
  const auto late = watch({.now = noon + failure_grace, .pods = a_pod(noon + 59s, refused), .looks = 6});
  EXPECT_TRUE(std::holds_alternative<Broken>(late.step));
}

TEST(Watchfulness, TheProgressDeadlineIsJudgedOnlyWithThePodsSeen) {
  EXPECT_TRUE(watch({.step = too_late}).look);
  const auto unknown =
      watch({.step = too_late, .now = noon + 700s, .pods = a_pod(noon + 699s, kube::Running{}), .looks = 26});
  EXPECT_FALSE(unknown.look);
  const auto* broken = std::get_if<Broken>(&unknown.step);
  ASSERT_NE(broken, nullptr);
  EXPECT_EQ(broken->cause.reason, "ProgressDeadlineExceeded");
  EXPECT_EQ(broken->cause.pod, "todo-backend-1") << "a pod that does not serve tells more than the Deployment";
}

TEST(Watchfulness, PodsOfWhichOneHasEndedAreLookedAtCloselyForAWhile) {
  const kube::Terminated ended{3, "Error", "panic", {}};
  const auto next = [&](std::int32_t looks) {
    return *watch({.now = noon + 10s, .pods = a_pod(noon + 9s, ended), .looks = looks}).look_again;
  };
  EXPECT_EQ(next(2), noon + 12s) << "not at 21 s";
  EXPECT_GT(next(13), noon + 60s);
}

TEST(Watchfulness, TheDeadlineCountsFromTheEndOfWhatWasNobodysFault) {
  const auto late = noon + 700s;
  auto pods = a_pod(late - 1s, kube::Running{late - 5s});
  const auto starts = watch({.step = too_late, .now = late, .pods = pods, .looks = 26});
  EXPECT_EQ(starts.step, rolls) << "it could start five seconds ago";
  EXPECT_LE(*starts.look_again, late + 595s);
  pods.pods.front().containers.front().state = kube::Running{noon + 5s};
  EXPECT_TRUE(std::holds_alternative<Broken>(watch({.step = too_late, .now = late, .pods = pods, .looks = 26}).step));
  Given waited{.step = too_late, .now = late, .pods = pods, .looks = 26};
  waited.waited = late - 10s;
  EXPECT_EQ(watch(waited).step, rolls) << "a quota was lifted ten seconds ago";
}

TEST(Watchfulness, ACrashBeforeTheTroubleWasOverDoesNotCount) {
  Given given{.now = noon + 60s, .pods = a_pod(noon + 59s, kube::Waiting{"CrashLoopBackOff", ""}, 2), .looks = 6};
  given.pods->pods.front().containers.front().last_state = kube::Terminated{3, "Error", "panic", noon + 40s};
  given.waited = noon + 50s;
  EXPECT_EQ(watch(given).step, rolls);
  given.waited = noon + 30s;
  EXPECT_TRUE(std::holds_alternative<Broken>(watch(given).step));
}

TEST(Watchfulness, ADeadlineIsNotJudgedByPodsSeenBeforeIt) {
  const auto late = noon + 700s;
  EXPECT_TRUE(watch({.step = too_late, .now = late, .pods = a_pod(noon + 590s, kube::Running{}), .looks = 26}).look);
  EXPECT_FALSE(watch({.step = too_late, .now = late, .pods = a_pod(noon + 690s, kube::Running{}), .looks = 26}).look);
}

TEST(Watchfulness, AStepThatNeedsNoPodsForgetsTheEnvironment) {
  Given given{.step = Soaking{noon, noon + 10s}, .now = noon + 1s};
  given.waiting = given.environment = true;
  EXPECT_FALSE(watch(given).environment);
  EXPECT_FALSE(watch(given).waiting);
}

TEST(Watchfulness, TheEndOfATroubleIsThePassThatDoesNotSeeItAnyMore) {
  const auto late = noon + 700s;
  Given given{.step = too_late, .now = late, .pods = a_pod(late - 1s, kube::Running{noon + 5s}), .looks = 26};
  given.waited = noon + 60s;
  EXPECT_TRUE(std::holds_alternative<Broken>(watch(given).step)) << "it ended long ago";
  given.waiting = true;
  const auto judged = watch(given);
  EXPECT_EQ(judged.step, rolls);
  EXPECT_EQ(judged.waited, late);
  EXPECT_FALSE(judged.waiting);
}

TEST(Watchfulness, ATimeOutSaysWhatItWaitedFor) {
  const Step over{Broken{Cause{.reason = timed_out, .message = "too long"}}};
  const kube::Waiting unreachable{"ImagePullBackOff", "dial tcp: connection refused"};
  const auto judged = watch({.step = over, .now = noon + 5s, .pods = a_pod(noon + 3s, unreachable), .looks = 1});
  const auto& cause = std::get<Broken>(judged.step).cause;
  EXPECT_EQ(cause.reason, timed_out);
  EXPECT_EQ(cause.pod, "todo-backend-1");
  EXPECT_THAT(cause.message, ::testing::HasSubstr("connection refused"));
  EXPECT_FALSE(watch({.step = over, .now = noon + 5s}).look) << "it is over: nothing more is read";
}

TEST(Watchfulness, WhatOnlyTheInfrastructureCanMendOutlastsTheProgressDeadline) {
  const kube::Waiting unreachable{"ImagePullBackOff", "dial tcp: connection refused"};
  const auto waits = watch({.step = too_late, .now = noon + 1s, .pods = a_pod(noon, unreachable)});
  EXPECT_EQ(waits.step, rolls);
  ASSERT_TRUE(waits.waits_for);
  EXPECT_EQ(waits.waits_for->reason, "ImagePullBackOff");
  EXPECT_FALSE(waits.environment);
}

TEST(Watchfulness, AStepThatWaitsForNoPodReadsNothing) {
  EXPECT_FALSE(watch({.step = Soaking{noon, noon + 10s}, .now = noon + 60s}).look);
  EXPECT_FALSE(watch({.step = Migrating{"todo-migrate-1"}, .now = noon + 60s}).look);
}

}  // namespace
}  // namespace todoapp
