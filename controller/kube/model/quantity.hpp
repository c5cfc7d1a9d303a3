// A Kubernetes quantity ("100m", "1Gi", "0.5", "1e3") as a number, so that two spellings of one amount compare equal.
//
// Law: exact to a billionth; what is finer is rounded away from zero, as the API server does.
// Limits: below 2^63 either way, what is larger is held at that bound, as on the server; at most 19 digits that count.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace kube {

/// whole + nanos / 1e9, with nanos in [0, 1e9) also below zero: -0.5 is {-1, 500'000'000}.
struct Quantity {
  std::int64_t whole{0};
  std::int32_t nanos{0};

  friend auto operator<=>(const Quantity&, const Quantity&) = default;
};

/// Error: invalid.
[[nodiscard]] base::Result<Quantity> parse_quantity(std::string_view text);

/// The same amount; texts that are no quantities are the same only if they are equal.
[[nodiscard]] bool same_quantity(std::string_view one, std::string_view other);

}  // namespace kube
