#include "todoapp/validation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/builders.hpp"
#include "unit/todoapp/yaml_json.hpp"

namespace todoapp {
namespace {

using test::an_app;
using test::AppBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

/// One change to a valid app, and how the one problem that it makes begins.
struct Row {
  std::function<void(AppBuilder&)> change;
  std::string problem;
};

void check(const std::vector<Row>& table) {
  for (const auto& row : table) {
    auto app = an_app();
    row.change(app);
    EXPECT_THAT(problems_of(app), ElementsAre(StartsWith(row.problem)));
  }
}

TEST(Validation, AcceptsTheLeastAndTheFullestApp) {
  EXPECT_THAT(problems_of(an_app()), IsEmpty());
  auto full = an_app().build();
  full.spec = decode_spec(test::load_yaml("tests/golden/apps/full.yaml").at("spec").dump()).value();
  EXPECT_THAT(problems_of(full), IsEmpty());
}

TEST(Validation, OfTheName) {
  EXPECT_THAT(problems_of(an_app().named(std::string(40, 'a'))), IsEmpty());
  check({
      {[](auto& app) { app.named(std::string(41, 'a')); }, "metadata.name: has 41 characters"},
      {[](auto& app) { app.named("2do"); }, "metadata.name: is no DNS label"},
      {[](auto& app) { app.named("to.do"); }, "metadata.name: is no DNS label"},
      {[](auto& app) { app.named("Todo"); }, "metadata.name: is no DNS label"},
      {[](auto& app) { app.named("todo-"); }, "metadata.name: is no DNS label"},
      {[](auto& app) { app.named(""); }, "metadata.name: is no DNS label"},
  });
}

TEST(Validation, OfImages) {
  check({
      {[](auto& app) { app.with_backend_image(""); }, "spec.backend.image: is empty; name an image"},
      {[](auto& app) { app.with_frontend_image("todo :1"); }, "spec.frontend.image: holds white space"},
      {[](auto& app) { app.with_frontend_image("todo:1\n"); }, "spec.frontend.image: holds white space"},
  });
}

TEST(Validation, OfVariablesThatAreNamedTwice) {
  check({
      {[](auto& app) { app.with_env(back, R"([{"name":"A","value":"1"},{"name":"A","value":"2"}])"); },
       "spec.backend.env: names A twice"},
      {[](auto& app) { app.with_env(back, R"([{"name":"A"}])").with_live_secret("A", "db", "url"); },
       "spec.backend.env: A is a secret of that tier too"},
      {[](auto& app) { app.with_config("A", "1").with_generated_secret("A"); },
       "spec.config: A is a secret of the backend too"},
      {[](auto& app) { app.with_config(back, "A", "1").with_generated_secret("A"); },
       "spec.backend.config: A is a secret of the backend too"},
      {[](auto& app) { app.with_generated_secret("A").with_live_secret("A", "db", "url"); },
       "spec.secrets[A]: stands there twice"},
      {[](auto& app) {
         app.with_migration(1, 1).with_live_secret("A", "db", "url").with_tier(back, [](TierSpec& tier) {
           tier.migration->env = R"([{"name":"A","value":"1"}])";
         });
       },
       "spec.backend.migration.env: A is a secret of that tier too"},
  });
}

TEST(Validation, LetsATierHaveWhatTheOtherKeepsSecret) {
  EXPECT_THAT(problems_of(an_app().with_env(front, R"([{"name":"A","value":"1"}])").with_live_secret("A", "db", "url")),
              IsEmpty());
  EXPECT_THAT(problems_of(an_app().with_config(front, "A", "1").with_generated_secret("A")), IsEmpty());
  EXPECT_THAT(problems_of(an_app().with_env(front, R"([{"name":"BACKEND_URL","value":"http://b"}])")), IsEmpty());
}

TEST(Validation, OfVariableNames) {
  check({
      {[](auto& app) { app.with_config("A B", "1"); }, R"(spec.config: "A B" is no name of an environment variable)"},
      {[](auto& app) { app.with_config(front, "1A", "1"); }, R"(spec.frontend.config: "1A" is no name)"},
      {[](auto& app) { app.with_env(front, R"([{"name":"A=B"}])"); }, R"(spec.frontend.env: "A=B" is no name)"},
      {[](auto& app) { app.with_env(front, R"([{"value":"1"}])"); }, R"(spec.frontend.env: "" is no name)"},
      {[](auto& app) { app.with_live_secret("A/B", "db", "url"); }, "spec.secrets[A/B]: is no name"},
  });
}

TEST(Validation, OfSecrets) {
  check({
      {[](auto& app) { app.with_live_secret("A", "todo-keys", "x"); },
       "spec.secrets[A]: is taken from a Secret that the"},
      {[](auto& app) { app.with_live_secret("A", "todo-backend-secrets-0123456789", "x"); },
       "spec.secrets[A]: is taken from a Secret that the"},
      {[](auto& app) { app.with_live_secret("A", "db", ""); }, "spec.secrets[A]: valueFrom.secretKeyRef.key is empty"},
      {[](auto& app) { app.with_generated_secret("A", 0); }, "spec.secrets[A]: set exactly one of"},
      {[](auto& app) {
         app.with_secret({.name = "A", .source_name = "db", .source_key = "url", .generate_bytes = 32});
       },
       "spec.secrets[A]: set exactly one of"},
      {[](auto& app) { app.with_generated_secret("A", 8); }, "spec.secrets[A].generate.bytes: is 8; choose"},
      {[](auto& app) {
         app.with_secret(
             {.name = "A", .source_name = {}, .source_key = {}, .generate_bytes = 32, .policy = SecretPolicy::pinned});
       },
       "spec.secrets[A]: policy needs valueFrom"},
      {[](auto& app) {
         app.with_generated_secret("A").with_spec([](Spec& spec) { spec.secrets[0].in_backend = false; });
       },
       "spec.secrets[A]: no tier uses it"},
      {[](auto& app) {
         app.with_env(back, R"([{"name":"A","valueFrom":{"secretKeyRef":{"name":"todo-keys","key":"hmac.key"}}}])");
       },
       "spec.backend.env: A is taken from a Secret that the operator keeps"},
  });
}

TEST(Validation, OfConfigThatFitsIntoNoRevision) {
  const auto kib = [](std::size_t count, char c = 'x') { return std::string(count * 1024, c); };
  EXPECT_THAT(problems_of(an_app().with_config("A", kib(128)).with_config(back, "B", kib(127))), IsEmpty());
  check({
      {[&](auto& app) { app.with_config(back, "A", kib(300)); },
       "spec.config: with spec.backend.config holds 301 KiB, at most 256 KiB fit into a revision"},
      {[&](auto& app) { app.with_config("A", kib(128)).with_config(front, "B", kib(128)); },
       "spec.config: with spec.frontend.config holds 257 KiB"},
      // "<" is recorded as "\u003c".
      {[&](auto& app) { app.with_config(front, "A", kib(50, '<')); },
       "spec.config: with spec.frontend.config holds 301 KiB"},
  });
}

TEST(Validation, OfVolumes) {
  const auto with = [](const char* volumes, const char* mounts) {
    return [=](AppBuilder& app) {
      app.with_tier(back, [&](TierSpec& tier) { tier.volumes = volumes, tier.volume_mounts = mounts; });
    };
  };
  check({
      {with("", R"([{"name":"data","mountPath":"/data"}])"), R"(spec.backend.volumeMounts: no volume is named "data")"},
      {with(R"([{"name":"tmp","emptyDir":{}}])", ""), "spec.backend.volumes: tmp is the operator's own"},
      {with(R"([{"name":"a","hostPath":{"path":"/"}}])", ""), "spec.backend.volumes: a is of no kind that is allowed"},
      {with(R"([{"name":"a","emptyDir":{}},{"name":"a","emptyDir":{}}])", ""), "spec.backend.volumes: names a twice"},
      {with(R"([{"name":"a","emptyDir":{}}])", R"([{"name":"a","mountPath":"/tmp/"}])"),
       "spec.backend.volumeMounts: the operator mounts an emptyDir on /tmp"},
      {with(R"([{"name":"a","emptyDir":{}}])", R"([{"name":"a","mountPath":"/a"},{"name":"a","mountPath":"/a/"}])"),
       "spec.backend.volumeMounts: mounts on /a twice"},
      {with(R"([{"name":"a","secret":{"secretName":"todo-keys"}}])", ""),
       "spec.backend.volumes: a mounts a Secret that the operator keeps"},
  });
}

TEST(Validation, OfKeysThatBelongToTheOperator) {
  check({
      {[](auto& app) { app.with_tier(back, [](TierSpec& t) { t.pod_labels["app.kubernetes.io/name"] = "x"; }); },
       "spec.backend.podLabels: app.kubernetes.io/name belongs to the operator"},
      {[](auto& app) { app.with_tier(back, [](TierSpec& t) { t.pod_annotations["apps.todoapp.dev/restart"] = "x"; }); },
       "spec.backend.podAnnotations: apps.todoapp.dev/restart belongs"},
      {[](auto& app) { app.with_tier(back, [](TierSpec& t) { t.service.annotations["apps.todoapp.dev/a"] = "x"; }); },
       "spec.backend.service.annotations: apps.todoapp.dev/a belongs"},
      {[](auto& app) { app.with_spec([](Spec& s) { s.ingress.emplace().annotations["apps.todoapp.dev/a"] = "x"; }); },
       "spec.ingress.annotations: apps.todoapp.dev/a belongs"},
  });
}

TEST(Validation, OfRootThatMayNotBeRoot) {
  const auto with = [](const char* pod, const char* container) {
    return [=](AppBuilder& app) {
      app.with_tier(back, [&](TierSpec& tier) {
        tier.pod_security_context = pod;
        tier.container_security_context = container;
      });
    };
  };
  const std::string problem = "spec.backend.securityContext: runAsUser: 0 is root";
  check({
      {with(R"({"runAsNonRoot":true,"runAsUser":0})", "{}"), problem},
      {with(R"({"runAsNonRoot":true,"runAsUser":7})", R"({"runAsUser":0})"), problem},
  });
  auto relaxed = an_app();
  with(R"({"runAsNonRoot":true,"runAsUser":0})", R"({"runAsNonRoot":false})")(relaxed);
  EXPECT_THAT(problems_of(relaxed), IsEmpty());
}

TEST(Validation, OfNumbersThatDoNotGoTogether) {
  const auto back_tier = [](std::function<void(TierSpec&)> change) {
    return [=](AppBuilder& app) { app.with_tier(back, change); };
  };
  check({
      {back_tier([](TierSpec& t) { t.port = 0; }), "spec.backend.port: is 0; choose a number from 1 to 65535"},
      {back_tier([](TierSpec& t) { t.service.port = 70000; }), "spec.backend.service.port: is 70000"},
      {back_tier([](TierSpec& t) { t.service.node_port = 30000; }),
       "spec.backend.service.nodePort: needs type NodePort"},
      {back_tier([](TierSpec& t) { t.service.type = "ExternalName"; }), "spec.backend.service.type: is ExternalName"},
      {back_tier([](TierSpec& t) { t.replicas = 1001; }), "spec.backend.replicas: is 1001"},
      {back_tier([](TierSpec& t) { t.strategy.max_surge = "\"0%\""; }), "spec.backend.strategy: maxSurge and"},
      {back_tier([](TierSpec& t) { t.strategy.min_ready_seconds = 600; }),
       "spec.backend.strategy.minReadySeconds: is not"},
      {back_tier([](TierSpec& t) { t.pre_stop_seconds = 30; }), "spec.backend.preStopSeconds: is not below"},
      {back_tier([](TierSpec& t) { t.disruption_budget.emplace(); }), "spec.backend.disruptionBudget: set exactly one"},
      {[](auto& app) { app.autoscaled(back, 3, 2, 70); }, "spec.backend.autoscaling.minReplicas: is above maxReplicas"},
      {[](auto& app) { app.autoscaled(back, 1, 2, 70).with_tier(back, [](TierSpec& t) { t.resources = ""; }); },
       "spec.backend.autoscaling: a target for cpu is a percentage of resources.requests.cpu"},
      {back_tier([](TierSpec& t) { t.autoscaling = Autoscaling{}; }), "spec.backend.autoscaling: set targetCPU"},
      {[](auto& app) { app.with_migration(1, 2); }, "spec.backend.migration.compatibleFrom: is above"},
      {[](auto& app) { app.with_migration(0, 0); }, "spec.backend.migration.schemaVersion: is below 1"},
      {[](auto& app) { app.with_migration(1, 1).with_tier(back, [](TierSpec& t) { t.migration->command.clear(); }); },
       "spec.backend.migration: set command or args"},
      {[](auto& app) { app.soaking(std::chrono::seconds{1800}); }, "spec.upgrade.soakSeconds: is not below"},
      {[](auto& app) { app.retrying(11); }, "spec.upgrade.maxRetries: is 11"},
      {[](auto& app) { app.keeping(0); }, "spec.revisionHistoryLimit: is 0"},
      {[](auto& app) { app.rolled_back_to(0); }, "spec.rollback.toRevision: is below 1"},
  });
}

TEST(Validation, OfTheWaysIn) {
  const auto with = [](const Ingress& ingress) {
    return [=](AppBuilder& app) { app.with_spec([&](Spec& spec) { spec.ingress = ingress; }); };
  };
  check({
      {[](auto& app) {
         for (const auto tier : all_tiers) {
           app.with_tier(tier, [](TierSpec& t) { t.service.type = "NodePort", t.service.node_port = 30000; });
         }
       },
       "spec.backend.service.nodePort: is the frontend's too"},
      {with({.class_name = "", .host = "", .path = "todo", .tls_secret_name = "", .annotations = {}}),
       "spec.ingress.path: must begin with '/'"},
      {with({.class_name = "", .host = "", .tls_secret_name = "tls", .annotations = {}}),
       "spec.ingress.tls: needs host"},
      {with({.class_name = "",
             .host = "",
             .path = "/api",
             .tls_secret_name = "",
             .annotations = {},
             .expose_backend = true}),
       "spec.ingress.path: lies in /api"},
      {[](auto& app) {
         app.with_spec([](Spec& spec) {
           spec.ingress.emplace().expose_backend = true;
           spec.network_policy.enabled = true;
         });
       },
       "spec.networkPolicy.allowFrom: is empty"},
  });
}

TEST(Validation, TellsAllProblemsAtOnce) {
  EXPECT_THAT(problems_of(an_app().named("2").with_backend_image("").keeping(0)),
              ElementsAre(StartsWith("metadata.name"), StartsWith("spec.backend.image"),
                          StartsWith("spec.revisionHistoryLimit")));
}

}  // namespace
}  // namespace todoapp
