#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::ListText;
using desired::ObjectText;

JsonText pods_of(const App& app, Tier tier) {
  return ObjectText{}.map("matchLabels", selector_labels(app.name, tier)).str();
}

JsonText utilization(const char* resource, std::int32_t percentage) {
  const auto target = ObjectText{}.number("averageUtilization", percentage).text("type", "Utilization").str();
  const auto metric = ObjectText{}.text("name", resource).json("target", target).str();
  return ObjectText{}.json("resource", metric).text("type", "Resource").str();
}

Intent of_tier(const App& app, Kind kind, Tier tier, const JsonText& spec) {
  return desired::finish(
      app, {.kind = kind, .name = tier_name(app.name, tier), .labels = object_labels(app.name, &tier), .spec = spec});
}

}  // namespace

std::optional<Intent> autoscaler_intent(const App& app, Tier tier) {
  const auto& autoscaling = app.spec.tier(tier).autoscaling;
  if (!autoscaling) return std::nullopt;
  const auto& scaled = resource_of(Kind::deployment);
  ListText metrics;
  if (autoscaling->target_cpu) metrics.json(utilization("cpu", *autoscaling->target_cpu));
  if (autoscaling->target_memory) metrics.json(utilization("memory", *autoscaling->target_memory));
  const auto target = ObjectText{}
                          .text("apiVersion", scaled.api_version())
                          .text("kind", scaled.kind)
                          .text("name", tier_name(app.name, tier))
                          .str();
  const auto spec = ObjectText{}
                        .json("behavior", autoscaling->behavior)
                        .number("maxReplicas", autoscaling->max_replicas)
                        .json("metrics", metrics.str())
                        .number("minReplicas", autoscaling->min_replicas)
                        .json("scaleTargetRef", target)
                        .str();
  return of_tier(app, Kind::horizontal_pod_autoscaler, tier, spec);
}

std::optional<Intent> disruption_budget_intent(const App& app, Tier tier) {
  const auto& budget = app.spec.tier(tier).disruption_budget;
  if (!budget) return std::nullopt;
  const auto spec = ObjectText{}
                        .json("maxUnavailable", budget->max_unavailable)
                        .json("minAvailable", budget->min_available)
                        .json("selector", pods_of(app, tier))
                        // A pod that is broken anyway must not keep a node from being drained.
                        .text("unhealthyPodEvictionPolicy", "AlwaysAllow")
                        .str();
  return of_tier(app, Kind::pod_disruption_budget, tier, spec);
}

std::optional<Intent> network_policy_intent(const App& app) {
  const auto& policy = app.spec.network_policy;
  if (!policy.enabled) return std::nullopt;
  const auto frontend = ObjectText{}.json("podSelector", pods_of(app, Tier::frontend)).str();
  const auto rule = ObjectText{}
                        .json("from", ListText{}.json(frontend).entries(policy.allow_from).str())
                        .json("ports", R"([{"port":"http","protocol":"TCP"}])")
                        .str();
  const auto spec = ObjectText{}
                        .json("ingress", ListText{}.json(rule).str())
                        .json("podSelector", pods_of(app, Tier::backend))
                        .json("policyTypes", R"(["Ingress"])")
                        .str();
  return of_tier(app, Kind::network_policy, Tier::backend, spec);
}

}  // namespace todoapp
