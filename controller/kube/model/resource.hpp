// The kinds of objects this program speaks of, and what an API server calls them.
// Law: a closed list; a kind that is not here is neither read nor written. The app's own kind is `todoapp`'s to name.
#pragma once

#include <string>

namespace kube {

struct Resource {
  std::string group;  ///< empty for the core group
  std::string version;
  std::string plural;
  std::string kind;
  bool namespaced{true};

  [[nodiscard]] std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  friend bool operator==(const Resource&, const Resource&) = default;
};

namespace resources {

[[nodiscard]] const Resource& deployments();
[[nodiscard]] const Resource& services();
[[nodiscard]] const Resource& config_maps();
[[nodiscard]] const Resource& secrets();
[[nodiscard]] const Resource& controller_revisions();
[[nodiscard]] const Resource& jobs();
[[nodiscard]] const Resource& horizontal_pod_autoscalers();
[[nodiscard]] const Resource& pod_disruption_budgets();
[[nodiscard]] const Resource& network_policies();
[[nodiscard]] const Resource& ingresses();
[[nodiscard]] const Resource& pods();
[[nodiscard]] const Resource& leases();
[[nodiscard]] const Resource& events();

}  // namespace resources
}  // namespace kube
