#include "kubectl/forecast.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "kube/model/decode.hpp"
#include "todoapp/codec.hpp"
#include "todoapp/names.hpp"
#include "todoapp/revision.hpp"
#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::patched;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const char* const sealed_name = "todo-backend-secrets-0123456789";

Json app_with(const Json& spec) {
  auto app = test::upgraded();
  app["spec"] = {{"frontend", {{"image", "localhost/f:1"}}}, {"backend", {{"image", "localhost/b:1"}}}};
  app["spec"].merge_patch(spec);
  return app;
}

/// A cluster where revision 1 is what `live` asks for, with that outcome.
class World {
 public:
  explicit World(const Json& live, const std::string& outcome = "Succeeded") {
    situation_.live = live.dump();
    todoapp::App app;
    app.name = "todo";
    app.namespace_ = "shop";
    app.uid = "u";
    auto spec = todoapp::decode_spec(live["spec"].dump());
    if (!spec) throw std::runtime_error(base::to_string(spec.error()));
    app.spec = *spec;
    todoapp::SealedSecrets sealed;
    for (const auto& variable : app.spec.secrets) {
      if (variable.sealed() && variable.in_backend) sealed.backend = sealed_name;
    }
    const auto wanted = todoapp::want(app, sealed);
    contents_[1] = wanted.content;
    auto body = Json::parse(
        todoapp::revision_body(app, wanted, {.number = 1, .cause = "first install", .rollback_of = {}, .retry = {}}));
    body["metadata"]["uid"] = "r1";
    body["metadata"]["resourceVersion"] = "5";
    body["metadata"]["annotations"]["apps.todoapp.dev/outcome"] = outcome;
    const auto object = kube::decode_object(body.dump(), kube::resources::controller_revisions(), record_pruning());
    if (!object) throw std::runtime_error(base::to_string(object.error()));
    situation_.records.push_back(*object);
  }

  Forecast after(const Json& app) {
    situation_.after = app.dump();
    const auto told = forecast(situation_, [this](std::int64_t number) -> base::Result<todoapp::Content> {
      const auto at = contents_.find(number);
      if (at == contents_.end()) return base::fail(base::ErrorCode::not_found, "read", "no such record");
      return at->second;
    });
    if (!told) throw std::runtime_error(base::to_string(told.error()));
    return *told;
  }

 private:
  Situation situation_;
  std::map<std::int64_t, todoapp::Content> contents_;
};

const Planned& planned(const Forecast& told, todoapp::Kind kind, const std::string& name) {
  const auto at = std::find_if(told.objects.begin(), told.objects.end(),
                               [&](const Planned& each) { return each.kind == kind && each.name == name; });
  if (at == told.objects.end()) throw std::runtime_error("not planned: " + name);
  return *at;
}

std::vector<std::string> changed(const Forecast& told) {
  std::vector<std::string> names;
  for (const auto& each : told.objects) {
    if (each.before != each.after) names.push_back(each.name);
  }
  return names;
}

TEST(Forecast, OfTheSameIsNothing) {
  const auto app = app_with(Json::object());
  const auto told = World(app).after(app);
  EXPECT_THAT(changed(told), IsEmpty());
  EXPECT_THAT(told.notes, IsEmpty());
  EXPECT_THAT(told.sealed, IsEmpty());
}

TEST(Forecast, OfAnImageIsARevisionAndItsDeployment) {
  const auto told = World(app_with(Json::object())).after(app_with({{"backend", {{"image", "localhost/b:2"}}}}));
  EXPECT_THAT(told.notes, ElementsAre("revision 2 would be recorded: backend image 1 to 2"));
  EXPECT_THAT(changed(told), ElementsAre("todo-backend"));
  const auto& deployment = planned(told, todoapp::Kind::deployment, "todo-backend");
  EXPECT_THAT(deployment.after, HasSubstr("localhost/b:2"));
  EXPECT_THAT(deployment.after, Not(HasSubstr("apps.todoapp.dev"))) << "marks are the operator's business";
}

TEST(Forecast, OfALiveSettingIsNoRevision) {
  const auto told = World(app_with({{"backend", {{"disruptionBudget", {{"minAvailable", 1}}}}}}))
                        .after(app_with({{"backend", {{"replicas", 3}}}}));
  EXPECT_THAT(told.notes, IsEmpty());
  EXPECT_THAT(changed(told), ElementsAre("todo-backend", "todo-backend"));
  EXPECT_EQ(planned(told, todoapp::Kind::pod_disruption_budget, "todo-backend").after, "") << "it would be deleted";
}

TEST(Forecast, OfANewAppIsEverything) {
  Situation situation;
  situation.after = app_with({{"config", {{"A", "b"}}}}).dump();
  const auto told = forecast(situation, [](std::int64_t) -> base::Result<todoapp::Content> {
    return base::fail(base::ErrorCode::not_found, "read", "there is none");
  });
  ASSERT_TRUE(told) << base::to_string(told.error());
  EXPECT_THAT(told->notes, ElementsAre("revision 1 would be recorded: first install"));
  EXPECT_EQ(told->objects.size(), 6U) << "Deployment, Service and config of two tiers";
}

TEST(Forecast, OfSecretsIsNamesOnly) {
  const Json pinned{
      {"name", "URL"}, {"policy", "Pinned"}, {"valueFrom", {{"secretKeyRef", {{"name", "todo-db"}, {"key", "url"}}}}}};
  const Json generated{{"name", "KEY"}, {"generate", {{"bytes", 32}}}};
  const auto live = app_with({{"secrets", Json::array({pinned})}});
  const auto scaled = World(live).after(patched(live, {{"spec", {{"backend", {{"replicas", 2}}}}}}));
  EXPECT_THAT(scaled.sealed, IsEmpty()) << "the same values keep their name";
  EXPECT_THAT(scaled.notes, IsEmpty());
  EXPECT_THAT(scaled.sources, ElementsAre("todo-db"));
  const auto told = World(live).after(app_with({{"secrets", Json::array({pinned, generated})}}));
  ASSERT_EQ(told.sealed.size(), 1U);
  EXPECT_THAT(told.sealed.front().variables, ElementsAre("URL", "KEY"));
  EXPECT_THAT(planned(told, todoapp::Kind::deployment, "todo-backend").after, HasSubstr("todo-backend-secrets-(new)"));
}

TEST(Forecast, SaysWhatWouldBeInTheWay) {
  const auto live = app_with(Json::object());
  const auto failed = World(live, "Failed").after(live);
  EXPECT_THAT(failed.notes, Contains(HasSubstr("InstallFailed: Revision 1 (first install) failed")));
  EXPECT_THAT(changed(failed), IsEmpty());
  const auto pin = World(live).after(app_with({{"rollback", {{"toRevision", 7}}}}));
  EXPECT_THAT(pin.notes, Contains(HasSubstr("RevisionNotFound: Revision 7 is not in the history")));
  const auto manual =
      World(live).after(app_with({{"upgrade", {{"approval", "Manual"}}}, {"backend", {{"image", "localhost/b:2"}}}}));
  EXPECT_THAT(manual.notes, Contains(HasSubstr("AwaitingApproval: backend image 1 to 2")));
  EXPECT_THAT(changed(manual), ElementsAre("todo-backend")) << "what the approval is for";
  const auto paused = World(live).after(app_with({{"suspend", true}}));
  EXPECT_THAT(paused.notes, Contains(HasSubstr("it is paused (spec.suspend)")));
}

TEST(Forecast, OfAMigrationIsAJob) {
  const Json migration{{"command", {"todo-backend", "migrate"}}, {"schemaVersion", 2}, {"compatibleFrom", 1}};
  const auto told = World(app_with(Json::object())).after(app_with({{"backend", {{"migration", migration}}}}));
  EXPECT_EQ(planned(told, todoapp::Kind::job, "todo-migrate-2").before, "");
}

}  // namespace
}  // namespace kubectl
