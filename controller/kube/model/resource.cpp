#include "kube/model/resource.hpp"

namespace kube::resources {

const Resource& deployments() {
  static const Resource resource{"apps", "v1", "deployments", "Deployment"};
  return resource;
}
const Resource& services() {
  static const Resource resource{"", "v1", "services", "Service"};
  return resource;
}
const Resource& config_maps() {
  static const Resource resource{"", "v1", "configmaps", "ConfigMap"};
  return resource;
}
const Resource& secrets() {
  static const Resource resource{"", "v1", "secrets", "Secret"};
  return resource;
}
const Resource& controller_revisions() {
  static const Resource resource{"apps", "v1", "controllerrevisions", "ControllerRevision"};
  return resource;
}
const Resource& jobs() {
  static const Resource resource{"batch", "v1", "jobs", "Job"};
  return resource;
}
const Resource& horizontal_pod_autoscalers() {
  static const Resource resource{"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"};
  return resource;
}
const Resource& pod_disruption_budgets() {
  static const Resource resource{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"};
  return resource;
}
const Resource& network_policies() {
  static const Resource resource{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"};
  return resource;
}
const Resource& ingresses() {
  static const Resource resource{"networking.k8s.io", "v1", "ingresses", "Ingress"};
  return resource;
}
const Resource& pods() {
  static const Resource resource{"", "v1", "pods", "Pod"};
  return resource;
}
const Resource& leases() {
  static const Resource resource{"coordination.k8s.io", "v1", "leases", "Lease"};
  return resource;
}
const Resource& events() {
  static const Resource resource{"events.k8s.io", "v1", "events", "Event"};
  return resource;
}

}  // namespace kube::resources
