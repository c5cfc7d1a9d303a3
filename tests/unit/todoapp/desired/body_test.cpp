#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/hash.hpp"
#include "kube/model/canonical_json.hpp"
#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using Json = nlohmann::json;

std::vector<Intent> some_intents() {
  const auto app = an_app()
                       .with_config("GREETING", "<b> & \"apps.todoapp.dev/applied\":\"\" \xe2\x80\xa8</b>")
                       .with_migration(1, 1)
                       .with_spec([](Spec& spec) { spec.ingress.emplace(), spec.network_policy.enabled = true; })
                       .build();
  const auto content = render_content(app, {});
  return {deployment_intent(app, Tier::backend, content.backend, 1, {}),
          service_intent(app, Tier::backend),
          config_intent(app, Tier::backend, content.backend),
          sealed_secret_intent(app, Tier::backend, "todo-backend-secrets-0123456789", {{"A", "1"}}, {.sources = "abc"}),
          keys_intent(app, {{"hmac.key", "x"}}),
          network_policy_intent(app).value(),
          ingress_intent(app).value(),
          migration_intent(app, *content.migration, 1)};
}

TEST(Intents, AreCanonicalAndCarryTheHashOfAllElse) {
  for (const auto& intent : some_intents()) {
    auto body = Json::parse(intent.body);
    EXPECT_EQ(kube::canonical(body), intent.body);
    auto& metadata = body.at("metadata");
    EXPECT_EQ(metadata.at("annotations").at(marked(mark::applied)), intent.hash);
    metadata["annotations"].erase(marked(mark::applied));
    if (metadata["annotations"].empty()) metadata.erase("annotations");
    if (intent.name.starts_with("todo-backend-secrets")) body.erase("data");  // no guess of a value
    EXPECT_EQ(base::short_hash(base::sha256_hex(kube::canonical(body))), intent.hash) << intent.name;
  }
}

TEST(Intents, SayWhoseTheyAre) {
  for (const auto& intent : some_intents()) {
    const auto body = Json::parse(intent.body);
    EXPECT_EQ(body.at("kind"), to_string(intent.kind));
    EXPECT_EQ(body.at("apiVersion"), resource_of(intent.kind).api_version());
    const auto& metadata = body.at("metadata");
    EXPECT_EQ(metadata.at("name"), intent.name);
    EXPECT_EQ(metadata.at("namespace"), "shop");
    EXPECT_EQ(metadata.at("labels").at("app.kubernetes.io/managed-by"), "todoapp-operator");
    EXPECT_EQ(metadata.at("ownerReferences"),
              Json::parse(R"([{"apiVersion":"apps.todoapp.dev/v1alpha1","kind":"TodoAppDeployment","name":"todo",)"
                          R"("uid":"11111111-2222-3333-4444-555555555555","controller":true,)"
                          R"("blockOwnerDeletion":true}])"));
  }
}

/// An emptyDir has no fields, a selector of a peer may select all: those are said on purpose.
void expect_nothing_empty(const Json& json, const std::string& at) {
  if (!json.is_structured()) return;
  if (at.ends_with("/emptyDir")) return;
  EXPECT_FALSE(json.empty()) << at;
  for (const auto& [key, value] : json.items()) expect_nothing_empty(value, at + "/" + key);
}

TEST(Intents, LeaveOutWhatIsEmpty) {
  for (const auto& intent : some_intents()) expect_nothing_empty(Json::parse(intent.body), intent.name);
}

TEST(Intents, OfAnotherMeaningHaveAnotherHash) {
  const auto hash = [](const App& app) { return service_intent(app, Tier::backend).hash; };
  EXPECT_EQ(hash(an_app()), hash(an_app().at_generation(9)));
  EXPECT_NE(hash(an_app()), hash(an_app().with_service_port(Tier::backend, 1)));
  EXPECT_NE(hash(an_app()), hash(an_app().with_uid("another")));
}

}  // namespace
}  // namespace todoapp
