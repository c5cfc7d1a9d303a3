// The statuses are those of a real kubelet (1.36 with containerd), times and ids shortened.
#include "kube/model/pod.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace kube {
namespace {

std::string pod_with(const std::string& status) {
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"77","continue":"more"},"items":[
    {"metadata":{"name":"todo-5c8-x","namespace":"shop","uid":"u-1","creationTimestamp":"2026-01-31T12:00:00Z",
      "deletionTimestamp":"2026-01-31T12:01:00Z","labels":{"apps.todoapp.dev/template":"ab12","pod-template-hash":"5c8"}},
     "spec":{"nodeName":"node-1","containers":[{"name":"main"}]},"status":)" +
         status + "}]}";
}

Pod read(const std::string& status) {
  const auto page = decode_pods(pod_with(status));
  EXPECT_TRUE(page) << to_string(page.error());
  return page ? page->pods.at(0) : Pod{};
}

TEST(Pod, ReadsWhoItIs) {
  const auto page = decode_pods(pod_with(R"({"phase":"Running"})"));
  ASSERT_TRUE(page) << to_string(page.error());
  EXPECT_EQ(page->continue_token, "more");
  Pod expected;
  expected.name = "todo-5c8-x";
  expected.namespace_ = "shop";
  expected.uid = "u-1";
  expected.labels = {{"apps.todoapp.dev/template", "ab12"}, {"pod-template-hash", "5c8"}};
  expected.phase = "Running";
  expected.deleting = true;
  expected.created = base::parse_time("2026-01-31T12:00:00Z").value();
  expected.node = "node-1";
  EXPECT_EQ(page->pods, std::vector<Pod>{expected});
}

TEST(Pod, ReadsACrashLoop) {
  const Pod pod = read(R"({"phase": "Running", "conditions": [
    {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [main]"},
    {"type": "PodScheduled", "status": "True"}],
   "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff",
    "message": "back-off 10s restarting failed container=main pod=crash"}}, "lastState": {"terminated": {"exitCode": 3,
    "reason": "Error", "containerID": "containerd://...", "finishedAt":"2026-01-31T12:00:03Z"}}, "ready": false,
    "restartCount": 1, "image": "localhost/probe:1", "containerID": "containerd://...", "started": false}]})");
  ContainerStatus expected;
  expected.name = "main";
  expected.image = "localhost/probe:1";
  expected.restart_count = 1;
  expected.state = Waiting{"CrashLoopBackOff", "back-off 10s restarting failed container=main pod=crash"};
  expected.last_state = Terminated{3, "Error", "", base::parse_time("2026-01-31T12:00:03Z").value()};
  EXPECT_EQ(pod.containers, std::vector<ContainerStatus>{expected});
  ASSERT_NE(find(pod.conditions, "Ready"), nullptr);
  EXPECT_EQ(find(pod.conditions, "Ready")->message, "containers with unready status: [main]");
  EXPECT_EQ(find(pod.conditions, "Initialized"), nullptr);
}

TEST(Pod, ReadsARunningContainer) {
  const Pod pod = read(R"({"phase": "Running", "containerStatuses": [
    {"name": "main", "state": {"running": {"startedAt":"2026-01-31T12:00:02Z"}}, "lastState": {}, "ready": true,
     "restartCount": 0, "image": "localhost/probe:1", "containerID": "containerd://...", "started": true}]})");
  ASSERT_EQ(pod.containers.size(), 1U);
  EXPECT_EQ(pod.containers[0].state, ContainerState(Running{base::parse_time("2026-01-31T12:00:02Z").value()}));
  EXPECT_EQ(pod.containers[0].last_state, ContainerState());
  EXPECT_TRUE(pod.containers[0].ready);
  EXPECT_TRUE(pod.containers[0].started);
}

TEST(Pod, ReadsACommandThatIsNotThere) {
  const Pod pod = read(R"({"phase": "Running", "containerStatuses": [
    {"name": "main", "state": {"waiting": {"reason": "RunContainerError", "message": "exec: \"/no/such\": unknown"}},
     "lastState": {"terminated": {"exitCode": 128, "reason": "StartError", "message": "exec: \"/no/such\": unknown"}},
     "ready": false, "restartCount": 0, "image": "localhost/probe:1", "started": false}]})");
  ASSERT_EQ(pod.containers.size(), 1U);
  EXPECT_EQ(pod.containers[0].state, ContainerState(Waiting{"RunContainerError", "exec: \"/no/such\": unknown"}));
  EXPECT_EQ(pod.containers[0].last_state,
            ContainerState(Terminated{128, "StartError", "exec: \"/no/such\": unknown", std::nullopt}));
}

TEST(Pod, ReadsAnInitContainerThatFails) {
  const Pod pod = read(R"({"phase": "Pending", "initContainerStatuses": [
    {"name": "init", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
     "lastState": {"terminated": {"exitCode": 4, "reason": "Error"}}, "ready": false, "restartCount": 1,
     "image": "localhost/probe:1", "started": false}],
   "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}, "lastState": {},
     "ready": false, "restartCount": 0, "image": "localhost/probe:1", "started": false}]})");
  ASSERT_EQ(pod.init_containers.size(), 1U);
  EXPECT_EQ(pod.init_containers[0].last_state, ContainerState(Terminated{4, "Error", "", std::nullopt}));
  ASSERT_EQ(pod.containers.size(), 1U);
  EXPECT_EQ(pod.containers[0].state, ContainerState(Waiting{"PodInitializing", ""}));
}

TEST(Pod, ReadsOneThatNoNodeHas) {
  const auto page = decode_pods(R"({"metadata":{},"items":[{"metadata":{"name":"p","uid":"u"},"spec":{},"status":
    {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
     "message": "0/1 nodes are available: 1 Insufficient cpu."}]}}]})");
  ASSERT_TRUE(page) << to_string(page.error());
  EXPECT_EQ(page->continue_token, "");
  EXPECT_EQ(page->pods[0].node, "");
  EXPECT_EQ(find(page->pods[0].conditions, "PodScheduled")->reason, "Unschedulable");
}

TEST(Pod, ReadsOneThatWasEvicted) {
  const Pod pod = read(R"({"phase": "Failed", "reason": "Evicted",
    "message": "Usage of EmptyDir volume \"tmp\" exceeds the limit \"5Mi\". "})");
  EXPECT_EQ(pod.phase, "Failed");
  EXPECT_EQ(pod.reason, "Evicted");
  EXPECT_EQ(pod.message, "Usage of EmptyDir volume \"tmp\" exceeds the limit \"5Mi\". ");
}

TEST(Pod, ReadsAnEmptyList) {
  for (const char* text : {R"({"items":[]})", R"({"items":null})"}) {
    const auto page = decode_pods(text);
    ASSERT_TRUE(page) << text;
    EXPECT_EQ(*page, PodPage{});
  }
}

TEST(Pod, RefusesWhatIsNoList) {
  struct Row {
    std::string text;
    const char* says;
  };
  const Row rows[] = {
      {"{}", "items is missing"},
      {R"({"items":[{}]})", "metadata.name is missing"},
      {R"({"items":[{"metadata":{"name":"p"}}]})", "metadata.uid is missing"},
      {pod_with(R"({"phase":7})"), "status.phase is not a string"},
      {pod_with(R"({"containerStatuses":{}})"), "containerStatuses is not an array"},
      {pod_with(R"({"containerStatuses":[{"restartCount":"many"}]})"),
       "containerStatuses[].restartCount is not an integer"},
      {pod_with(R"({"containerStatuses":[{"state":[]}]})"), "containerStatuses[].state is not an object"},
      {pod_with("{}").substr(0, 100), "not JSON"},
  };
  for (const auto& row : rows) {
    const auto page = decode_pods(row.text);
    ASSERT_FALSE(page) << row.says;
    EXPECT_EQ(page.error().act, "decode a list of Pod");
    EXPECT_THAT(page.error().detail, testing::HasSubstr(row.says));
  }
}

}  // namespace
}  // namespace kube
