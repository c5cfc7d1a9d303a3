// Shows how an app changes until it is ready, or can go on no more: for `--watch` and for `upgrade`.
// Law: it ends by itself, and its exit code tells how.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "kubectl/client.hpp"
#include "kubectl/terminal.hpp"

namespace kubectl {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;  ///< also: the app can go on no more
inline constexpr int exit_usage = 2;
inline constexpr int exit_timeout = 3;  ///< the time of --timeout is up

struct Wait {
  kube::ObjectKey key;
  std::int64_t after{0};       ///< what is waited for is a revision newer than this; 0 for any
  std::int64_t generation{0};  ///< and of a spec not older than this
  std::chrono::seconds timeout{0};
  bool wide{false};
  bool upgrade{false};  ///< a failure is explained at once, and an approval is not waited for
  bool same{false};     ///< an upgrade to what the spec had already: what failed of it wants another try
};

/// Until the pods of a restart with this token serve in place of those before.
[[nodiscard]] base::Result<int> wait_for_restart(const kube::ObjectKey& key, const std::string& token,
                                                 std::chrono::seconds timeout, Client& client, Terminal& terminal);

/// The exit code.
[[nodiscard]] base::Result<int> wait_for(const Wait& wait, Client& client, Terminal& terminal);

}  // namespace kubectl
