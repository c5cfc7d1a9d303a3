#include "workers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>

#include "fake_database.hpp"

namespace todo {
namespace {

DatabaseMaker makers() {
  return fake_maker([] { return Result<void>{}; });
}

TEST(WorkerThreads, WhatIsTakenIsRunAlsoWhenTheyEnd) {
  std::atomic<int> done{0};
  {
    Workers workers(3, 100, makers());
    for (int count = 0; count < 100; ++count) {
      // Some may have begun already, so there is room for all of them.
      ASSERT_TRUE(workers.submit([&](Database&) { ++done; }));
    }
  }
  EXPECT_EQ(done, 100);
}

TEST(WorkerThreads, AJobBeyondTheRoomIsRefused) {
  std::promise<void> begun;
  std::promise<void> release;
  auto released = release.get_future().share();
  Workers workers(1, 2, makers());
  ASSERT_TRUE(workers.submit([&](Database&) {
    begun.set_value();
    released.wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(workers.submit([](Database&) {}));
  EXPECT_TRUE(workers.submit([](Database&) {}));
  EXPECT_EQ(workers.waiting(), 2U);
  EXPECT_FALSE(workers.submit([](Database&) {}));
  release.set_value();
}

TEST(WorkerThreads, EachHasAConnectionOfItsOwn) {
  std::mutex mutex;
  std::set<const Database*> seen;
  std::promise<void> both;
  const auto met = both.get_future().share();
  {
    Workers workers(2, 4, makers());
    for (int count = 0; count < 2; ++count) {
      // Neither ends before the other has begun, so both threads work.
      ASSERT_TRUE(workers.submit([&](Database& database) {
        {
          const std::lock_guard lock(mutex);
          seen.insert(&database);
          if (seen.size() == 2) both.set_value();
        }
        met.wait_for(std::chrono::seconds{10});
      }));
    }
  }
  EXPECT_EQ(seen.size(), 2U);
}

}  // namespace
}  // namespace todo
