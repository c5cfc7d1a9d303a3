#include "operator/controller_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/operator/shell_rig.hpp"

namespace shell {
namespace {

using test::app_text;
using test::ObjectText;
using test::suspended_app_text;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::string status_of(const std::string& app) {
  return fmt::format("PATCH {}/status?fieldManager=todoapp-operator",
                     test::path_of("/apis/apps.todoapp.dev/v1alpha1", "todoappdeployments", app));
}
const std::string read_of_todo_db = "GET " + test::path_of("/api/v1", "secrets", "todo-db");

class ControllerLoopTest : public testing::Test {
 protected:
  void make(std::size_t max_concurrent = 8) {
    controller.emplace(loop, transport, ControllerOptions{{}, max_concurrent}, metrics, recorder,
                       [this] { return may_write; });
  }
  /// Leads, with these apps in a cluster that has nothing else.
  void lead_with(const std::vector<std::string>& apps, std::size_t max_concurrent = 8) {
    make(max_concurrent);
    controller->lead();
    transport.fill(test::apps_path, apps);
    transport.fill_the_rest();
    kube::run_ready(loop);
  }
  [[nodiscard]] bool until_requests(std::size_t count) {
    return kube::run_until(loop, [this, count] { return transport.requests.size() >= count; });
  }
  std::string metric(const std::string& name) {
    const auto text = metrics.render();
    const auto at = text.find("\n" + name);
    return at == std::string::npos ? "absent" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  }

  boost::asio::io_context loop;
  test::WatchedTransport transport{loop};
  kube::ScriptedTransport event_transport{loop};
  Metrics metrics{{}};
  bool may_write{true};
  kube::EventRecorder recorder{loop, event_transport, {.reporting_instance = "pod"}, [] { return true; }};
  std::optional<ControllerLoop> controller;
};

// --- Before anything is written.

TEST_F(ControllerLoopTest, NothingIsWrittenBeforeAllCachesAreFilled) {
  make();
  controller->lead();
  transport.fill(test::apps_path, {suspended_app_text("todo")});
  transport.fill_the_rest(test::secrets_path);
  kube::run_ready(loop);
  EXPECT_FALSE(controller->synced());
  EXPECT_THAT(transport.requests, IsEmpty());
  transport.fill(test::secrets_path, {});
  EXPECT_TRUE(controller->synced());
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo")));
}

TEST_F(ControllerLoopTest, AStandbyFollowsAllAndWritesNothing) {
  make();
  controller->start();
  transport.fill(test::apps_path, {suspended_app_text("todo")});
  transport.fill_the_rest();
  transport.tell(test::apps_path, {{"MODIFIED", suspended_app_text("todo").version(101)}});
  kube::run_ready(loop);
  EXPECT_TRUE(controller->synced());
  EXPECT_THAT(transport.requests, IsEmpty());
}

TEST_F(ControllerLoopTest, ANewLeaderBeginsWithAllAppsThereAre) {
  lead_with({suspended_app_text("a"), suspended_app_text("b")});
  EXPECT_THAT(transport.lines(), testing::UnorderedElementsAre(status_of("a"), status_of("b")));
}

TEST_F(ControllerLoopTest, AStandbyThatTakesOverReadsAllAnewBeforeItWrites) {
  make();
  controller->start();
  transport.fill(test::apps_path, {suspended_app_text("seen"), suspended_app_text("gone")});
  transport.fill_the_rest();
  const auto watches = transport.watches.size();
  controller->lead();
  EXPECT_EQ(transport.watches.size(), 2 * watches);
  EXPECT_EQ(transport.open_watches(), watches);
  transport.fill(test::apps_path, {suspended_app_text("seen"), suspended_app_text("missed")});
  transport.fill_the_rest(test::secrets_path);
  kube::run_ready(loop);
  EXPECT_FALSE(controller->synced());
  EXPECT_THAT(transport.requests, IsEmpty());
  transport.fill(test::secrets_path, {});
  kube::run_ready(loop);
  EXPECT_THAT(transport.lines(), testing::UnorderedElementsAre(status_of("seen"), status_of("missed")));
  EXPECT_EQ(metric(R"(todoapp_watch_restarts_total{kind="Secret"})"),
            R"(todoapp_watch_restarts_total{kind="Secret"} 0)")
      << "asked for, so no trouble";
}

TEST_F(ControllerLoopTest, WithoutTheLeaseNothingIsWrittenAndNothingForgotten) {
  may_write = false;
  lead_with({suspended_app_text("todo")});
  EXPECT_THAT(transport.requests, IsEmpty());
  may_write = true;
  ASSERT_TRUE(until_requests(1)) << "the pass that the fence stopped is tried again";
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo")));
}

// --- Which passes run when.

TEST_F(ControllerLoopTest, AnAppThatIsSettledCostsNothing) {
  transport.will_answer(200, ObjectText("todo").version(101));
  lead_with({suspended_app_text("todo")});
  EXPECT_THAT(transport.requests, SizeIs(1));
  transport.tell(test::apps_path, {{"MODIFIED", suspended_app_text("todo").version(101)}});
  kube::run_ready(loop);
  EXPECT_THAT(transport.requests, SizeIs(1)) << "our own write, seen by the watch";
}

TEST_F(ControllerLoopTest, OfOneAppOnePassRunsAtATime) {
  lead_with({suspended_app_text("todo")});
  transport.tell(test::secrets_path, {{"ADDED", ObjectText("todo-db").version(101)}});
  transport.tell(test::apps_path, {{"MODIFIED", app_text("todo", test::live_secret_spec).generation(2).version(102)}});
  kube::run_ready(loop);
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo"))) << "the first pass waits for its answer";
  transport.finish_all(200, ObjectText("todo").version(103).generation(2));
  kube::run_ready(loop);
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo"), read_of_todo_db));
}

TEST_F(ControllerLoopTest, NoMoreAppsThanAllowedAreWorkedOnSideBySide) {
  lead_with({suspended_app_text("a"), suspended_app_text("b"), suspended_app_text("c")}, 2);
  EXPECT_THAT(transport.requests, SizeIs(2));
  EXPECT_EQ(metric("controller_runtime_active_workers"), "controller_runtime_active_workers{controller=\"todoapp\"} 2");
  transport.finish_all(503, "busy");
  kube::run_ready(loop);
  EXPECT_THAT(transport.lines(), testing::UnorderedElementsAre(status_of("a"), status_of("b"), status_of("c")));
}

TEST_F(ControllerLoopTest, AFailedPassIsTriedAgain) {
  make();
  controller->lead();
  transport.will_fail();
  transport.fill(test::apps_path, {app_text("todo", test::live_secret_spec)});
  transport.fill(test::secrets_path, {ObjectText("todo-db")});
  transport.fill_the_rest();
  ASSERT_TRUE(until_requests(2));
  EXPECT_THAT(transport.lines(), ElementsAre(read_of_todo_db, read_of_todo_db));
}

TEST_F(ControllerLoopTest, ASecretsChangeWakesTheAppThatNamesIt) {
  transport.will_answer(200, ObjectText("todo").version(101));
  lead_with({app_text("todo", test::live_secret_spec)});
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo"))) << "that the Secret is missing";
  EXPECT_THAT(transport.requests[0].body, HasSubstr("SecretNotFound"));
  transport.tell(test::secrets_path, {{"ADDED", ObjectText("unasked").version(102)}});
  kube::run_ready(loop);
  EXPECT_THAT(transport.requests, SizeIs(1));
  transport.tell(test::secrets_path, {{"ADDED", ObjectText("todo-db").version(103)}});
  kube::run_ready(loop);
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo"), read_of_todo_db));
}

TEST_F(ControllerLoopTest, AChildsChangeWakesTheAppThatOwnsIt) {
  transport.will_answer(200, ObjectText("todo").version(101));
  lead_with({suspended_app_text("todo")});
  const auto reconciles = [this] {
    return metric("controller_runtime_reconcile_total{controller=\"todoapp\",result=\"success\"}");
  };
  const auto before = reconciles();
  transport.tell(test::deployments_path, {{"ADDED", ObjectText("x").owned_by("uid-of-nobody").version(102)}});
  EXPECT_EQ(reconciles(), before);
  transport.tell(test::deployments_path, {{"ADDED", ObjectText("y").owned_by("uid-of-todo").version(103)}});
  EXPECT_NE(reconciles(), before);
}

TEST_F(ControllerLoopTest, AStrangerThatLeavesLetsTheAppGoOn) {
  make();
  controller->lead();
  transport.fill(test::apps_path, {app_text("todo"), app_text("other")});
  transport.fill(test::deployments_path, {ObjectText("todo-backend"), ObjectText("other-backend")});
  transport.will_answer(200, ObjectText("todo").version(101));
  transport.will_answer(200, ObjectText("other").version(102));
  transport.fill_the_rest();
  kube::run_ready(loop);
  EXPECT_THAT(transport.lines(), testing::UnorderedElementsAre(status_of("todo"), status_of("other")));
  EXPECT_THAT(transport.requests[0].body, HasSubstr("ForeignObject"));
  transport.tell(test::deployments_path, {{"DELETED", ObjectText("todo-backend").version(103)}});
  kube::run_ready(loop);
  ASSERT_THAT(transport.requests, SizeIs(3));
  EXPECT_THAT(transport.lines()[2], StartsWith("POST /apis/apps/v1/namespaces/shop/controllerrevisions?"));
}

// --- Apps that come and go.

TEST_F(ControllerLoopTest, AnAppThatVanishedIsForgotten) {
  transport.will_answer(200, ObjectText("todo").version(101));
  lead_with({app_text("todo", test::live_secret_spec)});
  EXPECT_THAT(metric("todoapp_apps"), HasSubstr("SecretNotFound"));
  transport.tell(test::apps_path, {{"DELETED", app_text("todo").version(102)}});
  transport.tell(test::secrets_path, {{"ADDED", ObjectText("todo-db").version(103)}});
  kube::run_ready(loop);
  EXPECT_THAT(transport.requests, SizeIs(1));
  EXPECT_THAT(metric("todoapp_apps"), AnyOf("absent", HasSubstr("} 0")));
}

TEST_F(ControllerLoopTest, AnotherAppOfTheSameNameInheritsNoMemory) {
  transport.will_answer(200, ObjectText("todo").version(101));
  lead_with({suspended_app_text("todo")});
  // With the memory of the first one the second's status would be held back for a second.
  transport.tell(test::apps_path, {{"DELETED", suspended_app_text("todo").version(102)},
                                   {"ADDED", suspended_app_text("todo").uid("another").version(103)}});
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo"), status_of("todo")));
  EXPECT_THAT(transport.requests[1].body, HasSubstr(R"("value":"another")"));
}

TEST_F(ControllerLoopTest, AnAppThatWasReplacedDuringItsPassInheritsNoMemory) {
  lead_with({suspended_app_text("todo")});
  transport.tell(test::apps_path, {{"DELETED", suspended_app_text("todo").version(102)},
                                   {"ADDED", suspended_app_text("todo").uid("another").version(103)}});
  EXPECT_THAT(transport.requests, SizeIs(1));
  transport.finish_all(200, ObjectText("todo").version(101));
  EXPECT_THAT(transport.lines(), ElementsAre(status_of("todo"), status_of("todo")));
  EXPECT_THAT(transport.requests[1].body, HasSubstr(R"("value":"another")"));
}

TEST_F(ControllerLoopTest, AnAppThatIsBeingDeletedIsLeftAlone) {
  lead_with({app_text("todo").deleting()});
  EXPECT_THAT(transport.requests, IsEmpty());
}

// --- The end.

TEST_F(ControllerLoopTest, StoppingWaitsForThePassesUnderWayAndBeginsNoMore) {
  lead_with({suspended_app_text("a"), suspended_app_text("b")}, 1);
  bool idle = false;
  controller->stop([&] { idle = true; });
  EXPECT_EQ(transport.open_watches(), 0U);
  kube::run_ready(loop);
  EXPECT_FALSE(idle);
  transport.finish_all(200, ObjectText("a").version(101));
  kube::run_ready(loop);
  EXPECT_TRUE(idle);
  EXPECT_THAT(transport.requests, SizeIs(1));
}

TEST_F(ControllerLoopTest, StoppingWithNothingUnderWayIsDoneAtOnce) {
  lead_with({});
  bool idle = false;
  controller->stop([&] { idle = true; });
  EXPECT_TRUE(idle);
}

TEST_F(ControllerLoopTest, QuietIsToldWhenEveryAppHadItsPass) {
  make();
  std::vector<std::size_t> quiet_after;  // so many requests
  controller->on_quiet([&] { quiet_after.push_back(transport.requests.size()); });
  controller->start();
  transport.fill_the_rest();
  EXPECT_THAT(quiet_after, IsEmpty()) << "it does not lead yet";
  controller->lead();
  transport.fill(test::apps_path, {app_text("a").deleting(), suspended_app_text("b"), app_text("c").deleting()});
  transport.fill_the_rest();
  kube::run_ready(loop);
  EXPECT_THAT(quiet_after, IsEmpty()) << "the status of b is under way";
  transport.finish_all(200, ObjectText("b").version(101));
  ASSERT_FALSE(quiet_after.empty());
  EXPECT_EQ(quiet_after.front(), 1U);
}

TEST_F(ControllerLoopTest, AClusterWithoutAppsIsQuietAtOnce) {
  make();
  bool quiet = false;
  controller->on_quiet([&] { quiet = true; });
  controller->lead();
  transport.fill_the_rest(test::secrets_path);
  EXPECT_FALSE(quiet);
  transport.fill(test::secrets_path, {});
  EXPECT_TRUE(quiet);
}

TEST_F(ControllerLoopTest, APassThatFailedIsNotQuietBeforeItWasTriedAgain) {
  make();
  std::vector<std::size_t> quiet_after;
  controller->on_quiet([&] { quiet_after.push_back(transport.requests.size()); });
  controller->lead();
  transport.will_fail();
  transport.will_answer(200, ObjectText("todo").version(101));
  transport.fill(test::apps_path, {suspended_app_text("todo")});
  transport.fill_the_rest();
  ASSERT_TRUE(kube::run_until(loop, [&] { return !quiet_after.empty(); }));
  EXPECT_EQ(quiet_after.front(), 2U);
}

// --- What is told of it.

TEST_F(ControllerLoopTest, TheQueueIsCountedAsItIsUsed) {
  lead_with({suspended_app_text("a"), suspended_app_text("b")}, 1);
  constexpr auto adds = R"(workqueue_adds_total{controller="todoapp",name="todoapp"} 2)";
  EXPECT_EQ(metric("workqueue_adds_total"), adds);
  EXPECT_EQ(metric("workqueue_depth"), R"(workqueue_depth{controller="todoapp",name="todoapp"} 1)");
  EXPECT_EQ(metric("workqueue_adds_total"), adds) << "each is told once";
}

TEST_F(ControllerLoopTest, TroubleIsToldAsAnEventAboutTheApp) {
  transport.will_answer(200, ObjectText("todo").version(101));
  lead_with({app_text("todo", test::live_secret_spec)});
  ASSERT_THAT(event_transport.lines(), ElementsAre(StartsWith("POST /apis/events.k8s.io/v1/namespaces/shop/events")));
  EXPECT_THAT(event_transport.requests[0].body, HasSubstr(R"("uid":"uid-of-todo")"));
  EXPECT_THAT(event_transport.requests[0].body, HasSubstr("SecretNotFound"));
}

}  // namespace
}  // namespace shell
