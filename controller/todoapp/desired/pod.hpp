// What the pods of a tier and those of its migration have in common. Private to desired/.
//
// Law: as strict as Pod Security "restricted" unless the spec relaxes it; a read-only root always comes with a writable
// /tmp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "todoapp/types.hpp"

namespace todoapp::desired {

/// The migration's container, and what its Job and pods say they are: no selector of the backend may match them.
inline constexpr std::string_view migration_component = "migration";
[[nodiscard]] StringMap migration_labels(std::string_view app);

/// What differs from container to container; what is empty is left out.
struct Container {
  std::string_view name;
  JsonText args{};
  JsonText command{};
  JsonText env{};
  JsonText env_from{};
  JsonText lifecycle{};
  JsonText liveness_probe{};
  JsonText ports{};
  JsonText readiness_probe{};
  JsonText startup_probe{};
};

/// What differs from pod to pod.
struct Pod {
  Container container;
  std::string_view restart_policy{};
  std::optional<std::int32_t> grace_seconds{};
  JsonText topology_spread_constraints{};
};

/// A PodTemplateSpec. `labels` are what selectors go by: they win over the user's.
[[nodiscard]] JsonText pod_template(const TierSpec& tier, StringMap labels, const Pod& pod);
/// The same, from the parts of its metadata.
[[nodiscard]] JsonText pod_template(const StringMap& labels, const StringMap& annotations, std::string_view spec);

}  // namespace todoapp::desired
