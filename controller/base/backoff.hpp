// Exponential back-off as a value. Law: no clock and no randomness of its own: the jitter is an argument.
#pragma once

#include <chrono>
#include <cstdint>

namespace base {

struct BackoffLimits {
  std::chrono::milliseconds first{800};
  std::chrono::milliseconds most{30'000};
  double factor{2.0};
  double jitter{1.0};  ///< a delay d becomes one in [d, d * (1 + jitter))
};

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits) : limits_(limits) {}

  /// The delay before the next try; each call without a `reset` between doubles it. `random` lies in [0, 1).
  [[nodiscard]] std::chrono::milliseconds next(double random);
  void reset() { failures_ = 0; }
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

 private:
  BackoffLimits limits_;
  std::uint32_t failures_{0};
};

}  // namespace base
