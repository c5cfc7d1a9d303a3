// The operator as a process: everything wired together, signals, health, and an orderly end.
//
// Law: on SIGTERM or SIGINT no new pass begins, those under way end, the lease is released last; all that within
// `grace`, else the process ends as it is (a crash is something that every part is made for). Losing the lease ends the
// process at once. Limits: one per process.
#pragma once

#include "base/result.hpp"
#include "operator/settings.hpp"

namespace shell {

/// Runs until it is told to stop. The exit code: 0 after an orderly end. Errors (before anything runs): invalid, with
/// what to do.
[[nodiscard]] base::Result<int> run_operator(const Settings& settings);

}  // namespace shell
