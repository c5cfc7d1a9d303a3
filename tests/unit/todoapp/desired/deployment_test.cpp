#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using Json = nlohmann::json;

constexpr auto back = Tier::backend;

Json deployment(const App& app, const Overlay& overlay = {}) {
  const auto content = render_content(app, {});
  return Json::parse(deployment_intent(app, back, content.backend, 4, overlay).body);
}

TEST(Deployment, RunsTheSealedTemplateUnderItsHash) {
  const auto app = an_app().build();
  const auto content = render_content(app, {});
  auto body = deployment(app);
  auto pod_template = body.at("/spec/template"_json_pointer);
  EXPECT_EQ(pod_template["metadata"]["labels"][marked(mark::template_)], content.backend.template_hash);
  pod_template["metadata"]["labels"].erase(marked(mark::template_));
  EXPECT_EQ(pod_template, Json::parse(content.backend.pod_template));
  EXPECT_EQ(body["metadata"]["annotations"][marked(mark::template_)], content.backend.template_hash);
  EXPECT_EQ(body["metadata"]["annotations"][marked(mark::revision)], "4");
}

TEST(Deployment, SelectsByLabelsThatItsPodsHave) {
  const auto body = deployment(an_app());
  const auto& labels = body.at("/spec/template/metadata/labels"_json_pointer);
  const auto& selector = body.at("/spec/selector/matchLabels"_json_pointer);
  EXPECT_EQ(selector.size(), 3U);
  for (const auto& [key, value] : selector.items()) EXPECT_EQ(labels.at(key), value);
}

TEST(Deployment, LeavesReplicasToAnAutoscaler) {
  EXPECT_EQ(deployment(an_app().with_replicas(back, 0)).at("/spec/replicas"_json_pointer), 0);
  EXPECT_FALSE(deployment(an_app().autoscaled(back, 1, 3, 70)).at("spec").contains("replicas"));
}

TEST(Deployment, LaysTheOverlayOverTheTemplate) {
  const auto body = deployment(an_app(), {.restart = "now", .live_secrets = "abc", .secret_versions = "db=1:1"});
  const auto& pod = body.at("/spec/template/metadata/annotations"_json_pointer);
  const auto& own = body.at("/metadata/annotations"_json_pointer);
  EXPECT_EQ(pod, Json({{marked(mark::restart), "now"}, {marked(mark::live_secrets), "abc"}}));
  EXPECT_EQ(own.at(marked(mark::restart)), "now");
  EXPECT_EQ(own.at(marked(mark::secret_versions)), "db=1:1");
  EXPECT_FALSE(own.contains(marked(mark::live_secrets)));
  EXPECT_FALSE(deployment(an_app()).at("/spec/template/metadata"_json_pointer).contains("annotations"));
}

TEST(Deployment, TakesLiveSettingsFromTheSpec) {
  const auto spec = deployment(an_app().keeping(3).with_tier(back, [](TierSpec& tier) {
                      tier.strategy = {.max_surge = "1", .max_unavailable = "\"50%\"", .min_ready_seconds = 4};
                    })).at("spec");
  EXPECT_EQ(spec.at("strategy"),
            Json::parse(R"({"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":"50%"}})"));
  EXPECT_EQ(spec.at("minReadySeconds"), 4);
  EXPECT_EQ(spec.at("revisionHistoryLimit"), 0) << "the history are our own records";
  EXPECT_EQ(spec.at("progressDeadlineSeconds"), 600);
}

}  // namespace
}  // namespace todoapp
