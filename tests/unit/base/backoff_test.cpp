#include "base/backoff.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace base {
namespace {

using namespace std::chrono_literals;
using Delays = std::vector<std::chrono::milliseconds>;

Delays delays(Backoff& backoff, int count, double random) {
  Delays all;
  for (int i = 0; i < count; ++i) all.push_back(backoff.next(random));
  return all;
}

TEST(Backoff, DoublesUpToTheMost) {
  Backoff backoff({});
  EXPECT_EQ(delays(backoff, 8, 0.0), (Delays{800ms, 1600ms, 3200ms, 6400ms, 12'800ms, 25'600ms, 30'000ms, 30'000ms}));
}

TEST(Backoff, JitterOnlyLengthens) {
  Backoff backoff({.first = 100ms, .most = 400ms, .factor = 2.0, .jitter = 0.5});
  EXPECT_EQ(delays(backoff, 4, 0.5), (Delays{125ms, 250ms, 500ms, 500ms}));
}

TEST(Backoff, AFactorOfOneStaysTheSame) {
  Backoff backoff({.first = 50ms, .most = 400ms, .factor = 1.0, .jitter = 0.0});
  EXPECT_EQ(delays(backoff, 3, 0.9), (Delays{50ms, 50ms, 50ms}));
}

TEST(Backoff, ResetBeginsAgain) {
  Backoff backoff({.first = 5ms, .most = 1'000'000ms, .factor = 2.0, .jitter = 0.0});
  EXPECT_EQ(delays(backoff, 3, 0.0), (Delays{5ms, 10ms, 20ms}));
  EXPECT_EQ(backoff.failures(), 3U);
  backoff.reset();
  EXPECT_EQ(backoff.failures(), 0U);
  EXPECT_EQ(delays(backoff, 2, 0.0), (Delays{5ms, 10ms}));
}

TEST(Backoff, NeverOverflows) {
  Backoff backoff({.first = 1ms, .most = 30'000ms, .factor = 10.0, .jitter = 0.0});
  for (int i = 0; i < 5'000; ++i) {
    const auto delay = backoff.next(0.0);
    ASSERT_GE(delay, 1ms);
    ASSERT_LE(delay, 30'000ms);
  }
}

}  // namespace
}  // namespace base
