#include "kubectl/asks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/model/decode.hpp"
#include "kubectl/forecast.hpp"
#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::patched;
using test::revision;
using test::rolled_back;
using test::upgraded;
using test::view;
using testing::HasSubstr;

const base::WallTime now{std::chrono::milliseconds{1'769'860'810'123}};

template <class T>
std::string refusal(const base::Result<T>& result) {
  return result ? "no refusal" : base::to_string(result.error());
}

AppView with_history(int active, const Json& revisions) {
  auto app = upgraded();
  app["status"]["activeRevision"] = app["status"]["targetRevision"] = active;
  app["status"]["revisions"] = revisions;
  return view(app);
}

TEST(PreviousGood, IsTheNewestBeforeThatSucceededWithAnotherContent) {
  const auto good = [](int number, int of = 0) { return revision(number, "Succeeded", "c", of); };
  const auto failed = [](int number) { return revision(number, "Failed", "c"); };
  const auto open = [](int number) { return revision(number, "", "c"); };
  EXPECT_EQ(previous_good(with_history(2, {good(2), good(1)})), 1);
  EXPECT_EQ(previous_good(with_history(3, {good(3), failed(2), good(1)})), 1);
  EXPECT_EQ(previous_good(with_history(3, {open(3), good(2), good(1)})), 2) << "out of a rollout that hangs";
  EXPECT_EQ(previous_good(with_history(4, {good(4, 2), good(3), good(2), good(1)})), 3);
  EXPECT_EQ(previous_good(with_history(5, {good(5, 4), good(4, 2), good(2), good(1)})), 1) << "a chain of rollbacks";
}

TEST(PreviousGood, GoesByContentsWhereTheyAreKnown) {
  const auto app = [](const std::vector<std::pair<int, const char*>>& contents) {
    auto revisions = Json::array();
    for (const auto& [number, content] : contents) revisions.push_back(revision(number, "Succeeded", "c"));
    auto result = with_history(contents.front().first, revisions);
    for (auto& each : result.revisions) {
      for (const auto& [number, content] : contents) each.content = each.number == number ? content : each.content;
    }
    return result;
  };
  EXPECT_EQ(previous_good(app({{4, "a"}, {3, "a"}, {2, "b"}, {1, "a"}})), 2);
  EXPECT_THAT(refusal(previous_good(app({{3, "a"}, {1, "a"}}))),
              HasSubstr("no revision before 3 succeeded with another content"));
  const auto known = app({{3, "a"}, {2, "b"}, {1, "a"}});
  EXPECT_EQ(ask_rollback(known, 1)->said,
            "is pinned to revision 1, whose content serves already (revision 3): nothing will be rolled out");
  EXPECT_EQ(ask_rollback(known, 3)->said, "is pinned to revision 3, which serves: nothing will be rolled out");
  EXPECT_EQ(ask_rollback(known, 2)->said, "is asked to roll back to revision 2");
  auto rolling = known;
  rolling.target = 4;
  EXPECT_EQ(ask_rollback(rolling, 1)->said, "is asked to roll back to revision 1") << "a rollout is under way";
}

TEST(Content, IsReadFromTheRecord) {
  auto app = view(upgraded());
  for (const auto* name : {"todo-rev-1", "other"}) {
    const Json record{{"metadata",
                       {{"name", name},
                        {"namespace", "shop"},
                        {"uid", name},
                        {"resourceVersion", "1"},
                        {"annotations", {{"apps.todoapp.dev/content", "3170"}}}}}};
    const auto object = kube::decode_object(record.dump(), kube::resources::controller_revisions(), record_pruning());
    ASSERT_TRUE(object) << base::to_string(object.error());
    note_content(app, *object);
  }
  EXPECT_EQ(app.find(1)->content, "3170");
  EXPECT_EQ(app.find(2)->content, "");
}

TEST(PreviousGood, IsRefusedWhereThereIsNone) {
  EXPECT_THAT(refusal(previous_good(view(rolled_back()))),
              HasSubstr("no revision before 3 succeeded with another content"));
  EXPECT_THAT(refusal(previous_good(view(patched(upgraded(), {{"status", nullptr}})))), HasSubstr("no revision yet"));
}

TEST(Rollback, GoesToThePreviousGoodRevisionOrToTheOneThatIsNamed) {
  const auto asked = ask_rollback(view(upgraded()), 0);
  ASSERT_TRUE(asked) << refusal(asked);
  EXPECT_EQ(*asked, (Ask{R"({"spec":{"rollback":{"toRevision":1}}})", "is asked to roll back to revision 1", 0}));
  EXPECT_EQ(ask_rollback(view(upgraded()), 2)->patch, R"({"spec":{"rollback":{"toRevision":2}}})");
}

TEST(Rollback, SaysWhatMayComeAsASurprise) {
  EXPECT_THAT(ask_rollback(view(rolled_back()), 2)->said, HasSubstr("which failed before (CrashLoopBackOff)"));
  EXPECT_THAT(ask_rollback(view(patched(upgraded(), {{"spec", {{"suspend", true}}}})), 1)->said,
              HasSubstr("it is paused"));
}

TEST(Rollback, IsRefusedWithTheReasonOfTheStatus) {
  auto app = upgraded();
  app["status"]["revisions"][1]["restorable"] = false;
  app["status"]["revisions"][1]["notRestorableReason"] = "the database is at schema 2";
  for (const auto number : {0, 1}) {
    EXPECT_EQ(
        refusal(ask_rollback(view(app), number)),
        "roll back shop/todo: revision 1 cannot be restored: the database is at schema 2; kubectl todoapp history "
        "todo -n shop shows which can");
  }
  EXPECT_EQ(refusal(ask_rollback(view(app), 7)),
            "roll back shop/todo: revision 7 is not in the history; there are 2, 1");
}

TEST(Rollback, OnceMoreNeedsANumber) {
  const auto pinned = view(patched(upgraded(), {{"spec", {{"rollback", {{"toRevision", 1}}}}}}));
  EXPECT_THAT(refusal(ask_rollback(pinned, 0)), HasSubstr("it is pinned to revision 1 already"));
  EXPECT_TRUE(ask_rollback(pinned, 2));
}

TEST(Undo, TakesThePinAwayWhereThereIsOne) {
  const auto pinned = view(patched(upgraded(), {{"spec", {{"rollback", {{"toRevision", 1}}}}}}));
  EXPECT_EQ(ask_undo(pinned)->patch, R"({"spec":{"rollback":null}})");
  EXPECT_THAT(refusal(ask_undo(view(upgraded()))), HasSubstr("it is not pinned"));
}

TEST(Retry, IsForWhatFailed) {
  const auto asked = ask_retry(view(rolled_back()), now);
  ASSERT_TRUE(asked) << refusal(asked);
  EXPECT_EQ(asked->patch, R"({"metadata":{"annotations":{"apps.todoapp.dev/retry":"1769860810123"}}})");
  EXPECT_EQ(asked->after, 3) << "the attempt is a revision of its own";
  EXPECT_THAT(refusal(ask_retry(view(upgraded()), now)),
              HasSubstr("no failed rollout waits for another try (it is Succeeded)"));
  for (const char* reason : {"InstallFailed", "RolloutFailed", "RollbackFailed"}) {
    auto app = rolled_back();
    app["status"]["conditions"][0]["reason"] = reason;
    EXPECT_TRUE(ask_retry(view(app), now)) << reason;
  }
}

TEST(Retry, IsForWhatFailedAndCannotGoBackNorForWhatWasOnlyRefused) {
  auto stuck = rolled_back();
  stuck["status"]["conditions"][0]["reason"] = "SchemaBarrier";
  stuck["status"]["failure"]["revision"] = 3;
  EXPECT_TRUE(ask_retry(view(stuck), now));
  auto refused = stuck;
  refused["status"]["failure"]["revision"] = 2;
  EXPECT_FALSE(ask_retry(view(refused), now)) << "the latest did not fail: it is the spec that is refused";
  auto pinned = stuck;
  pinned["spec"]["rollback"]["toRevision"] = 1;
  EXPECT_FALSE(ask_retry(view(pinned), now)) << "it was asked for, and is to be taken back";
}

TEST(Approve, IsForThePlanThatIsShown) {
  const Json plan{{"hash", "6dc6"}, {"changes", {{{"path", "backend.image"}}, {{"path", "secrets.K"}}}}};
  const auto asked = ask_approve(view(patched(upgraded(), {{"status", {{"plan", plan}}}})));
  ASSERT_TRUE(asked) << refusal(asked);
  EXPECT_EQ(*asked, (Ask{R"({"metadata":{"annotations":{"apps.todoapp.dev/approve":"6dc6"}}})",
                         "has the approval for plan 6dc6: backend.image, secrets.K", 0}));
  EXPECT_THAT(refusal(ask_approve(view(upgraded()))), HasSubstr("no plan waits for approval (it is Succeeded)"));
}

TEST(Restart, IsATokenAndNothingForAPausedApp) {
  EXPECT_EQ(ask_restart(view(upgraded()), now)->patch,
            R"({"metadata":{"annotations":{"apps.todoapp.dev/restart":"1769860810123"}}})");
  EXPECT_THAT(refusal(ask_restart(view(patched(upgraded(), {{"spec", {{"suspend", true}}}})), now)),
              HasSubstr("resume todo -n shop first"));
}

TEST(Pause, IsWrittenOnlyWhereItChangesSomething) {
  const auto paused = view(patched(upgraded(), {{"spec", {{"suspend", true}}}}));
  EXPECT_EQ(ask_pause(view(upgraded()), true)->patch, R"({"spec":{"suspend":true}})");
  EXPECT_EQ(ask_pause(paused, false)->patch, R"({"spec":{"suspend":false}})");
  EXPECT_EQ(*ask_pause(paused, true), (Ask{"", "was paused already", 0}));
  EXPECT_EQ(*ask_pause(view(upgraded()), false), (Ask{"", "was not paused", 0}));
}

}  // namespace
}  // namespace kubectl
