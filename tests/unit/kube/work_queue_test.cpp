#include "kube/work_queue.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace kube {
namespace {

using namespace std::chrono_literals;
using base::MonoTime;
using Names = std::vector<std::string>;

constexpr auto live = Priority::live;
constexpr auto low = Priority::low;

const MonoTime start{std::chrono::hours{1}};

ObjectKey key(const std::string& name) { return {"shop", name}; }

/// All that is ready, in order; each is done at once.
Names drain(WorkQueue& queue, MonoTime now) {
  Names names;
  while (const auto item = queue.next(now)) {
    names.push_back(item->key.name);
    queue.done(item->key, now);
  }
  return names;
}

TEST(WorkQueue, HandsOutInOrderOfAdding) {
  WorkQueue queue;
  for (const auto* name : {"b", "a", "c"}) queue.add(key(name), live, start);
  EXPECT_EQ(drain(queue, start), (Names{"b", "a", "c"}));
  EXPECT_EQ(queue.next(start), std::nullopt);
}

TEST(WorkQueue, AKeyStandsInItOnce) {
  WorkQueue queue;
  for (const auto* name : {"a", "b", "a", "a"}) queue.add(key(name), live, start);
  EXPECT_EQ(queue.depth(), 2U);
  EXPECT_EQ(queue.adds(), 2U);
  EXPECT_EQ(drain(queue, start), (Names{"a", "b"}));
}

TEST(WorkQueue, KeysOfTwoNamespacesAreTwo) {
  WorkQueue queue;
  queue.add({"shop", "a"}, live, start);
  queue.add({"bank", "a"}, live, start);
  EXPECT_EQ(queue.depth(), 2U);
}

TEST(WorkQueue, SaysHowLongTheKeyWaited) {
  WorkQueue queue;
  queue.add(key("a"), low, start);
  queue.add(key("a"), low, start + 2s);
  EXPECT_EQ(queue.next(start + 3s), (WorkItem{.key = key("a"), .priority = low, .failures = 0, .waited = 3s}));
}

TEST(WorkQueue, AKeyBeingWorkedOnIsNotHandedOutAgainUntilDone) {
  WorkQueue queue;
  queue.add(key("a"), live, start);
  ASSERT_TRUE(queue.next(start));
  queue.add(key("a"), live, start + 1s);
  queue.add(key("a"), live, start + 2s);
  EXPECT_EQ(queue.next(start + 3s), std::nullopt);
  EXPECT_EQ(queue.next_due(), std::nullopt) << "there is nothing that time alone brings";
  EXPECT_EQ(queue.depth(), 1U);
  EXPECT_EQ(queue.done(key("a"), start + 4s), 4s);
  EXPECT_EQ(queue.next_due(), MonoTime::min());
  EXPECT_EQ(queue.next(start + 5s), (WorkItem{.key = key("a"), .priority = live, .failures = 0, .waited = 4s}));
  queue.done(key("a"), start + 5s);
  EXPECT_EQ(queue.next(start + 6s), std::nullopt);
}

TEST(WorkQueue, OtherKeysGoOnBesideIt) {
  WorkQueue queue;
  for (const auto* name : {"a", "b"}) queue.add(key(name), live, start);
  EXPECT_EQ(queue.next(start)->key, key("a"));
  EXPECT_EQ(queue.next(start)->key, key("b"));
  EXPECT_EQ(queue.processing(), 2U);
  EXPECT_EQ(queue.unfinished_work(start + 3s), 6s);
  queue.done(key("b"), start + 1s);
  EXPECT_EQ(queue.unfinished_work(start + 3s), 3s);
  EXPECT_EQ(queue.longest_running(start + 3s), 3s);
}

TEST(WorkQueue, LiveChangesGoFirst) {
  WorkQueue queue;
  for (const auto* name : {"l1", "l2", "l3"}) queue.add(key(name), low, start);
  for (const auto* name : {"a", "b"}) queue.add(key(name), live, start + 1s);
  EXPECT_EQ(drain(queue, start + 2s), (Names{"a", "b", "l1", "l2", "l3"}));
}

TEST(WorkQueue, AWaitingLowKeyHasItsTurnAfterSomeLiveOnes) {
  WorkQueue queue({.live_per_low = 2});
  for (const auto* name : {"l1", "l2"}) queue.add(key(name), low, start);
  for (const auto* name : {"a", "b", "c", "d", "e"}) queue.add(key(name), live, start);
  EXPECT_EQ(drain(queue, start), (Names{"a", "b", "l1", "c", "d", "l2", "e"}));
}

TEST(WorkQueue, LiveKeysThatNobodyWaitedForDoNotCount) {
  WorkQueue queue({.live_per_low = 2});
  for (const auto* name : {"a", "b"}) queue.add(key(name), live, start);
  drain(queue, start);
  queue.add(key("l"), low, start);
  queue.add(key("c"), live, start);
  EXPECT_EQ(drain(queue, start), (Names{"c", "l"}));
}

TEST(WorkQueue, TheHigherPriorityWins) {
  struct Row {
    const char* what;
    void (*add)(WorkQueue&);
    Priority priority;
  };
  const std::vector<Row> table{
      {"low then live", [](WorkQueue& queue) { queue.add(key("a"), low, start), queue.add(key("a"), live, start); },
       live},
      {"live then low", [](WorkQueue& queue) { queue.add(key("a"), live, start), queue.add(key("a"), low, start); },
       live},
      {"waiting low, then live",
       [](WorkQueue& queue) { queue.add_after(key("a"), start + 9s, low), queue.add(key("a"), live, start); }, live},
      {"waiting live, then low",
       [](WorkQueue& queue) { queue.add_after(key("a"), start + 9s, live), queue.add(key("a"), low, start); }, live},
      {"low, then live later",
       [](WorkQueue& queue) { queue.add(key("a"), low, start), queue.add_after(key("a"), start + 9s, live); }, live},
      {"low twice", [](WorkQueue& queue) { queue.add(key("a"), low, start), queue.add(key("a"), low, start); }, low},
  };
  for (const auto& row : table) {
    WorkQueue queue;
    row.add(queue);
    EXPECT_EQ(queue.next(start), (WorkItem{.key = key("a"), .priority = row.priority, .failures = 0, .waited = 0s}))
        << row.what;
    EXPECT_EQ(queue.waiting(), 0U) << row.what;
  }
}

TEST(WorkQueue, ARaisedKeyKeepsItsAge) {
  WorkQueue queue;
  queue.add(key("old"), low, start);
  queue.add(key("new"), live, start + 1s);
  queue.add(key("old"), live, start + 2s);
  EXPECT_EQ(drain(queue, start + 2s), (Names{"old", "new"}));
}

TEST(WorkQueue, AKeyAddedForLaterWaitsUntilThen) {
  WorkQueue queue;
  queue.add_after(key("a"), start + 10s);
  EXPECT_EQ(queue.next_due(), start + 10s);
  EXPECT_EQ(queue.next(start + 9s), std::nullopt);
  EXPECT_EQ(queue.depth(), 0U);
  EXPECT_EQ(queue.waiting(), 1U);
  EXPECT_EQ(queue.next(start + 11s), (WorkItem{.key = key("a"), .priority = live, .failures = 0, .waited = 1s}));
}

TEST(WorkQueue, TheEarliestTimeWins) {
  WorkQueue queue;
  queue.add_after(key("a"), start + 10s);
  queue.add_after(key("a"), start + 30s);
  EXPECT_EQ(queue.next_due(), start + 10s);
  queue.add_after(key("a"), start + 5s);
  EXPECT_EQ(queue.next_due(), start + 5s);
  queue.add(key("a"), live, start);
  EXPECT_EQ(queue.next_due(), MonoTime::min());
  EXPECT_EQ(drain(queue, start), Names{"a"});
  EXPECT_EQ(drain(queue, start + 60s), Names{}) << "one look took all the wishes";
}

TEST(WorkQueue, KeysThatAreDueComeInOrderOfTime) {
  WorkQueue queue;
  queue.add_after(key("c"), start + 3s);
  queue.add_after(key("a"), start + 1s);
  queue.add_after(key("b"), start + 1s);
  EXPECT_EQ(drain(queue, start + 5s), (Names{"a", "b", "c"}));
}

TEST(WorkQueue, AKeyThatFallsDueWhileWorkedOnWaitsForDone) {
  WorkQueue queue;
  queue.add(key("a"), live, start);
  ASSERT_TRUE(queue.next(start));
  queue.add_after(key("a"), start + 1s);
  EXPECT_EQ(queue.next_due(), start + 1s);
  EXPECT_EQ(queue.next(start + 2s), std::nullopt);
  EXPECT_EQ(queue.next_due(), std::nullopt);
  queue.done(key("a"), start + 3s);
  EXPECT_EQ(queue.next(start + 3s), (WorkItem{.key = key("a"), .priority = live, .failures = 0, .waited = 2s}));
}

TEST(WorkQueue, AFailingKeyWaitsTwiceAsLongEachTime) {
  WorkQueue queue;
  std::vector<std::chrono::nanoseconds> waits;
  auto now = start;
  for (int i = 0; i < 20; ++i) {
    const auto when = queue.add_failed(key("a"), live, now);
    waits.push_back(when - now);
    const auto item = queue.next(when);
    ASSERT_TRUE(item);
    ASSERT_EQ(item->failures, static_cast<std::uint32_t>(i + 1));
    queue.done(key("a"), when);
    now = when;
  }
  EXPECT_EQ((std::vector(waits.begin(), waits.begin() + 4)),
            (std::vector<std::chrono::nanoseconds>{5ms, 10ms, 20ms, 40ms}));
  EXPECT_EQ(waits[17], 655'360ms);
  EXPECT_EQ(waits[18], 1000s);
  EXPECT_EQ(waits[19], 1000s);
  EXPECT_EQ(queue.retries(), 20U);
}

TEST(WorkQueue, ForgetBeginsAgain) {
  WorkQueue queue;
  for (int i = 0; i < 5; ++i) queue.add_failed(key("a"), live, start);
  queue.forget(key("a"));
  drain(queue, start + 1s);
  EXPECT_EQ(queue.add_failed(key("a"), live, start + 1s), start + 1s + 5ms);
}

TEST(WorkQueue, AFailureWaitsAtLeastAsLongAsTheServerSaid) {
  WorkQueue queue;
  EXPECT_EQ(queue.add_failed(key("a"), live, start, start + 7s), start + 7s);
  EXPECT_EQ(queue.next_due(), start + 7s);
}

TEST(WorkQueue, ALiveChangeDoesNotWaitForABackOff) {
  WorkQueue queue;
  queue.add_failed(key("a"), live, start, start + 100s);
  queue.add(key("a"), live, start + 1s);
  EXPECT_EQ(queue.next(start + 1s), (WorkItem{.key = key("a"), .priority = live, .failures = 1, .waited = 0s}));
}

TEST(WorkQueue, ManyFailuresTogetherPassOneBucket) {
  WorkQueue queue;
  const auto fail = [&](int i, MonoTime now) {
    return queue.add_failed(key("k" + std::to_string(i)), live, now) - now;
  };
  for (int i = 0; i < 100; ++i) ASSERT_EQ(fail(i, start), 5ms) << i;
  EXPECT_EQ(fail(100, start), 100ms);
  EXPECT_EQ(fail(101, start), 200ms);
  // Two tokens were borrowed, so ten seconds later there are 98.
  for (int i = 0; i < 98; ++i) ASSERT_EQ(fail(200 + i, start + 10s), 5ms) << i;
  EXPECT_EQ(fail(300, start + 10s), 100ms);
}

TEST(WorkQueue, WhoDidNotFailPassesByTheBucket) {
  WorkQueue queue({.burst = 1});
  queue.add_failed(key("a"), live, start);
  queue.add_failed(key("b"), live, start);
  queue.add_after(key("c"), start + 1ms);
  queue.add(key("d"), live, start);
  EXPECT_EQ(drain(queue, start + 1ms), (Names{"d", "c"}));
}

TEST(WorkQueue, OfAnIdleKeyNothingIsKept) {
  WorkQueue queue;
  for (int i = 0; i < 10'000; ++i) queue.add(key("k" + std::to_string(i)), low, start);
  EXPECT_EQ(queue.known(), 10'000U);
  EXPECT_EQ(drain(queue, start).size(), 10'000U);
  EXPECT_EQ(queue.known(), 0U);
  queue.add_failed(key("a"), live, start);
  drain(queue, start + 1s);
  EXPECT_EQ(queue.known(), 1U) << "its failures";
  queue.forget(key("a"));
  EXPECT_EQ(queue.known(), 0U);
}

}  // namespace
}  // namespace kube
