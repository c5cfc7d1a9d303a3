#include "todoapp/ending.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/observations.hpp"
#include "todoapp/names.hpp"
#include "todoapp/reconcile.hpp"

namespace todoapp {
namespace {

using test::a_record;
using test::an_app;
using test::noon;
using test::observing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::Pair;
using ::testing::VariantWith;

const Cause crash{.reason = "CrashLoopBackOff", .message = "exit code 1"};

App version(int number) { return an_app().with_backend_image("localhost/todo-backend:" + std::to_string(number)); }

/// Version 2 is asked for and recorded, after version 1 served; no Deployment is there.
test::ObservationBuilder upgrading() {
  auto seen = observing(version(2));
  seen.with(a_record(version(1), 1).succeeded()).with(a_record(version(2), 2));
  return seen;
}

TEST(Ending, SaysOnTheRecordHowItWent) {
  const auto built = upgrading();
  const History history(built.get());
  const auto& revision = *history.latest();
  EXPECT_THAT(success_of(revision).marks, Contains(Pair(std::string(mark::outcome), "Succeeded")));
  const auto failure = failure_of(revision, crash, noon);
  EXPECT_THAT(failure.marks, Contains(Pair(std::string(mark::outcome), "Failed")));
  EXPECT_THAT(failure.marks, Contains(Pair(std::string(mark::reason), "CrashLoopBackOff")));
  EXPECT_EQ(failure.note, "Revision 2 failed: CrashLoopBackOff: exit code 1");
}

TEST(Ending, IsToldAfterItIsRecorded) {
  const auto built = upgrading();
  const History history(built.get());
  const auto ending = failure_of(*history.latest(), crash, noon);
  EXPECT_THAT(record_ending(*history.latest(), ending),
              ElementsAre(VariantWith<RecordOutcome>(RecordOutcome{history.latest()->name, history.latest()->uid,
                                                                   ending.marks, history.latest()->version}),
                          VariantWith<EmitEvent>(EmitEvent{true, "RolloutFailed", "Rollout", ending.note})));
}

TEST(Ending, WhoseAnswerWasLostIsSentAgainAndNothingElseIsDone) {
  const auto built = upgrading();
  auto seen = built.get();
  const History history(seen);
  const auto ending = failure_of(*history.latest(), crash, noon);
  EXPECT_THAT(reconcile(seen).actions, Contains(VariantWith<Apply>(::testing::_)));
  seen.memory.ending = ending;
  const auto plan = reconcile(seen);
  auto expected = record_ending(*history.latest(), ending);
  expected.emplace_back(RequeueAt{seen.now});
  EXPECT_EQ(plan.actions, expected);
  EXPECT_EQ(plan.memory.ending, ending);
}

TEST(Ending, IsForgottenWhenTheRecordIsAnotherByNow) {
  for (const auto* member : {"uid", "version"}) {
    const auto built = upgrading();
    auto seen = built.get();
    const History history(seen);
    auto ending = failure_of(*history.latest(), crash, noon);
    (member == std::string("uid") ? ending.uid : ending.version) = "another";
    seen.memory.ending = ending;
    const auto plan = reconcile(seen);
    EXPECT_EQ(plan.memory.ending, std::nullopt) << member;
    EXPECT_THAT(plan.actions, Not(Contains(VariantWith<RecordOutcome>(::testing::_)))) << member;
    EXPECT_THAT(plan.actions, Contains(VariantWith<Apply>(::testing::_))) << member;
  }
}

}  // namespace
}  // namespace todoapp
