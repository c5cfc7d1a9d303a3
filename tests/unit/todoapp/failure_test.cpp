// What real pods say (the states of guide rows: crash loop in its three faces, OOM, pulls, configuration, scheduling,
// quota, admission), and what is made of it.
#include "todoapp/failure.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace todoapp {
namespace {

constexpr std::int32_t max_restarts = 2;
const base::WallTime born{std::chrono::seconds{1'700'000'000}};

const Judged the_new{.template_hash = "new", .good_template = "old", .max_restarts = max_restarts, .began = born};

kube::Pod a_pod(const std::string& template_hash = "new") {
  kube::Pod pod;
  pod.name = "todo-backend-1";
  pod.labels = {{"app.kubernetes.io/component", "backend"}, {"apps.todoapp.dev/template", template_hash}};
  pod.phase = "Running";
  pod.created = born;
  return pod;
}

kube::ContainerStatus a_container(kube::ContainerState state, kube::ContainerState last = {},
                                  std::int32_t restarts = 0) {
  kube::ContainerStatus container;
  container.name = "backend";
  container.state = std::move(state);
  container.last_state = std::move(last);
  container.restart_count = restarts;
  return container;
}

kube::Pod with(kube::ContainerStatus container, const std::string& template_hash = "new") {
  auto pod = a_pod(template_hash);
  pod.containers.push_back(std::move(container));
  return pod;
}

kube::Pod with_condition(std::string type, std::string reason) {
  auto pod = a_pod();
  pod.conditions.push_back({std::move(type), "False", std::move(reason), "0/1 nodes are available", {}, {}});
  return pod;
}

kube::DeploymentState refusing(std::string message) {
  kube::DeploymentState state;
  state.conditions.push_back({"ReplicaFailure", "True", "FailedCreate", std::move(message), born, {}});
  return state;
}

struct Row {
  const char* what;
  kube::Pod pod;
  std::optional<CauseClass> kind;
  std::string reason;
};

std::vector<Row> rows() {
  const kube::Terminated error{3, "Error", "panic: no database", {}};
  const kube::Terminated oom{137, "OOMKilled", "", {}};
  const kube::Terminated no_command{128, "StartError", "no such file", {}};
  const auto waits = [](const char* reason, const char* message) { return kube::Waiting{reason, message}; };
  auto evicted = a_pod();
  evicted.phase = "Failed";
  evicted.reason = "Evicted";
  auto leaving = with(a_container(error, error, 5));
  leaving.deleting = true;
  auto silenced = with(a_container(kube::Running{}));
  silenced.conditions = {{"Ready", "False", "", "", {}, {}}, {"ContainersReady", "True", "", "", {}, {}}};
  auto gated = silenced;
  gated.conditions.front().reason = "ReadinessGatesNotReady";
  auto untaken = a_pod();
  untaken.phase = "Pending";
  untaken.node = "away";
  untaken.conditions = {{"PodScheduled", "True", "", "", {}, {}}};
  auto bad_init = a_pod();
  bad_init.init_containers.push_back(a_container(waits("CrashLoopBackOff", "back-off"), error, 2));
  return {
      {"a running container", with(a_container(kube::Running{})), {}, ""},
      {"a container that restarted once", with(a_container(kube::Running{}, error, 1)), {}, ""},
      {"a crash loop, running", with(a_container(kube::Running{}, error, 2)), CauseClass::terminal, "CrashLoopBackOff"},
      {"a crash loop, ended", with(a_container(error, error, 2)), CauseClass::terminal, "CrashLoopBackOff"},
      {"a crash loop, waiting", with(a_container(waits("CrashLoopBackOff", "back-off"), error, 2)),
       CauseClass::terminal, "CrashLoopBackOff"},
      {"a crash loop of an init container", bad_init, CauseClass::terminal, "CrashLoopBackOff"},
      {"out of memory, waiting", with(a_container(waits("CrashLoopBackOff", "back-off"), oom, 2)), CauseClass::terminal,
       "OOMKilled"},
      {"a command that is not there", with(a_container(waits("RunContainerError", "x"), no_command, 2)),
       CauseClass::terminal, "StartError"},
      {"an image name that is none", with(a_container(waits("InvalidImageName", "x"))), CauseClass::terminal,
       "InvalidImageName"},
      {"an image that is not found", with(a_container(waits("ErrImagePull", "manifest unknown: not found"))),
       CauseClass::graced, "ImagePullBackOff"},
      {"an image that is refused, as the registry words it",
       with(a_container(waits("ErrImagePull", "failed with status code [manifests 1]: 401 Unauthorized"))),
       CauseClass::graced, "ImagePullBackOff"},
      {"a registry that is out of order",
       with(a_container(waits("ErrImagePull", "failed with status code [manifests 1]: 503 Service Unavailable"))),
       CauseClass::infrastructure, "ImagePullBackOff"},
      {"an image that is denied", with(a_container(waits("ImagePullBackOff", "pull access denied"))),
       CauseClass::graced, "ImagePullBackOff"},
      {"a registry that is away", with(a_container(waits("ErrImagePull", "dial tcp: connection refused"))),
       CauseClass::infrastructure, "ImagePullBackOff"},
      {"a Secret that is missing", with(a_container(waits("CreateContainerConfigError", "secret \"x\" not found"))),
       CauseClass::graced, "CreateContainerConfigError"},
      {"no room on any node", with_condition("PodScheduled", "Unschedulable"), CauseClass::infrastructure,
       "Unschedulable"},
      {"not ready yet", with_condition("Ready", "ContainersNotReady"), {}, ""},
      {"on a node that is lost", silenced, CauseClass::infrastructure, "NodeNotReady"},
      {"not ready by a readiness gate", gated, {}, ""},
      {"on a node that never answers", untaken, CauseClass::infrastructure, "NodeNotReady"},
      {"evicted", evicted, CauseClass::infrastructure, "Evicted"},
      {"being deleted", leaving, {}, ""},
  };
}

TEST(Failure, EachStateOfAPodIsOfItsClass) {
  for (const auto& row : rows()) {
    SCOPED_TRACE(row.what);
    const auto found = examine(row.pod, Tier::backend, max_restarts);
    ASSERT_EQ(found.has_value(), row.kind.has_value());
    if (!found) continue;
    EXPECT_EQ(found->kind, *row.kind);
    EXPECT_EQ(found->cause.reason, row.reason);
    EXPECT_EQ(found->cause.pod, row.pod.name);
  }
}

TEST(Failure, ACrashKeepsItsExitCodeItsRestartsAndItsLastWords) {
  const auto found =
      examine(with(a_container(kube::Running{}, kube::Terminated{3, "Error", "panic: no database", {}}, 4)),
              Tier::backend, max_restarts);
  ASSERT_TRUE(found);
  const Cause expected{.reason = "CrashLoopBackOff",
                       .tier = Tier::backend,
                       .pod = "todo-backend-1",
                       .container = "backend",
                       .exit_code = 3,
                       .restarts = 4,
                       .message = "panic: no database"};
  EXPECT_EQ(found->cause, expected);
}

TEST(Failure, PodsThatAdmissionRefusesFailAtOnceAndQuotaWaits) {
  const auto refused =
      examine(refusing("pods \"x\" is forbidden: violates PodSecurity \"restricted\""), Tier::backend, born);
  const auto quota = examine(refusing("pods \"x\" is forbidden: exceeded quota: small"), Tier::backend, born);
  ASSERT_TRUE(refused && quota);
  EXPECT_EQ(refused->kind, CauseClass::terminal);
  EXPECT_EQ(quota->kind, CauseClass::infrastructure);
  EXPECT_EQ(quota->cause.reason, "QuotaExceeded");
}

TEST(Failure, BothFacesOfAPullSayTheSame) {
  const auto message = [](const char* reason, const char* words) {
    return examine(with(a_container(kube::Waiting{reason, words})), Tier::backend, max_restarts)->cause.message;
  };
  EXPECT_EQ(message("ErrImagePull", "x: not found"),
            message("ImagePullBackOff", "Back-off pulling image \"x\": ErrImagePull: x: not found"));
}

TEST(Failure, OfAContainerThatWasKilledThereIsAHint) {
  const auto message = [](kube::Terminated end) {
    return examine(with(a_container(kube::Running{}, std::move(end), 2)), Tier::backend, max_restarts)->cause.message;
  };
  EXPECT_THAT(message({0, "Completed", "", {}}), ::testing::HasSubstr("liveness probe"));
  EXPECT_THAT(message({137, "Error", "", {}}), ::testing::HasSubstr("liveness probe"));
  EXPECT_EQ(message({137, "OOMKilled", "", {}}), "");
  EXPECT_EQ(message({0, "Completed", "bye", {}}), "bye");
}

TEST(Failure, APodThatDoesNotServeForNoKnownReasonIsNamed) {
  auto pod = with(a_container(kube::Running{}));
  pod.conditions.push_back(
      {"Ready", "False", "ContainersNotReady", "containers with unready status: [backend]", {}, {}});
  const auto running = diagnose({pod}, nullptr, the_new, born);
  ASSERT_TRUE(running.unready);
  EXPECT_EQ(running.unready->pod, "todo-backend-1");
  EXPECT_EQ(running.unready->message, "containers with unready status: [backend]");
  const auto creating = diagnose({with(a_container(kube::Waiting{"ContainerCreating", ""}))}, nullptr, the_new, born);
  ASSERT_TRUE(creating.unready);
  EXPECT_THAT(creating.unready->message, ::testing::HasSubstr("volume"));
}

TEST(Failure, AGraceThatHasNotRunOutIsStillTheBestThatIsKnown) {
  const auto soon = diagnose({with(a_container(kube::Waiting{"ErrImagePull", "not found"}))}, nullptr, the_new, born);
  ASSERT_TRUE(soon.unready);
  EXPECT_EQ(soon.unready->reason, "ImagePullBackOff");
}

TEST(Failure, APodBeginsWhenItIsMadeFindsANodeOrStartsForTheFirstTime) {
  const auto after = [](int seconds) { return born + std::chrono::seconds{seconds}; };
  auto pod = with(a_container(kube::Running{after(9)}));
  EXPECT_EQ(diagnose({pod}, nullptr, the_new, born).began, after(9));
  pod.containers.front().restart_count = 1;
  EXPECT_EQ(diagnose({pod}, nullptr, the_new, born).began, born) << "not when it starts again";
  pod.conditions.push_back({"PodScheduled", "True", "", "", after(5), {}});
  EXPECT_EQ(diagnose({pod}, nullptr, the_new, born).began, after(5));
}

TEST(Failure, AContainerThatEndedOnceIsWorthACloseLook) {
  const kube::Terminated error{1, "Error", "", born};
  EXPECT_TRUE(diagnose({with(a_container(error))}, nullptr, the_new, born).restarting);
  EXPECT_TRUE(diagnose({with(a_container(kube::Running{}, error, 1))}, nullptr, the_new, born).restarting);
  EXPECT_FALSE(diagnose({with(a_container(kube::Running{}))}, nullptr, the_new, born).restarting);
}

TEST(Failure, OfAMigrationIsToldByItsNewestPod) {
  const Cause cause{.reason = migration_failed, .tier = Tier::backend, .pod = "todo-migrate-2", .message = "its words"};
  EXPECT_EQ(told_by_pods(cause, {}), cause);
  auto first = with(a_container(kube::Terminated{1, "Error", "first", {}}));
  first.labels.emplace_back("batch.kubernetes.io/job-name", "todo-migrate-2");
  auto second = with(a_container(kube::Terminated{9, "Error", "no such table", {}}));
  second.labels = first.labels;
  second.name = "todo-migrate-2-x";
  second.created = born + std::chrono::seconds{1};
  const Cause told{.reason = migration_failed,
                   .tier = Tier::backend,
                   .pod = "todo-migrate-2-x",
                   .container = "backend",
                   .exit_code = 9,
                   .message = "no such table"};
  EXPECT_EQ(told_by_pods(cause, {second, first, with(a_container(kube::Terminated{3, "Error", "another's", {}}))}),
            told);
}

TEST(Failure, AGraceRunsFromThePodsBirth) {
  const std::vector<kube::Pod> pods{with(a_container(kube::Waiting{"ErrImagePull", "not found"}))};
  const auto soon = diagnose(pods, nullptr, the_new, born + std::chrono::seconds{59});
  EXPECT_FALSE(soon.fails);
  EXPECT_EQ(soon.until, born + failure_grace);
  const auto late = diagnose(pods, nullptr, the_new, born + failure_grace);
  ASSERT_TRUE(late.fails);
  EXPECT_EQ(late.fails->reason, "ImagePullBackOff");
}

TEST(Failure, WhatPodsOfTheLastGoodRevisionSufferTooIsTheEnvironments) {
  const auto crash = a_container(kube::Running{}, kube::Terminated{1, "Error", "no database", {}}, 3);
  const auto diagnosis = diagnose({with(crash, "new"), with(crash, "old")}, nullptr, the_new, born);
  EXPECT_FALSE(diagnosis.fails);
  EXPECT_TRUE(diagnosis.environment);
  ASSERT_TRUE(diagnosis.waits_for);
  EXPECT_EQ(diagnosis.waits_for->reason, "CrashLoopBackOff");
}

TEST(Failure, PodsThatWaitBesideEachOtherForTheirNextStartStillSpeakForTheEnvironment) {
  const kube::Terminated before{1, "Error", "no database", born - std::chrono::seconds{100}};
  const auto waits = a_container(kube::Waiting{"CrashLoopBackOff", "back-off 5m0s"}, before, 3);
  const auto both = diagnose({with(waits, "new"), with(waits, "old")}, nullptr, the_new, born);
  EXPECT_TRUE(both.environment);
  EXPECT_FALSE(both.fails);
  const auto alone = diagnose({with(waits, "new")}, nullptr, the_new, born);
  EXPECT_FALSE(alone.fails) << "its next start decides";
  EXPECT_FALSE(alone.waits_for);
}

TEST(Failure, AGoodPodThatServesIsNoSignOfTheEnvironmentWhateverItWentThrough) {
  const auto crash = a_container(kube::Running{}, kube::Terminated{1, "Error", "no database", {}}, 3);
  auto old = with(crash, "old");
  old.conditions.push_back({"Ready", "True", "", "", {}, {}});
  EXPECT_TRUE(diagnose({with(crash, "new"), old}, nullptr, the_new, born).fails);
}

TEST(Failure, PodsOfAnOvertakenRevisionDoNotSpeakForTheEnvironment) {
  const auto crash = a_container(kube::Running{}, kube::Terminated{1, "Error", "no database", {}}, 3);
  EXPECT_TRUE(diagnose({with(crash, "new"), with(crash, "overtaken")}, nullptr, the_new, born).fails);
}

TEST(Failure, PodsOfTheOtherTierSayNothingAboutThisOne) {
  const auto crash = a_container(kube::Running{}, kube::Terminated{1, "Error", "", {}}, 3);
  auto other = the_new;
  other.tier = Tier::frontend;
  EXPECT_EQ(diagnose({with(crash)}, nullptr, other, born), Diagnosis{});
}

TEST(Failure, PodsOfAnEarlierAttemptSayNothingAboutThisOne) {
  const auto crash = a_container(kube::Running{}, kube::Terminated{1, "Error", "", {}}, 3);
  auto retry = the_new;
  retry.attempt = "7";
  EXPECT_EQ(diagnose({with(crash)}, nullptr, retry, born), Diagnosis{});
  auto pod = with(crash);
  pod.labels.emplace_back("apps.todoapp.dev/attempt", "7");
  EXPECT_TRUE(diagnose({pod}, nullptr, retry, born).fails);
}

TEST(Failure, WhatEndedBeforeTheRolloutBeganDoesNotCount) {
  const auto crashed_at = [](base::WallTime at) {
    return std::vector{with(a_container(kube::Running{}, kube::Terminated{1, "Error", "", at}, 3))};
  };
  EXPECT_FALSE(diagnose(crashed_at(born - std::chrono::seconds{1}), nullptr, the_new, born).fails);
  EXPECT_TRUE(diagnose(crashed_at(born), nullptr, the_new, born).fails);
}

}  // namespace
}  // namespace todoapp
