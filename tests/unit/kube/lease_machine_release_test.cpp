#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "unit/kube/lease_support.hpp"

namespace kube {
namespace {

using namespace lease_test;

TEST(LeaseRelease, ReleaseFreesTheLease) {
  auto machine = make_leader();
  EXPECT_EQ(machine.release(at(1)), (Expected{UpdateLease{write_lease(freed(1, 1))}}));
  EXPECT_FALSE(machine.may_write(second(1)));
  EXPECT_EQ(machine.wrote(freed(1, 2), at(1)), (Expected{Released{}}));
  EXPECT_FALSE(machine.is_leader());
  EXPECT_EQ(machine.tick(at(2)), Expected{});
}

TEST(LeaseRelease, AReleaseThatMeetsAConflictLooksAndTriesOnceMore) {
  auto machine = make_leader();
  (void)machine.release(at(1));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::conflict), at(1)), (Expected{ReadLease{}}));
  EXPECT_EQ(machine.read(lease({.holder = "me", .version = 5}), at(1)),
            (Expected{UpdateLease{write_lease(freed(1, 5))}}));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::conflict), at(1)), (Expected{Released{}}));
}

TEST(LeaseRelease, AReleaseNeverFreesWhatAnotherHolds) {
  auto machine = make_leader();
  (void)machine.release(at(1));
  (void)machine.wrote(failed(ErrorCode::conflict), at(1));
  EXPECT_EQ(machine.read(lease({.holder = "you", .version = 5}), at(1)), (Expected{Released{}}));
}

TEST(LeaseRelease, AReleaseThatFailsGivesUpAndTheLeaseExpires) {
  auto machine = make_leader();
  (void)machine.release(at(1));
  EXPECT_EQ(machine.wrote(failed(ErrorCode::retry), at(6)), (Expected{Released{}}));
}

TEST(LeaseRelease, ReleaseHearsTheAnswerUnderWayFirst) {
  struct Row {
    const char* what;
    std::function<void(LeaseMachine&)> before;  ///< up to a call under way, at second 2
    std::function<LeaseActions(LeaseMachine&)> answer;
    LeaseActions then;
  };
  const auto renewing = [](LeaseMachine& machine) { (void)machine.tick(at(2)); };
  const auto checking = [](LeaseMachine& machine) {
    (void)machine.tick(at(2));
    (void)machine.wrote(failed(ErrorCode::conflict), at(2));
  };
  const auto wrote = [](const base::Result<Lease>& answer) {
    return [=](LeaseMachine& machine) { return machine.wrote(answer, at(3)); };
  };
  const auto read = [](const base::Result<Lease>& answer) {
    return [=](LeaseMachine& machine) { return machine.read(answer, at(3)); };
  };
  const LeaseActions frees_2{UpdateLease{write_lease(freed(3, 2))}};
  const std::vector<Row> table{
      {"renewed", renewing, wrote(lease({.holder = "me", .renewed = 2, .version = 2})), frees_2},
      {"a renewal failed, perhaps only its answer", renewing, wrote(failed(ErrorCode::retry)), {ReadLease{}}},
      {"still ours", checking, read(lease({.holder = "me", .version = 2})), frees_2},
      {"another's", checking, read(lease({.holder = "you", .version = 2})), {Released{}}},
      {"cannot read", checking, read(failed(ErrorCode::retry)), {Released{}}},
  };
  for (const auto& row : table) {
    auto machine = make_leader();
    row.before(machine);
    EXPECT_EQ(machine.release(at(2)), Expected{}) << row.what;
    EXPECT_FALSE(machine.may_write(second(2))) << row.what;
    EXPECT_EQ(machine.tick(at(11)), Expected{}) << row.what << ": no loss is told while going";
    EXPECT_EQ(row.answer(machine), row.then) << row.what;
  }
}

TEST(LeaseRelease, ReleaseWhileTakingFreesWhatItGot) {
  auto machine = make_machine();
  (void)machine.tick(at(0));
  (void)machine.read(failed(ErrorCode::not_found), at(0));
  EXPECT_EQ(machine.release(at(0)), Expected{});
  EXPECT_EQ(machine.wrote(lease({.holder = "me", .version = 1}), at(1)),
            (Expected{ObservedLeader{"me"}, UpdateLease{write_lease(freed(1, 1))}}));
  EXPECT_EQ(machine.wrote(freed(1, 2), at(1)), (Expected{Released{}}));
}

TEST(LeaseRelease, WhoHoldsNothingIsReleasedAtOnce) {
  auto standby = make_standby();
  EXPECT_EQ(standby.release(at(1)), (Expected{Released{}}));

  auto looking = make_machine();
  (void)looking.tick(at(0));
  EXPECT_EQ(looking.release(at(1)), (Expected{Released{}}));
  EXPECT_EQ(looking.read(failed(ErrorCode::not_found), at(2)), Expected{}) << "a late answer starts nothing";

  auto lost = make_leader();
  (void)lost.tick(at(10));
  EXPECT_EQ(lost.release(at(11)), (Expected{Released{}}));
  EXPECT_EQ(lost.release(at(12)), (Expected{Released{}}));
}

}  // namespace
}  // namespace kube
