// Law 1, its end: a state in which nothing happens any more is as the user asked for, or holds for a reason that it
// says and that is true.
#pragma once

#include <optional>
#include <string>

#include "model/cluster.hpp"

namespace todoapp::model {

/// What is wrong with a state in which `Cluster::fair` knows no further step; nothing where all is well.
[[nodiscard]] std::optional<std::string> wrong_at_rest(Cluster& cluster, const State& state, Weather weather);

}  // namespace todoapp::model
