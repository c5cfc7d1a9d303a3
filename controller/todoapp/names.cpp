#include "todoapp/names.hpp"

#include <fmt/format.h>

namespace todoapp {

std::string marked(std::string_view name) { return std::string(prefix).append(name); }

const kube::Resource& app_resource() {
  static const kube::Resource resource{"apps.todoapp.dev", "v1alpha1", "todoappdeployments", "TodoAppDeployment"};
  return resource;
}

const kube::Resource& resource_of(Kind kind) {
  switch (kind) {
    case Kind::deployment:
      return kube::resources::deployments();
    case Kind::service:
      return kube::resources::services();
    case Kind::config_map:
      return kube::resources::config_maps();
    case Kind::secret:
      return kube::resources::secrets();
    case Kind::controller_revision:
      return kube::resources::controller_revisions();
    case Kind::job:
      return kube::resources::jobs();
    case Kind::horizontal_pod_autoscaler:
      return kube::resources::horizontal_pod_autoscalers();
    case Kind::pod_disruption_budget:
      return kube::resources::pod_disruption_budgets();
    case Kind::network_policy:
      return kube::resources::network_policies();
    case Kind::ingress:
      return kube::resources::ingresses();
  }
  return kube::resources::deployments();
}

std::string_view to_string(Tier tier) { return tier == Tier::frontend ? "frontend" : "backend"; }

std::string_view to_string(Kind kind) { return resource_of(kind).kind; }

std::string tier_name(std::string_view app, Tier tier) { return fmt::format("{}-{}", app, to_string(tier)); }

std::string config_name(std::string_view app, Tier tier, std::string_view hash) {
  return fmt::format("{}-{}-config-{}", app, to_string(tier), hash);
}

std::string sealed_secret_name(std::string_view app, Tier tier, std::string_view hash) {
  return fmt::format("{}-{}-secrets-{}", app, to_string(tier), hash);
}

std::string keys_name(std::string_view app) { return fmt::format("{}-keys", app); }

std::string revision_name(std::string_view app, std::int64_t number) { return fmt::format("{}-rev-{}", app, number); }

std::string migration_name(std::string_view app, std::int64_t number) {
  return fmt::format("{}-migrate-{}", app, number);
}

StringMap selector_labels(std::string_view app, Tier tier) {
  return {{"app.kubernetes.io/name", "todoapp"},
          {"app.kubernetes.io/instance", std::string(app)},
          {"app.kubernetes.io/component", std::string(to_string(tier))}};
}

StringMap object_labels(std::string_view app, const Tier* tier) {
  StringMap labels{{"app.kubernetes.io/name", "todoapp"},
                   {"app.kubernetes.io/instance", std::string(app)},
                   {"app.kubernetes.io/part-of", "todoapp"},
                   {"app.kubernetes.io/managed-by", "todoapp-operator"}};
  if (tier != nullptr) labels.emplace("app.kubernetes.io/component", to_string(*tier));
  return labels;
}

}  // namespace todoapp
