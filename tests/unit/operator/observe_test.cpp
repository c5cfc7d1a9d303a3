#include "operator/observe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/caches.hpp"
#include "todoapp/codec.hpp"
#include "unit/operator/shell_rig.hpp"

namespace shell {
namespace {

using namespace std::chrono_literals;
using test::app_text;
using test::ObjectText;
using test::WatchedTransport;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using todoapp::Kind;
using todoapp::Stranger;

class ObserveTest : public testing::Test {
 protected:
  ObserveTest() { caches.start(); }

  Observation look(const std::string& app, const todoapp::Memory& memory = {}) {
    transport.fill(test::apps_path, {app});
    transport.fill_the_rest();
    return observe(caches, *caches.app({"shop", "todo"}), memory, {base::WallTime{5s}, "dice", "key of the process"});
  }

  boost::asio::io_context loop;
  WatchedTransport transport{loop};
  Caches caches{
      loop,
      transport,
      {},
      {[](const auto*, const auto&, auto) {}, [](const auto&, auto) {}, [] {}, [](const auto&, const auto&) {}}};
};

std::map<std::string, std::string> versions_of(const std::map<std::string, todoapp::SourceSecret>& sources) {
  std::map<std::string, std::string> versions;
  for (const auto& [name, source] : sources) versions[name] = source.uid + "@" + source.resource_version;
  return versions;
}

TEST_F(ObserveTest, TheAppIsReadWithItsIdentityAndWhatUsersAskOfIt) {
  const auto observed = look(app_text("todo", R"("suspend":true)")
                                 .version(42)
                                 .generation(3)
                                 .annotated("apps.todoapp.dev/retry", "r")
                                 .annotated("apps.todoapp.dev/approve", "a")
                                 .annotated("apps.todoapp.dev/restart", "s")
                                 .annotated("apps.todoapp.dev/rotate", "o")
                                 .annotated("kubernetes.io/change-cause", "c"))
                            .observed;
  todoapp::App app;
  app.name = "todo";
  app.namespace_ = "shop";
  app.uid = "uid-of-todo";
  app.resource_version = "42";
  app.generation = 3;
  app.requests = {.retry = "r", .approve = "a", .restart = "s", .rotate = "o", .change_cause = "c"};
  app.spec.frontend = todoapp::default_tier(todoapp::Tier::frontend);
  app.spec.backend = todoapp::default_tier(todoapp::Tier::backend);
  app.spec.frontend.image = "localhost/todo-frontend:1.0.0";
  app.spec.backend.image = "localhost/todo-backend:1.0.0";
  app.spec.suspend = true;
  EXPECT_EQ(observed.app, app);
  EXPECT_EQ(observed.spec_error, "");
}

TEST_F(ObserveTest, AnAppWithoutAnnotationsAsksForNothing) {
  const auto observed = look(app_text("todo").deleting()).observed;
  EXPECT_EQ(observed.app.requests, todoapp::Requests{});
  EXPECT_TRUE(observed.app.deleting);
}

TEST_F(ObserveTest, ASpecThatCannotBeReadIsAnErrorThatNamesTheField) {
  const auto observed =
      look(ObjectText("todo").with(R"("spec":{"frontend":{"image":7},"backend":{"image":"b"}})")).observed;
  EXPECT_THAT(observed.spec_error, HasSubstr("spec.frontend.image"));
  EXPECT_EQ(observed.app.name, "todo");
  EXPECT_EQ(observed.app.spec, todoapp::Spec{});
}

TEST_F(ObserveTest, ASpecThatIsNotThereIsAnErrorToo) {
  const auto observed = look(ObjectText("todo")).observed;
  EXPECT_NE(observed.spec_error, "");
}

TEST_F(ObserveTest, TheStatusIsPassedOnAsItStands) {
  const auto observed = look(app_text("todo").with(R"("spec":{},"status":{"activeRevision":2})")).observed;
  EXPECT_EQ(observed.status, R"({"activeRevision":2})");
}

TEST_F(ObserveTest, AnAppWithoutAStatusHasAnEmptyOne) { EXPECT_EQ(look(app_text("todo")).observed.status, ""); }

TEST_F(ObserveTest, TheMomentAndTheMemoryAreHandedThrough) {
  todoapp::Memory memory;
  memory.soak_revision = 4;
  memory.live["todo-db"] = {"7", "digest"};
  const auto observed = look(app_text("todo"), memory).observed;
  EXPECT_EQ(observed.now, base::WallTime{5s});
  EXPECT_EQ(observed.entropy, "dice");
  EXPECT_EQ(observed.process_key, "key of the process");
  EXPECT_EQ(observed.memory.soak_revision, 4);
  EXPECT_EQ(observed.memory.live, memory.live);
}

TEST_F(ObserveTest, WhatTheAppOwnsIsSeenAndIsNoStranger) {
  transport.fill(test::deployments_path, {ObjectText("todo-backend").owned_by("uid-of-todo"),
                                          ObjectText("other-backend").owned_by("uid-of-other")});
  const auto observation = look(app_text("todo"));
  ASSERT_THAT(observation.observed.owned, SizeIs(1));
  EXPECT_EQ(observation.observed.owned[0].kind, Kind::deployment);
  EXPECT_EQ(observation.observed.owned[0].object, caches.find(Kind::deployment, {"shop", "todo-backend"}));
  EXPECT_THAT(observation.observed.strangers, IsEmpty());
  EXPECT_THAT(observation.interests, IsEmpty());
}

TEST_F(ObserveTest, WhoeverHoldsAClaimedNameIsAStrangerAndOfInterest) {
  transport.fill(test::deployments_path, {ObjectText("todo-backend").owned_by("uid-of-an-earlier-todo")});
  transport.fill("/api/v1/services", {ObjectText("todo-frontend"), ObjectText("todo-elsewhere")});
  transport.fill(test::secrets_path, {ObjectText("todo-keys")});
  const auto observation = look(app_text("todo", R"("secrets":[{"name":"KEY","generate":{"bytes":32}}])"));
  EXPECT_THAT(observation.observed.strangers,
              ElementsAre(Stranger{Kind::service, "todo-frontend"}, Stranger{Kind::deployment, "todo-backend"},
                          Stranger{Kind::secret, "todo-keys"}));
  EXPECT_THAT(observation.observed.owned, IsEmpty());
  EXPECT_EQ(observation.interests,
            (Interests{{"shop", "todo-frontend"}, {"shop", "todo-backend"}, {"shop", "todo-keys"}}));
}

TEST_F(ObserveTest, AStrangerOfAnotherNamespaceIsNone) {
  transport.fill(test::deployments_path, {ObjectText("todo-backend").in("bakery")});
  EXPECT_THAT(look(app_text("todo")).observed.strangers, IsEmpty());
}

TEST_F(ObserveTest, SourceSecretsAreOfInterestWhetherTheyExistOrNot) {
  transport.fill(test::secrets_path, {ObjectText("todo-db").version(7), ObjectText("todo-gone").deleting(),
                                      ObjectText("unasked"), ObjectText("todo-mail").in("bakery")});
  const auto observation = look(app_text("todo", R"("secrets":[
      {"name":"DB","valueFrom":{"secretKeyRef":{"name":"todo-db","key":"url"}}},
      {"name":"GONE","valueFrom":{"secretKeyRef":{"name":"todo-gone","key":"url"}}},
      {"name":"MAIL","valueFrom":{"secretKeyRef":{"name":"todo-mail","key":"url"}}},
      {"name":"SESSION","generate":{"bytes":32}}])"));
  EXPECT_EQ(observation.observed.spec_error, "");
  EXPECT_THAT(versions_of(observation.observed.sources), ElementsAre(Pair("todo-db", "uid-of-todo-db@7")));
  EXPECT_EQ(observation.interests, (Interests{{"shop", "todo-db"}, {"shop", "todo-gone"}, {"shop", "todo-mail"}}));
}

TEST_F(ObserveTest, ASecretThatTwoVariablesNameIsOneSource) {
  transport.fill(test::secrets_path, {ObjectText("todo-db").version(7)});
  const auto observation = look(app_text("todo", R"("secrets":[
      {"name":"DB","valueFrom":{"secretKeyRef":{"name":"todo-db","key":"url"}}},
      {"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"todo-db","key":"password"}}}])"));
  EXPECT_THAT(versions_of(observation.observed.sources), ElementsAre(Pair("todo-db", "uid-of-todo-db@7")));
  EXPECT_EQ(observation.interests, (Interests{{"shop", "todo-db"}}));
}

}  // namespace
}  // namespace shell
