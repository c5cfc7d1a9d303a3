// What the pods of a tier and those of its migration have in common. Private to desired/.
//
// Law: as strict as Pod Security "restricted" unless the spec relaxes it; a read-only root always comes with a writable
// /tmp.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "todoapp/types.hpp"

namespace todoapp::desired {

/// Labels and annotations: the user's, and over them `labels`, which selectors go by.
[[nodiscard]] nlohmann::json pod_metadata(const TierSpec& tier, StringMap labels);
/// A PodSpec around the one `container`, without what concerns only pods that serve.
[[nodiscard]] nlohmann::json pod_spec(const TierSpec& tier, nlohmann::json container);
/// A container without environment, ports, probes and commands.
[[nodiscard]] nlohmann::json container_of(const TierSpec& tier, const char* name);

}  // namespace todoapp::desired
