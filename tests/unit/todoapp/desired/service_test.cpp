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

Json service(const App& app) { return Json::parse(service_intent(app, front).body); }

TEST(Service, SendsToThePortNamedHttp) {
  const auto spec = service(an_app()).at("spec");
  EXPECT_EQ(spec.at("ports"), Json::parse(R"([{"name":"http","port":80,"protocol":"TCP","targetPort":"http"}])"));
  EXPECT_EQ(spec.at("type"), "ClusterIP");
  EXPECT_EQ(spec.at("selector"), Json(selector_labels("todo", front)));
}

TEST(Service, NamesANodePortOnlyWhereTheUserDoes) {
  const auto port = [](const App& app) { return service(app).at("/spec/ports/0"_json_pointer); };
  const auto node_port = [](TierSpec& tier) { tier.service.type = "NodePort", tier.service.node_port = 30000; };
  EXPECT_FALSE(
      port(an_app().with_tier(front, [](TierSpec& tier) { tier.service.type = "NodePort"; })).contains("nodePort"));
  EXPECT_EQ(port(an_app().with_tier(front, node_port)).at("nodePort"), 30000);
}

TEST(Service, CarriesTheUsersAnnotationsBesideItsOwn) {
  const auto intent = service_intent(
      an_app().with_tier(front, [](TierSpec& tier) { tier.service.annotations = {{"team", "shop"}}; }), front);
  EXPECT_EQ(Json::parse(intent.body).at("/metadata/annotations"_json_pointer),
            Json({{"team", "shop"}, {marked(mark::applied), intent.hash}, {marked(mark::ports), "80"}}));
}

}  // namespace
}  // namespace todoapp
