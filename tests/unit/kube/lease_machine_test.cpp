#include "kube/lease_machine.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/kube/lease_support.hpp"

namespace kube {
namespace {

using namespace lease_test;

TEST(LeaseMachine, GivenNoLeaseMakesItAndLeads) {
  auto machine = make_machine();
  EXPECT_EQ(machine.tick(at(1)), (Expected{ReadLease{}}));
  EXPECT_EQ(machine.read(failed(ErrorCode::not_found), at(1.1)),
            (Expected{CreateLease{write_lease(lease({.holder = "me", .acquired = 1.1, .renewed = 1.1}))}}));
  EXPECT_FALSE(machine.is_leader());
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .acquired = 1.1, .renewed = 1.1, .version = 1}), at(1.5)),
            (Expected{ObservedLeader{"me"}, BecameLeader{}, wait(3.5)}));
  EXPECT_TRUE(machine.is_leader());
}

TEST(LeaseMachine, TheFirstWriteIsWhatAnApiServerTakes) {
  auto machine = make_machine();
  (void)machine.tick(at(0));
  EXPECT_EQ(machine.read(failed(ErrorCode::not_found), at(0)),
            (Expected{CreateLease{R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",)"
                                  R"("metadata":{"name":"op","namespace":"sys"},)"
                                  R"("spec":{"acquireTime":"2026-01-31T00:00:00.000000Z","holderIdentity":"me",)"
                                  R"("leaseDurationSeconds":15,"leaseTransitions":0,)"
                                  R"("renewTime":"2026-01-31T00:00:00.000000Z"}})"}}));
}

TEST(LeaseMachine, RenewsByTheVersionItGotAndKeepsTheTimeItAcquired) {
  auto machine = make_leader();
  EXPECT_EQ(machine.tick(at(2)),
            (Expected{UpdateLease{write_lease(lease({.holder = "me", .renewed = 2, .version = 1}))}, wait(10)}));
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .renewed = 2, .version = 2}), at(2.5)), (Expected{wait(4.5)}));
  EXPECT_EQ(machine.tick(at(4.5)),
            (Expected{UpdateLease{write_lease(lease({.holder = "me", .renewed = 4.5, .version = 2}))}, wait(12)}));
}

TEST(LeaseMachine, StandsByWhileAnotherHoldsIt) {
  auto machine = make_machine();
  (void)machine.tick(at(0));
  EXPECT_EQ(machine.read(lease({.holder = "you", .version = 7}), at(0, 0.0)),
            (Expected{ObservedLeader{"you"}, wait(2)}));
  EXPECT_EQ(machine.tick(at(1)), (Expected{wait(2)})) << "too early";
  EXPECT_EQ(machine.tick(at(2)), (Expected{ReadLease{}}));
  EXPECT_EQ(machine.read(lease({.holder = "you", .renewed = 2, .version = 8}), at(2, 0.5)), (Expected{wait(2 + 3.2)}));
}

TEST(LeaseMachine, TakesOverWhenItSawNoSignOfLifeForTheLeasesDuration) {
  auto machine = make_standby();
  const auto unchanged = lease({.holder = "you", .renewed = -100, .transitions = 4, .version = 7});
  (void)machine.tick(at(14.9));
  EXPECT_EQ(machine.read(unchanged, at(14.9)), (Expected{wait(16.9)}));
  (void)machine.tick(at(16.9));
  EXPECT_EQ(machine.read(unchanged, at(17)),
            (Expected{UpdateLease{
                write_lease(lease({.holder = "me", .acquired = 17, .renewed = 17, .transitions = 5, .version = 7}))}}));
  EXPECT_EQ(
      machine.wrote(lease({.holder = "me", .acquired = 17, .renewed = 17, .transitions = 5, .version = 8}), at(17)),
      (Expected{ObservedLeader{"me"}, BecameLeader{}, wait(19)}));
}

TEST(LeaseMachine, ASignOfLifeBeginsTheDurationAnewWhateverTheTimeInItSays) {
  auto machine = make_standby();
  (void)machine.tick(at(14));
  (void)machine.read(lease({.holder = "you", .renewed = -99, .transitions = 4, .version = 8}), at(14));
  (void)machine.tick(at(28));
  EXPECT_EQ(machine.read(lease({.holder = "you", .renewed = -99, .transitions = 4, .version = 8}), at(28)),
            (Expected{wait(30)}));
}

TEST(LeaseMachine, ALabelIsNoSignOfLife) {
  auto machine = make_standby();
  (void)machine.tick(at(14));
  (void)machine.read(lease({.holder = "you", .renewed = -100, .transitions = 4, .version = 9}), at(14));
  (void)machine.tick(at(16));
  const auto actions = machine.read(lease({.holder = "you", .renewed = -100, .transitions = 4, .version = 9}), at(16));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<UpdateLease>(actions.front()));
}

TEST(LeaseMachine, WhoMayBeTakenOver) {
  struct Row {
    const char* what;
    Written held;
    double seen_for;
    bool taken;
  };
  const std::vector<Row> table{
      {"released", {.holder = "", .duration = 1s}, 0, true},
      {"ours, from before", {.holder = "me"}, 0, true},
      {"another's, just seen", {.holder = "you"}, 0, false},
      {"another's, at the end of its duration", {.holder = "you"}, 15, true},
      {"another's of two seconds", {.holder = "you", .duration = 2s}, 2, true},
      {"another's of a minute", {.holder = "you", .duration = 60s}, 59, false},
      {"another's that names no duration", {.holder = "you", .duration = 0s}, 14, false},
      {"another's that names no duration, as old as ours may be", {.holder = "you", .duration = 0s}, 15, true},
  };
  for (const auto& row : table) {
    auto machine = make_machine();
    (void)machine.tick(at(0));
    (void)machine.read(lease({.holder = row.held.holder, .duration = row.held.duration}), at(0));
    if (row.seen_for > 0) {
      (void)machine.tick(at(row.seen_for));
      (void)machine.read(lease({.holder = row.held.holder, .duration = row.held.duration}), at(row.seen_for));
    }
    EXPECT_EQ(std::holds_alternative<lease_state::Taking>(machine.state()), row.taken) << row.what;
  }
}

TEST(LeaseMachine, TakingBackItsOwnIsNoTransition) {
  auto machine = make_machine();
  (void)machine.tick(at(50));
  EXPECT_EQ(machine.read(lease({.holder = "me", .acquired = 3, .renewed = 40, .transitions = 2, .version = 5}), at(50)),
            (Expected{ObservedLeader{"me"},
                      UpdateLease{write_lease(
                          lease({.holder = "me", .acquired = 3, .renewed = 50, .transitions = 2, .version = 5}))}}));
}

TEST(LeaseMachine, WhoeverIsBeatenStandsBy) {
  for (const auto code : {ErrorCode::conflict, ErrorCode::already_exists, ErrorCode::retry, ErrorCode::forbidden}) {
    auto machine = make_machine();
    (void)machine.tick(at(0));
    (void)machine.read(failed(ErrorCode::not_found), at(0));
    EXPECT_EQ(machine.wrote(failed(code), at(1)), (Expected{wait(3)})) << base::to_string(code);
    EXPECT_FALSE(machine.is_leader());
  }
}

TEST(LeaseMachine, ACandidateThatCannotReadTriesAgain) {
  for (const auto code : {ErrorCode::retry, ErrorCode::forbidden, ErrorCode::invalid}) {
    auto machine = make_machine();
    (void)machine.tick(at(0));
    EXPECT_EQ(machine.read(failed(code), at(1, 0.25)), (Expected{wait(3.6)})) << base::to_string(code);
  }
}

TEST(LeaseMachine, AnAcquisitionAnsweredTooLateLeadsNothing) {
  auto machine = make_machine();
  (void)machine.tick(at(0));
  (void)machine.read(failed(ErrorCode::not_found), at(0));
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .version = 1}), at(10)), (Expected{ObservedLeader{"me"}, wait(12)}));
  EXPECT_FALSE(machine.is_leader());
}

TEST(LeaseMachine, ARenewalThatFailsIsTriedAgainUntilTheDeadline) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::retry), at(3)), (Expected{wait(5)}));
  EXPECT_EQ(machine.tick(at(5)),
            (Expected{UpdateLease{write_lease(lease({.holder = "me", .renewed = 5, .version = 1}))}, wait(10)}));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::retry), at(9)), (Expected{wait(10)})) << "no later than the deadline";
  EXPECT_EQ(machine.tick(at(10)), (Expected{LostLeadership{passed}}));
  EXPECT_FALSE(machine.is_leader());
  EXPECT_EQ(machine.tick(at(12)), Expected{});
}

TEST(LeaseMachine, ARenewalThatHangsEndsAtTheDeadline) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  EXPECT_EQ(machine.tick(at(9)), (Expected{wait(10)}));
  EXPECT_EQ(machine.tick(at(10)), (Expected{LostLeadership{passed}}));
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .renewed = 2, .version = 2}), at(10.1)), Expected{});
}

TEST(LeaseMachine, ASuccessReadAfterALongPauseIsALoss) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .renewed = 2, .version = 2}), at(12)),
            (Expected{LostLeadership{passed}}));
}

TEST(LeaseMachine, AConflictLooksAgainAndRenewsByTheNewVersion) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::conflict), at(2.1)), (Expected{ReadLease{}, wait(10)}));
  EXPECT_EQ(machine.read(lease({.holder = "me", .version = 9}), at(2.2)),
            (Expected{UpdateLease{write_lease(lease({.holder = "me", .renewed = 2.2, .version = 9}))}, wait(10)}));
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .renewed = 2.2, .version = 10}), at(2.3)), (Expected{wait(4.3)}));
}

TEST(LeaseMachine, ABusyLeaseIsNoHotLoop) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  (void)machine.wrote(failed(ErrorCode::conflict), at(2));
  (void)machine.read(lease({.holder = "me", .version = 9}), at(2));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::conflict), at(2)), (Expected{wait(4)}));
  EXPECT_EQ(machine.tick(at(4)), (Expected{ReadLease{}, wait(10)})) << "what it knows is stale";
}

TEST(LeaseMachine, AnotherHolderIsALoss) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  (void)machine.wrote(failed(ErrorCode::conflict), at(2));
  EXPECT_EQ(machine.read(lease({.holder = "you", .transitions = 1, .version = 9}), at(2)),
            (Expected{ObservedLeader{"you"}, LostLeadership{"the lease is held by you"}}));
  EXPECT_FALSE(machine.may_write(second(2)));
}

TEST(LeaseMachine, ADeletedLeaseIsMadeAgain) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::not_found), at(2)), (Expected{ReadLease{}, wait(10)}));
  EXPECT_EQ(machine.read(failed(ErrorCode::not_found), at(3)),
            (Expected{CreateLease{write_lease(lease({.holder = "me", .acquired = 3, .renewed = 3}))}, wait(10)}));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::already_exists), at(3)), (Expected{ReadLease{}, wait(10)}))
      << "somebody was faster: look at once";
  EXPECT_EQ(machine.read(lease({.holder = "you", .version = 1}), at(3)),
            (Expected{ObservedLeader{"you"}, LostLeadership{"the lease is held by you"}}));
}

TEST(LeaseMachine, ALeaseThatSomebodyEmptiedIsTakenAgain) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  (void)machine.wrote(failed(ErrorCode::conflict), at(2));
  EXPECT_EQ(machine.read(lease({.holder = "", .version = 9}), at(2)),
            (Expected{UpdateLease{write_lease(
                          lease({.holder = "me", .acquired = 2, .renewed = 2, .transitions = 1, .version = 9}))},
                      wait(10)}));
}

TEST(LeaseMachine, AReadThatFailsWhileLeadingIsTriedAgainUntilTheDeadline) {
  auto machine = make_leader();
  (void)machine.tick(at(2));
  (void)machine.wrote(failed(ErrorCode::conflict), at(2));
  EXPECT_EQ(machine.read(failed(ErrorCode::retry), at(7)), (Expected{wait(9)}));
  EXPECT_EQ(machine.tick(at(9)), (Expected{ReadLease{}, wait(10)}));
  EXPECT_EQ(machine.read(failed(ErrorCode::retry), at(10)), (Expected{LostLeadership{passed}}));
}

TEST(LeaseMachine, TheFenceCountsFromTheStartOfTheLastRenewal) {
  auto machine = make_leader();
  EXPECT_EQ(machine.may_write_until(), second(10));
  (void)machine.tick(at(2));
  EXPECT_TRUE(machine.may_write(second(9.999))) << "by the renewal before";
  EXPECT_FALSE(machine.may_write(second(10)));
  (void)machine.wrote(lease({.holder = "me", .renewed = 2, .version = 2}), at(4));
  EXPECT_TRUE(machine.may_write(second(11.999)));
  EXPECT_FALSE(machine.may_write(second(12))) << "it holds though nobody told the machine the time";
  EXPECT_EQ(machine.may_write_until(), second(12));
}

TEST(LeaseMachine, ACandidateMayNotWrite) {
  EXPECT_FALSE(make_machine().may_write(second(0)));
  EXPECT_FALSE(make_standby().may_write(second(0)));
  EXPECT_EQ(make_standby().may_write_until(), std::nullopt);
}

TEST(LeaseMachine, TwoCandidatesNeverWriteAtTheSameTime) {
  // The leader is paused right after its renewal; the other looks as often as can be and acts at once.
  auto leader = make_leader();
  (void)leader.tick(at(2));
  const auto renewed = lease({.holder = "me", .renewed = 2, .version = 2});
  (void)leader.wrote(renewed, at(2));
  LeaseMachine other({.namespace_ = "sys", .name = "op", .identity = "you"});
  for (double seconds = 2; seconds < 30; seconds += 0.125) {
    (void)other.tick(at(seconds));
    (void)other.read(renewed, at(seconds));
    (void)other.wrote(lease({.holder = "you", .renewed = seconds, .transitions = 1, .version = 3}), at(seconds));
    EXPECT_FALSE(leader.may_write(second(seconds)) && other.may_write(second(seconds))) << seconds;
    if (other.is_leader()) break;
  }
  EXPECT_TRUE(other.is_leader());
}

TEST(LeaseJson, IsReadAsWritten) {
  const auto written = lease({.holder = "me", .acquired = 1, .renewed = 2, .transitions = 3, .version = 4});
  EXPECT_EQ(read_lease(write_lease(written)), written);
}

TEST(LeaseJson, KeepsOthersMetadataButNotTheServersBookkeeping) {
  const auto read = read_lease(R"({"metadata":{"name":"op","labels":{"a":"b"},"managedFields":[{"manager":"x"}],
                                   "resourceVersion":"5"},"spec":{"holderIdentity":"you"}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->metadata, R"({"labels":{"a":"b"},"name":"op","resourceVersion":"5"})");
}

TEST(LeaseJson, MissingAndNullFieldsAreEmpty) {
  for (const auto* body : {R"({"metadata":{}})", R"({"metadata":{},"spec":null})", R"({"metadata":{},"spec":{}})",
                           R"({"metadata":{},"spec":{"holderIdentity":null,"leaseDurationSeconds":null,
                               "acquireTime":null,"renewTime":null,"leaseTransitions":null}})"}) {
    EXPECT_EQ(read_lease(body), (Lease{.record = {}, .metadata = "{}"})) << body;
  }
}

TEST(LeaseJson, WhatIsNoLeaseIsAnError) {
  for (const auto* body : {"", "{", "[]", "{}", "null", R"({"metadata":{},"spec":{"holderIdentity":7}})",
                           R"({"metadata":[],"spec":{}})"}) {
    const auto read = read_lease(body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, ErrorCode::invalid) << body;
  }
}

}  // namespace
}  // namespace kube
