// Does what the command line asks: asks the cluster, has the pure parts say or decide, prints.
// Law: no judgement of its own; what goes wrong is an error, which `main` prints and turns into exit code 1.
#pragma once

#include "base/result.hpp"
#include "kubectl/client.hpp"
#include "kubectl/options.hpp"
#include "kubectl/terminal.hpp"
#include "kubectl/waiting.hpp"

namespace kubectl {

/// The exit code.
[[nodiscard]] base::Result<int> run(const Options& options, Client& client, Terminal& terminal);

}  // namespace kubectl
