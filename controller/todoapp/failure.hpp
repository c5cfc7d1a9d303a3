// From pods to causes: what a failing rollout fails of, and whether waiting could help.
// Law: judged by restart counts and last states as well as by the state of the moment, for a crash loop shows three faces
// in turn. Pure: pods, conditions and times are arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "todoapp/observed.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// Why a rollout failed, or what it waits for.
struct Cause {
  std::string reason;  ///< "CrashLoopBackOff", "ProgressDeadlineExceeded", ...
  std::optional<Tier> tier{};
  std::string pod{};
  std::string container{};
  std::optional<std::int32_t> exit_code{};
  std::int32_t restarts{0};
  std::string message{};  ///< the server's words or the last log lines; secret values not masked yet
  friend bool operator==(const Cause&, const Cause&) = default;
};

}  // namespace todoapp
