#include "kubectl/pod_view.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kube/model/decode.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;
using std::chrono_literals::operator""s;

Json a_pod(const Json& status) {
  return {{"metadata",
           {{"name", "todo-backend-x"},
            {"namespace", "shop"},
            {"uid", "p"},
            {"resourceVersion", "1"},
            {"creationTimestamp", "2026-01-31T12:00:00Z"},
            {"labels", {{"app.kubernetes.io/component", "backend"}, {"apps.todoapp.dev/template", "abc"}}}}},
          {"spec", {{"nodeName", "node-1"}, {"containers", {{{"name", "backend"}}}}}},
          {"status", status}};
}

PodView read_pod(const Json& pod) {
  const auto object = kube::decode_object(pod.dump(), kube::resources::pods(), pod_pruning());
  const auto view = object ? pod_of(*object) : base::Result<PodView>(base::Failure(object.error()));
  if (!view) throw std::runtime_error(base::to_string(view.error()));
  return *view;
}

Json container(bool ready, int restarts, const Json& state) {
  return {
      {"containerStatuses", {{{"name", "backend"}, {"ready", ready}, {"restartCount", restarts}, {"state", state}}}},
      {"phase", "Running"}};
}

TEST(PodView, HoldsWhatTheTreeShows) {
  const auto pod = read_pod(a_pod(container(true, 2, {{"running", Json::object()}})));
  EXPECT_EQ(pod.component, "backend");
  EXPECT_EQ(pod.state, "Running");
  EXPECT_TRUE(pod.is_ready());
  EXPECT_EQ(pod.restarts, 2);
  EXPECT_EQ(pod.template_hash, "abc");
  EXPECT_EQ(pod.node, "node-1");
  EXPECT_EQ(base::format_time(pod.created), "2026-01-31T12:00:00Z");
}

TEST(PodView, SaysWhyAPodDoesNotRun) {
  const auto waiting = read_pod(
      a_pod(container(false, 4, {{"waiting", {{"reason", "CrashLoopBackOff"}, {"message", "back-off 40s"}}}})));
  EXPECT_EQ(waiting.state, "CrashLoopBackOff");
  EXPECT_EQ(waiting.message, "back-off 40s");
  EXPECT_EQ(read_pod(a_pod(container(false, 0, {{"terminated", {{"exitCode", 3}, {"reason", "Error"}}}}))).state,
            "Error");
  const Json unscheduled{
      {"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}, {"message", "no node"}};
  EXPECT_EQ(read_pod(a_pod({{"phase", "Pending"}, {"conditions", Json::array({unscheduled})}})).state, "Unschedulable");
  EXPECT_EQ(read_pod(a_pod({{"phase", "Failed"}, {"reason", "Evicted"}})).state, "Evicted");
  const Json failed_init{{"name", "i"}, {"state", {{"waiting", {{"reason", "ImagePullBackOff"}}}}}};
  EXPECT_EQ(read_pod(a_pod({{"phase", "Pending"}, {"initContainerStatuses", Json::array({failed_init})}})).state,
            "Init:ImagePullBackOff");
  auto going = a_pod(container(true, 0, {{"running", Json::object()}}));
  going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:09Z";
  EXPECT_EQ(read_pod(going).state, "Terminating");
}

TEST(PodView, OfAPodThatNobodyHasSeenIsPending) {
  const auto pod = read_pod(a_pod(Json::object()));
  EXPECT_EQ(pod.state, "Pending");
  EXPECT_FALSE(pod.is_ready());
}

TEST(Templates, AreOfTheNewestRevisionThatHasThem) {
  std::map<std::string, std::int64_t> revisions;
  for (const auto& [name, templates] : {std::pair{"todo-rev-3", "f1,b2"}, {"todo-rev-1", "f1,b1"}, {"other", "x,y"}}) {
    const Json record{
        {"metadata",
         {{"name", name},
          {"namespace", "shop"},
          {"uid", name},
          {"resourceVersion", "1"},
          {"annotations", {{"apps.todoapp.dev/content", "c"}, {"apps.todoapp.dev/templates", templates}}}}}};
    const auto object = kube::decode_object(record.dump(), kube::resources::controller_revisions(), pod_pruning());
    ASSERT_TRUE(object) << base::to_string(object.error());
    note_templates(revisions, *object);
  }
  EXPECT_EQ(revisions, (std::map<std::string, std::int64_t>{{"f1", 3}, {"b1", 1}, {"b2", 3}}));
}

TEST(Age, IsShort) {
  const base::WallTime then{};
  EXPECT_EQ(age_words(then, then - 5s), "0s");
  EXPECT_EQ(age_words(then, then + 119s), "119s");
  EXPECT_EQ(age_words(then, then + 120s), "2m");
  EXPECT_EQ(age_words(then, then + 7200s), "2h");
  EXPECT_EQ(age_words(then, then + 200'000s), "2d");
}

}  // namespace
}  // namespace kubectl
