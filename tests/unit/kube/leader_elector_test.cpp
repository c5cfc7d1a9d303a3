#include "kube/leader_elector.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "unit/kube/scripted_transport.hpp"

namespace kube {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

const std::string read_line = "GET /apis/coordination.k8s.io/v1/namespaces/sys/leases/op";
const std::string create_line = "POST /apis/coordination.k8s.io/v1/namespaces/sys/leases?fieldManager=todoapp-operator";
const std::string update_line =
    "PUT /apis/coordination.k8s.io/v1/namespaces/sys/leases/op?fieldManager=todoapp-operator";

std::string lease_of(const std::string& holder, const std::string& version) {
  return R"({"metadata":{"name":"op","namespace":"sys","resourceVersion":")" + version +
         R"("},"spec":{"holderIdentity":")" + holder + R"(","leaseDurationSeconds":15,"leaseTransitions":0}})";
}

std::string spec_of(const Request& request) { return request.body.substr(request.body.find("\"spec\"")); }

class LeaderElectorTest : public testing::Test {
 protected:
  LeaderElector& make(std::chrono::milliseconds renew_deadline, std::chrono::milliseconds retry_period) {
    elector = std::make_unique<LeaderElector>(
        loop, transport,
        LeaseSettings{.namespace_ = "sys",
                      .name = "op",
                      .identity = "me",
                      .lease_duration = 15s,
                      .renew_deadline = renew_deadline,
                      .retry_period = retry_period},
        LeaderCallbacks{.on_started_leading = [this] { seen.push_back("started"); },
                        .on_lost = [this](const std::string& why) { seen.push_back("lost: " + why); },
                        .on_new_leader = [this](const std::string& identity) { seen.push_back("leader " + identity); },
                        .on_error = [this](const base::Error& error) { seen.push_back(base::to_string(error)); }});
    return *elector;
  }
  /// Leads by a Lease that it made; renews when a test says so, by a retry period of 1 ms, or never.
  LeaderElector& make_leader(std::chrono::milliseconds renew_deadline, std::chrono::milliseconds retry_period) {
    transport.will_answer(404);
    transport.will_answer(201, lease_of("me", "1"));
    auto& made = make(renew_deadline, retry_period);
    made.start();
    EXPECT_TRUE(run_until(loop, [&] { return made.is_leader(); }));
    return made;
  }
  bool release() {
    bool released = false;
    elector->release([&] { released = true; });
    EXPECT_FALSE(released) << "never from inside the call";
    return run_until(loop, [&] { return released; });
  }

  boost::asio::io_context loop;
  ScriptedTransport transport{loop};
  std::unique_ptr<LeaderElector> elector;
  Lines seen;
};

TEST_F(LeaderElectorTest, MakesTheLeaseLeadsAndRenews) {
  auto& leader = make_leader(1h, 1ms);
  EXPECT_TRUE(leader.may_write());
  transport.will_answer(200, lease_of("me", "2"));
  transport.will_answer(200, lease_of("me", "3"));
  ASSERT_TRUE(run_until(loop, [&] { return transport.requests.size() == 5; }));
  EXPECT_EQ(transport.lines(), (Lines{read_line, create_line, update_line, update_line, update_line}));
  EXPECT_NE(transport.requests[4].body.find(R"("resourceVersion":"3")"), std::string::npos);
  EXPECT_EQ(seen, (Lines{"leader me", "started"}));
}

TEST_F(LeaderElectorTest, NoCallMayEatTheRenewDeadline) {
  make_leader(8s, 1s);
  for (const auto& request : transport.requests) EXPECT_EQ(request.deadline, 4s);
}

TEST_F(LeaderElectorTest, StandsByAndTakesOverWhatAnotherReleased) {
  transport.will_answer(200, lease_of("you", "4"));
  transport.will_fail();
  transport.will_answer(200, lease_of("", "5"));
  transport.will_answer(200, lease_of("me", "6"));
  auto& candidate = make(1h, 1ms);
  candidate.start();
  EXPECT_FALSE(candidate.may_write());
  ASSERT_TRUE(run_until(loop, [&] { return candidate.is_leader(); }));
  EXPECT_EQ(transport.lines(), (Lines{read_line, read_line, read_line, update_line}));
  EXPECT_EQ(seen, (Lines{"leader you", "connect: refused", "leader me", "started"}));
}

TEST_F(LeaderElectorTest, ALeaderWhoseRenewalsHangLosesAtTheDeadline) {
  auto& leader = make_leader(500ms, 1ms);
  ASSERT_TRUE(run_until(loop, [&] { return seen.size() == 3; }));
  EXPECT_EQ(seen, (Lines{"leader me", "started", "lost: the renew deadline passed"}));
  EXPECT_FALSE(leader.may_write());
  EXPECT_EQ(transport.under_way(), 0U) << "what hung is cancelled";
}

TEST_F(LeaderElectorTest, AConflictWithAnotherHolderIsALoss) {
  make_leader(1h, 1ms);
  transport.will_answer(409);
  transport.will_answer(200, lease_of("you", "9"));
  ASSERT_TRUE(run_until(loop, [&] { return transport.played() && seen.back().starts_with("lost"); }));
  EXPECT_EQ(seen.back(), "lost: the lease is held by you");
  EXPECT_TRUE(release()) << "answered after a loss too";
  EXPECT_EQ(transport.lines(), (Lines{read_line, create_line, update_line, read_line})) << "and writes nothing";
}

TEST_F(LeaderElectorTest, ReleaseFreesTheLeaseAndEndsEverything) {
  auto& leader = make_leader(1h, 30min);
  transport.will_answer(200, lease_of("", "2"));
  EXPECT_TRUE(release());
  EXPECT_EQ(transport.lines(), (Lines{read_line, create_line, update_line}));
  EXPECT_NE(spec_of(transport.requests[2]).find(R"("holderIdentity":"","leaseDurationSeconds":1)"), std::string::npos);
  EXPECT_FALSE(leader.is_leader());
  EXPECT_FALSE(leader.may_write());
  loop.restart();
  loop.run();  // comes back at once: no timer is left
  EXPECT_EQ(transport.under_way(), 0U);
}

TEST_F(LeaderElectorTest, ReleaseOfACandidateCancelsItsLook) {
  make(1h, 1ms).start();
  ASSERT_TRUE(run_until(loop, [&] { return transport.under_way() == 1; }));
  EXPECT_TRUE(release());
  EXPECT_EQ(transport.under_way(), 0U);
}

TEST_F(LeaderElectorTest, ReleaseBeforeTheStartIsAnsweredToo) {
  make(1h, 1ms);
  EXPECT_TRUE(release());
}

TEST_F(LeaderElectorTest, AnAnswerThatIsNoLeaseIsAnErrorAndIsTriedAgain) {
  transport.will_answer(200, "<html>");
  auto& candidate = make(1h, 1ms);
  candidate.start();
  ASSERT_TRUE(run_until(loop, [&] { return transport.requests.size() == 2; }));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].starts_with("read Lease"));
}

TEST_F(LeaderElectorTest, DestroyingItLeavesNothingThatTouchesIt) {
  make_leader(1h, 1ms);
  ASSERT_TRUE(run_until(loop, [&] { return transport.under_way() == 1; }));
  elector->release([] {});
  elector.reset();
  EXPECT_EQ(transport.under_way(), 0U);
  loop.restart();
  loop.run();
}

TEST_F(LeaderElectorTest, ACallbackMayDestroyIt) {
  transport.will_answer(404);
  transport.will_answer(201, lease_of("me", "1"));
  std::unique_ptr<LeaderElector> candidate;
  candidate = std::make_unique<LeaderElector>(
      loop, transport, LeaseSettings{.namespace_ = "sys", .name = "op", .identity = "me"},
      LeaderCallbacks{
          .on_started_leading = [&] { candidate.reset(); }, .on_lost = {}, .on_new_leader = {}, .on_error = {}});
  candidate->start();
  EXPECT_TRUE(run_until(loop, [&] { return !candidate; }));
}

}  // namespace
}  // namespace kube
