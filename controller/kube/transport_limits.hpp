// The bounds a transport keeps, and how it introduces itself. Law: every queue and every wait of a transport is in
// here.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace kube {

struct TransportLimits {
  std::size_t max_calls{8};                        ///< plain calls on the wire at a time
  std::size_t max_waiting{10'000};                 ///< calls in line behind them; one more is answered with `retry`
  std::size_t max_body{64U << 20U};                ///< bytes of a plain answer
  std::chrono::milliseconds open_timeout{10'000};  ///< for each step of a new connection: one address, the handshake
  std::chrono::milliseconds keep_idle{30'000};     ///< an unused connection is closed after that
  std::string user_agent{"todoapp-operator"};
};

}  // namespace kube
