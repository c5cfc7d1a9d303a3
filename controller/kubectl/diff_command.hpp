// `diff -f FILE`: what `kubectl apply -f FILE` would lead to.
// Law: writes nothing; the app is sent to the server as a dry run, for its defaults and its refusals.
#pragma once

#include "base/result.hpp"
#include "kubectl/client.hpp"
#include "kubectl/options.hpp"
#include "kubectl/terminal.hpp"

namespace kubectl {

inline constexpr int exit_same = 0;
inline constexpr int exit_differs = 1;
inline constexpr int exit_trouble = 2;  ///< as kubectl diff: above 1, nothing is known

/// The exit code; what goes wrong is complained about here.
[[nodiscard]] int run_diff(const Options& options, Client& client, Terminal& terminal);

}  // namespace kubectl
