#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using Json = nlohmann::json;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

TEST(Policies, AreMadeOnlyWhereAskedFor) {
  for (const auto tier : all_tiers) {
    EXPECT_FALSE(autoscaler_intent(an_app(), tier).has_value());
    EXPECT_FALSE(disruption_budget_intent(an_app(), tier).has_value());
  }
  EXPECT_FALSE(network_policy_intent(an_app()).has_value());
  EXPECT_FALSE(ingress_intent(an_app()).has_value());
}

TEST(Autoscaler, ScalesTheTiersDeployment) {
  const auto intent = autoscaler_intent(an_app().autoscaled(back, 2, 5, 70), back).value();
  EXPECT_EQ(Json::parse(intent.body).at("spec"), Json::parse(R"({
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "todo-backend"},
    "minReplicas": 2, "maxReplicas": 5,
    "metrics": [{"type": "Resource",
                 "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]})"));
  EXPECT_FALSE(autoscaler_intent(an_app().autoscaled(back, 2, 5, 70), front).has_value());
}

TEST(DisruptionBudget, KeepsNoNodeFromBeingDrainedForABrokenPod) {
  const auto app = an_app().with_tier(back, [](TierSpec& tier) { tier.disruption_budget = {"\"50%\"", ""}; }).build();
  const auto spec = Json::parse(disruption_budget_intent(app, back).value().body).at("spec");
  EXPECT_EQ(spec.at("minAvailable"), "50%");
  EXPECT_FALSE(spec.contains("maxUnavailable"));
  EXPECT_EQ(spec.at("unhealthyPodEvictionPolicy"), "AlwaysAllow");
  EXPECT_EQ(spec.at("selector"), Json({{"matchLabels", selector_labels("todo", back)}}));
}

TEST(NetworkPolicy, LetsTheFrontendAndWhomTheUserNamesReachTheBackend) {
  const auto app = an_app()
                       .with_spec([](Spec& spec) {
                         spec.network_policy = {true, R"([{"podSelector":{"matchLabels":{"app":"prometheus"}}}])"};
                       })
                       .build();
  const auto spec = Json::parse(network_policy_intent(app).value().body).at("spec");
  const Json frontend = {{"podSelector", {{"matchLabels", selector_labels("todo", front)}}}};
  const Json prometheus = {{"podSelector", {{"matchLabels", {{"app", "prometheus"}}}}}};
  EXPECT_EQ(spec.at("podSelector"), Json({{"matchLabels", selector_labels("todo", back)}}));
  EXPECT_EQ(spec.at("/ingress/0/from"_json_pointer), Json::array({frontend, prometheus}));
  EXPECT_EQ(spec.at("/ingress/0/ports"_json_pointer), Json::parse(R"([{"port":"http","protocol":"TCP"}])"));
}

}  // namespace
}  // namespace todoapp
