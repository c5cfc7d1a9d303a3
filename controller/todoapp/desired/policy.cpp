#include <nlohmann/json.hpp>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::Json;

Json pods_of(const App& app, Tier tier) { return Json::object({{"matchLabels", selector_labels(app.name, tier)}}); }

Json utilization(const char* resource, std::int32_t percentage) {
  Json target = Json::object({{"type", "Utilization"}, {"averageUtilization", percentage}});
  Json metric = Json::object({{"name", resource}, {"target", std::move(target)}});
  return Json::object({{"type", "Resource"}, {"resource", std::move(metric)}});
}

}  // namespace

std::optional<Intent> autoscaler_intent(const App& app, Tier tier) {
  const auto& autoscaling = app.spec.tier(tier).autoscaling;
  if (!autoscaling) return std::nullopt;
  const auto name = tier_name(app.name, tier);
  const auto& scaled = resource_of(Kind::deployment);
  Json metrics = Json::array();
  if (autoscaling->target_cpu) metrics.push_back(utilization("cpu", *autoscaling->target_cpu));
  if (autoscaling->target_memory) metrics.push_back(utilization("memory", *autoscaling->target_memory));
  Json spec = Json::object();
  spec["scaleTargetRef"] = Json::object({{"apiVersion", scaled.api_version()}, {"kind", scaled.kind}, {"name", name}});
  spec["minReplicas"] = autoscaling->min_replicas;
  spec["maxReplicas"] = autoscaling->max_replicas;
  desired::set(spec, "metrics", std::move(metrics));
  desired::set_parsed(spec, "behavior", autoscaling->behavior);
  auto body = desired::body_of(app, Kind::horizontal_pod_autoscaler, name, &tier);
  body["spec"] = std::move(spec);
  return desired::finish(Kind::horizontal_pod_autoscaler, std::move(body));
}

std::optional<Intent> disruption_budget_intent(const App& app, Tier tier) {
  const auto& budget = app.spec.tier(tier).disruption_budget;
  if (!budget) return std::nullopt;
  Json spec = Json::object();
  desired::set_parsed(spec, "minAvailable", budget->min_available);
  desired::set_parsed(spec, "maxUnavailable", budget->max_unavailable);
  spec["selector"] = pods_of(app, tier);
  // A pod that is broken anyway must not keep a node from being drained.
  spec["unhealthyPodEvictionPolicy"] = "AlwaysAllow";
  auto body = desired::body_of(app, Kind::pod_disruption_budget, tier_name(app.name, tier), &tier);
  body["spec"] = std::move(spec);
  return desired::finish(Kind::pod_disruption_budget, std::move(body));
}

std::optional<Intent> network_policy_intent(const App& app) {
  const auto& policy = app.spec.network_policy;
  if (!policy.enabled) return std::nullopt;
  auto peers = Json::array({Json::object({{"podSelector", pods_of(app, Tier::frontend)}})});
  for (auto& peer : desired::parsed(policy.allow_from)) peers.push_back(std::move(peer));
  Json rule = Json::object();
  rule["from"] = std::move(peers);
  rule["ports"] = Json::array({Json::object({{"port", "http"}, {"protocol", "TCP"}})});
  Json spec = Json::object();
  spec["podSelector"] = pods_of(app, Tier::backend);
  spec["policyTypes"] = Json::array({"Ingress"});
  spec["ingress"] = Json::array({std::move(rule)});
  constexpr auto tier = Tier::backend;
  auto body = desired::body_of(app, Kind::network_policy, tier_name(app.name, tier), &tier);
  body["spec"] = std::move(spec);
  return desired::finish(Kind::network_policy, std::move(body));
}

}  // namespace todoapp
