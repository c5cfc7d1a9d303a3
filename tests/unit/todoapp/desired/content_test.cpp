#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"

namespace todoapp {
namespace {

using test::an_app;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Json = nlohmann::json;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

Json template_of(const App& app, Tier tier, const SealedSecrets& sealed = {}) {
  return Json::parse(render_content(app, sealed).tier(tier).pod_template);
}

Json container_of(const App& app, Tier tier, const SealedSecrets& sealed = {}) {
  return template_of(app, tier, sealed).at("/spec/containers/0"_json_pointer);
}

/// "NAME=value", or "NAME<-secret/key" where the value comes from a Secret.
std::vector<std::string> environment(const App& app, Tier tier) {
  std::vector<std::string> lines;
  const auto container = container_of(app, tier);
  for (const auto& entry : container.at("env")) {
    const auto name = entry.at("name").get<std::string>();
    if (entry.contains("valueFrom")) {
      const auto& source = entry.at("/valueFrom/secretKeyRef"_json_pointer);
      lines.push_back(name + "<-" + source.at("name").get<std::string>() + "/" + source.at("key").get<std::string>());
    } else {
      lines.push_back(name + "=" + entry.at("value").get<std::string>());
    }
  }
  return lines;
}

TEST(Content, OfTheSameAppIsTheSame) {
  EXPECT_EQ(render_content(an_app(), {}), render_content(an_app(), {}));
  EXPECT_EQ(render_content(an_app(), {}).renderer_version, renderer_version);
}

TEST(Content, IsNotTouchedByLiveSettings) {
  const auto app = an_app()
                       .with_replicas(back, 7)
                       .autoscaled(front, 1, 3, 70)
                       .with_service_port(front, 8080)
                       .soaking(std::chrono::seconds{99})
                       .keeping(3)
                       .asking_restart("now")
                       .with_tier(back, [](TierSpec& tier) { tier.strategy.min_ready_seconds = 9; })
                       .with_spec([](Spec& spec) { spec.ingress.emplace(); })
                       .build();
  EXPECT_EQ(render_content(app, {}), render_content(an_app(), {}));
}

TEST(Content, OfOneTierIsNotTouchedByTheOther) {
  const auto before = render_content(an_app(), {});
  const auto after = render_content(an_app().with_backend_image("todo-backend:2"), {});
  EXPECT_EQ(before.frontend, after.frontend);
  EXPECT_NE(before.backend.template_hash, after.backend.template_hash);
}

TEST(Content, OrdersTheEnvironmentSoThatTheUsersOwnListComesLast) {
  const auto app = an_app()
                       .with_env(front, R"x([{"name":"Z","value":"$(BACKEND_URL)"},{"name":"A","value":"1"}])x")
                       .with_live_secret("TOKEN", "tokens", "front")
                       .used_by_both()
                       .build();
  EXPECT_THAT(environment(app, front), ElementsAre("TOKEN<-tokens/front", "BACKEND_URL=http://todo-backend:8000",
                                                   "PORT=3000", "Z=$(BACKEND_URL)", "A=1"));
  EXPECT_THAT(environment(app, back), ElementsAre("TOKEN<-tokens/front", "PORT=8000"));
}

TEST(Content, LetsTheUsersBackendUrlWinHoweverItIsSet) {
  const auto plain = environment(an_app(), front);
  EXPECT_THAT(plain, ElementsAre("BACKEND_URL=http://todo-backend:8000", "PORT=3000"));
  const std::vector<App> table{
      an_app().with_config("BACKEND_URL", "http://b"),
      an_app().with_config(front, "BACKEND_URL", "http://b"),
      an_app().with_generated_secret("BACKEND_URL").used_by_both(),
  };
  for (const auto& app : table) EXPECT_THAT(environment(app, front), ElementsAre("PORT=3000"));
  EXPECT_THAT(environment(an_app().with_env(front, R"([{"name":"BACKEND_URL","value":"http://b"}])"), front),
              ElementsAre("PORT=3000", "BACKEND_URL=http://b"));
  EXPECT_THAT(environment(an_app().with_live_secret("BACKEND_URL", "s", "k").used_by_both(), front),
              ElementsAre("BACKEND_URL<-s/k", "PORT=3000"));
}

TEST(Content, GivesTheFrontendTheBackendsServicePort) {
  const auto app = an_app().with_service_port(back, 9090).build();
  EXPECT_EQ(environment(app, front).front(), "BACKEND_URL=http://todo-backend:9090");
  EXPECT_THAT(environment(app, back), ElementsAre("PORT=8000"));
}

TEST(Content, LetsATiersOwnConfigWin) {
  const auto content =
      render_content(an_app().with_config("A", "1").with_config("B", "1").with_config(back, "B", "2"), {});
  EXPECT_EQ(content.frontend.config, (StringMap{{"A", "1"}, {"B", "1"}}));
  EXPECT_EQ(content.backend.config, (StringMap{{"A", "1"}, {"B", "2"}}));
  EXPECT_NE(content.frontend.config_name, content.backend.config_name);
}

TEST(Content, NamesConfigByWhatItHolds) {
  const auto name = [](const App& app) { return render_content(app, {}).backend.config_name; };
  EXPECT_THAT(name(an_app()), IsEmpty());
  EXPECT_TRUE(name(an_app().with_config("A", "1")).starts_with("todo-backend-config-"));
  EXPECT_EQ(name(an_app().with_config("A", "1")), name(an_app().with_config(back, "A", "1")));
  EXPECT_NE(name(an_app().with_config("A", "1")), name(an_app().with_config("A", "2")));
}

TEST(Content, TakesTheEnvironmentFromTheSealedObjects) {
  const auto app = an_app().with_config("A", "1").with_generated_secret("B").build();
  const auto content = render_content(app, {.frontend = "", .backend = "todo-backend-secrets-0123456789"});
  const auto from = Json::parse(content.backend.pod_template).at("/spec/containers/0/envFrom"_json_pointer);
  EXPECT_EQ(from, Json::parse(R"([{"configMapRef":{"name":")" + content.backend.config_name +
                              R"("}},{"secretRef":{"name":"todo-backend-secrets-0123456789"}}])"));
  EXPECT_FALSE(container_of(an_app(), back).contains("envFrom"));
}

TEST(Content, IsRestrictedUnlessRelaxed) {
  const auto pod = template_of(an_app(), back).at("spec");
  EXPECT_EQ(pod.at("securityContext"), Json::parse(restricted_pod));
  EXPECT_EQ(pod.at("/containers/0/securityContext"_json_pointer), Json::parse(restricted_container));
  EXPECT_EQ(pod.at("automountServiceAccountToken"), false);
  const auto account =
      template_of(an_app().with_tier(back, [](TierSpec& tier) { tier.service_account_name = "todo"; }), back);
  EXPECT_FALSE(account.at("spec").contains("automountServiceAccountToken"));
}

TEST(Content, NamesWhatAServerWouldFillInFromTheImageOrAnAlias) {
  const auto policy = [](const char* image) {
    return container_of(an_app().with_backend_image(image), back)["imagePullPolicy"];
  };
  EXPECT_EQ(policy("localhost/todo:1.0"), "IfNotPresent");
  EXPECT_EQ(policy("localhost/todo:latest"), "Always");
  EXPECT_EQ(policy("localhost:5000/todo"), "Always") << "a port is no tag";
  EXPECT_EQ(policy("todo"), "Always");
  EXPECT_EQ(policy("todo@sha256:0123"), "IfNotPresent");
  EXPECT_EQ(template_of(an_app(), back).at("/spec/serviceAccountName"_json_pointer), "default");
}

TEST(Content, GivesPodsAWritableTmp) {
  const auto app = an_app().with_tier(back, [](TierSpec& tier) {
    tier.volumes = R"([{"emptyDir":{},"name":"data"}])";
    tier.volume_mounts = R"([{"mountPath":"/data","name":"data"}])";
  });
  const auto pod = template_of(app, back).at("spec");
  EXPECT_EQ(pod.at("volumes"), Json::parse(R"([{"name":"tmp","emptyDir":{}},{"name":"data","emptyDir":{}}])"));
  EXPECT_EQ(pod.at("/containers/0/volumeMounts"_json_pointer),
            Json::parse(R"([{"name":"tmp","mountPath":"/tmp"},{"name":"data","mountPath":"/data"}])"));
}

TEST(Content, LeavesOutWhatIsDisabled) {
  const auto app = an_app().with_tier(back, [](TierSpec& tier) {
    tier.probes.liveness.disabled = tier.probes.readiness.disabled = tier.probes.startup.disabled = true;
    tier.pre_stop_seconds = 0;
    tier.resources = "";
  });
  const auto container = container_of(app, back);
  for (const auto* key : {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources"}) {
    EXPECT_TRUE(container_of(an_app(), back).contains(key)) << key;
    EXPECT_FALSE(container.contains(key)) << key;
  }
}

TEST(Content, KeepsItsOwnLabelsWhateverTheUserSays) {
  const auto app = an_app().with_tier(
      back, [](TierSpec& tier) { tier.pod_labels = {{"app.kubernetes.io/component", "other"}, {"team", "shop"}}; });
  const auto labels = template_of(app, back).at("/metadata/labels"_json_pointer);
  EXPECT_EQ(labels.at("app.kubernetes.io/component"), "backend");
  EXPECT_EQ(labels.at("team"), "shop");
}

TEST(Content, RunsTheMigrationInTheBackendsEnvironmentAndPlace) {
  const auto app = an_app()
                       .with_config("A", "1")
                       .with_live_secret("DATABASE_URL", "db", "url")
                       .with_env(back, R"([{"name":"B","value":"1"},{"name":"C","value":"1"}])")
                       .with_migration(3, 2)
                       .with_tier(back,
                                  [](TierSpec& tier) {
                                    tier.migration->env = R"([{"name":"B","value":"2"}])";
                                    tier.service_account_name = "todo";
                                  })
                       .build();
  const auto content = render_content(app, {});
  ASSERT_TRUE(content.migration.has_value());
  EXPECT_EQ(content.migration->schema_version, 3);
  EXPECT_EQ(content.migration->compatible_from, 2);
  const auto pod = Json::parse(content.migration->job_template).at("/template/spec"_json_pointer);
  const auto& container = pod.at("containers").at(0);
  std::vector<std::string> names;
  for (const auto& entry : container.at("env")) names.push_back(entry.at("name"));
  EXPECT_THAT(names, ElementsAre("DATABASE_URL", "PORT", "C", "B"));
  EXPECT_EQ(container.at("envFrom").at(0).at("configMapRef").at("name"), content.backend.config_name);
  EXPECT_EQ(pod.at("serviceAccountName"), "todo");
  EXPECT_EQ(pod.at("restartPolicy"), "Never");
  for (const auto* key : {"ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"}) {
    EXPECT_FALSE(container.contains(key)) << key;
  }
}

TEST(Content, HasNoMigrationWhereNoneIsAskedFor) { EXPECT_FALSE(render_content(an_app(), {}).migration.has_value()); }

}  // namespace
}  // namespace todoapp
