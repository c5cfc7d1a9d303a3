// Answers a shell that completes a command line.
// Law: silent; what cannot be known (no cluster, no right) is left out.
#pragma once

#include <string>

#include "kubectl/options.hpp"

namespace kubectl {

[[nodiscard]] std::string complete(const CompleteWords& asked);

}  // namespace kubectl
