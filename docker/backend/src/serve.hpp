// The program as it serves: wires the HTTP server, the workers and the database, until SIGTERM.
//
//   SIGTERM: /ready says no, each answer is its connection's last -> (DRAIN_SECONDS) -> no new connections -> what was
//   asked is answered, 10 seconds at most -> exit 0. A second signal skips the wait.
#pragma once

#include "settings.hpp"

namespace todo {

/// Returns the exit code.
[[nodiscard]] int serve(const Settings& settings);

/// `todo-backend migrate`: returns the exit code.
[[nodiscard]] int run_migrate(const Settings& settings, const MigrateCommand& command);

}  // namespace todo
