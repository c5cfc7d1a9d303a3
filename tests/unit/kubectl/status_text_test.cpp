#include "kubectl/status_text.hpp"

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
using testing::Not;

constexpr Style bare{.colour = false, .unicode = false};

TEST(StatusTree, OfAReadyAppIsShort) {
  EXPECT_EQ(status_tree(view(upgraded()), {.colour = false, .unicode = true}, false),
            "todo: Succeeded (namespace shop)\n"
            "│  Revision 2 serves\n"
            "├─ revision 2: active, last good; Succeeded; backend image 1.0.0 to 2.0.0\n"
            "├─ frontend  ██████████  2/2 ready, 2 updated  localhost/todo-backend:2.0.0\n"
            "└─ backend   ██████████  2/2 ready, 2 updated  localhost/todo-backend:2.0.0\n");
}

TEST(StatusTree, OfARolloutShowsBothRevisionsAndTheStep) {
  const auto app = patched(upgraded(), {{"status",
                                         {{"step", "RollingBackend 1/2"},
                                          {"activeRevision", 1},
                                          {"lastGoodRevision", 1},
                                          {"backend", {{"readyReplicas", 1}, {"updatedReplicas", 1}}}}}});
  const auto text = status_tree(view(app), bare, false);
  EXPECT_THAT(text, HasSubstr("|- step: RollingBackend 1/2\n"));
  EXPECT_THAT(text, HasSubstr("|- revision 2: target; Succeeded"));
  EXPECT_THAT(text, HasSubstr("|- revision 1: active, last good; Succeeded; first install\n"));
  EXPECT_THAT(text, HasSubstr("`- backend   #####-----  1/2 ready, 1 updated"));
}

TEST(StatusTree, OfAFailureNamesThePodAndTheCommandThatExplains) {
  const auto text = status_tree(view(test::rolled_back()), bare, false);
  EXPECT_THAT(text, HasSubstr("|- revision 2 failed: CrashLoopBackOff; pod todo-backend-x, exit code 3\n"
                              "|  why, and what to do: kubectl todoapp explain todo -n shop\n"));
  const auto well = patched(upgraded(), {{"status", {{"failure", test::rolled_back()["status"]["failure"]}}}});
  EXPECT_THAT(status_tree(view(well), bare, false), Not(HasSubstr("failed"))) << "what is over is not shown as news";
}

TEST(StatusTree, OfAnOldFailureSaysThatItIsOld) {
  auto waiting = test::rolled_back();
  waiting["status"]["conditions"][0] = test::ready_condition("False", "AwaitingApproval", "A plan waits");
  EXPECT_THAT(status_tree(view(waiting), bare, false), HasSubstr("|- earlier, revision 2 failed: CrashLoopBackOff"));
}

TEST(StatusTree, OnTheWayBackShowsTheFailureAsWhatItIsAbout) {
  auto returning = test::rolled_back();
  returning["status"]["conditions"][0] = test::ready_condition("False", "Progressing", "Revision 3: rollback");
  returning["status"]["targetRevision"] = 3;
  EXPECT_THAT(status_tree(view(returning), bare, false), HasSubstr("|- revision 2 failed: CrashLoopBackOff"));
}

TEST(StatusTree, ShowsWhatTheUserAskedFor) {
  const Json plan{{"hash", "6dc6"},
                  {"changes", {{{"path", "backend.image"}, {"from", "a"}, {"to", "b"}}, {{"path", "secrets.K"}}}}};
  const auto app = view(patched(
      upgraded(), {{"spec", {{"suspend", true}, {"rollback", {{"toRevision", 2}}}}}, {"status", {{"plan", plan}}}}));
  const auto text = status_tree(app, bare, false);
  EXPECT_THAT(text, HasSubstr("paused; to go on: kubectl todoapp resume todo -n shop\n"));
  EXPECT_THAT(
      text,
      HasSubstr("pinned to revision 2; to follow the spec again: kubectl todoapp rollback todo -n shop --undo\n"));
  EXPECT_THAT(text, HasSubstr("plan 6dc6 waits for approval: kubectl todoapp approve todo -n shop\n"
                              "|  backend.image\n|  secrets.K\n"));
  EXPECT_THAT(status_tree(app, bare, true), HasSubstr("|  backend.image: a -> b\n|  secrets.K\n"));
}

TEST(StatusTree, SaysWhenNobodyHasLooked) {
  EXPECT_THAT(status_tree(view(patched(upgraded(), {{"status", nullptr}})), bare, false),
              HasSubstr("todo: Unknown (namespace shop)\n`- no operator has looked at it yet"));
  EXPECT_THAT(status_tree(view(patched(upgraded(), {{"metadata", {{"generation", 4}}}})), bare, false),
              HasSubstr("the spec was changed, and no operator has looked at it since"));
}

TEST(StatusTree, IsColouredOnlyWhereThatIsWanted) {
  EXPECT_THAT(status_tree(view(upgraded()), bare, false), Not(HasSubstr("\033")));
  EXPECT_THAT(status_tree(view(upgraded()), {.colour = true, .unicode = true}, false),
              HasSubstr("\033[32mSucceeded\033[0m"));
  auto hostile = upgraded();
  hostile["status"]["conditions"][0]["message"] = "\033[2Jgone";
  EXPECT_THAT(status_tree(view(hostile), bare, false), HasSubstr("?[2Jgone"));
}

PodsView two_pods() {
  PodsView pods;
  pods.now = base::WallTime{std::chrono::minutes{10}};
  const auto pod = [&](const char* name, const char* state, bool ready) {
    PodView made;
    made.name = name;
    made.component = "backend";
    made.state = state;
    made.containers = 1;
    made.ready = ready ? 1 : 0;
    made.template_hash = "t";
    pods.pods.push_back(made);
  };
  pod("todo-backend-a", "Running", true);
  pod("todo-backend-b", "CrashLoopBackOff", false);
  pods.pods.back().restarts = 1;
  pods.pods.back().message = "back-off\n40s";
  pods.revisions["t"] = 2;
  return pods;
}

TEST(StatusTree, ShowsPodsBelowTheirTierThoseInTroubleFirst) {
  const auto pods = two_pods();
  const auto text = status_tree(view(upgraded()), {.colour = false, .unicode = true}, false, &pods);
  EXPECT_THAT(text,
              HasSubstr("└─ backend   ██████████  2/2 ready, 2 updated  localhost/todo-backend:2.0.0\n"
                        "   ├─ todo-backend-b  CrashLoopBackOff  0/1 ready  1 restart   revision 2  10m  back-off 40s\n"
                        "   └─ todo-backend-a  Running           1/1 ready  0 restarts  revision 2  10m\n"));
  EXPECT_THAT(status_tree(view(upgraded()), bare, true, &pods),
              HasSubstr("   `- todo-backend-a  Running           1/1 ready  0 restarts  revision 2  10m  no node\n"));
}

TEST(StatusTree, ShowsSomeOfManyPodsAndSaysSo) {
  auto pods = two_pods();
  for (int at = 0; at < 20; ++at) {
    pods.pods.push_back(pods.pods.front());
    pods.pods.back().name = "todo-backend-c" + std::to_string(at);
  }
  const auto text = status_tree(view(upgraded()), bare, false, &pods);
  EXPECT_THAT(text, HasSubstr("|- todo-backend-b    CrashLoopBackOff"));
  EXPECT_THAT(text, HasSubstr("`- and 12 more; -o wide shows all\n"));
  EXPECT_THAT(status_tree(view(upgraded()), bare, true, &pods), Not(HasSubstr(" more;")));
}

TEST(StatusTree, ShowsTheMigrationAndItsRevision) {
  auto pods = two_pods();
  pods.pods.front().name = "todo-migrate-12-x";
  pods.pods.front().component = "migration";
  pods.pods.front().template_hash = "";
  EXPECT_THAT(status_tree(view(upgraded()), bare, false, &pods),
              HasSubstr("`- migration\n   `- todo-migrate-12-x  Running  1/1 ready  0 restarts  revision 12  10m\n"));
}

TEST(StatusTree, SaysWherePodsMayNotBeListed) {
  PodsView pods;
  pods.allowed = false;
  EXPECT_THAT(status_tree(view(upgraded()), bare, false, &pods),
              HasSubstr("`- pods are not shown: you may not list them\n"));
}

TEST(StatusTable, HasALineForEachApp) {
  const auto rolling = patched(
      upgraded(), {{"metadata", {{"name", "other"}}}, {"status", {{"activeRevision", 1}, {"step", "Migrating"}}}});
  const std::vector apps{view(upgraded()), view(rolling)};
  EXPECT_EQ(status_table(apps, bare, false, false),
            "NAME   READY  REASON     REVISION  FRONTEND  BACKEND\n"
            "todo   True   Succeeded  2         2/2       2/2\n"
            "other  True   Succeeded  1 to 2    2/2       2/2\n");
  const auto wide = status_table(apps, bare, true, true);
  EXPECT_THAT(wide, HasSubstr("NAMESPACE  NAME "));
  EXPECT_THAT(wide, HasSubstr("Migrating  Revision 2 serves\n"));
}

TEST(StatusLine, HoldsWhatChangesInARollout) {
  EXPECT_EQ(status_line(view(patched(upgraded(), {{"status", {{"step", "Migrating"}}}}))),
            "Succeeded  revision 2  Migrating  frontend 2/2  backend 2/2");
}

}  // namespace
}  // namespace kubectl
