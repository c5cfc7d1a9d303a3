#include "base/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace base {

std::chrono::milliseconds Backoff::next(double random) {
  const auto first = static_cast<double>(limits_.first.count());
  const auto most = static_cast<double>(limits_.most.count());
  const double plain = std::min(most, first * std::pow(limits_.factor, std::min(failures_, 64U)));
  ++failures_;
  return std::chrono::milliseconds{static_cast<std::int64_t>(plain * (1.0 + limits_.jitter * random))};
}

}  // namespace base
