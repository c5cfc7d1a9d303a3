#include "operator/caches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/kube/model/object_printing.hpp"
#include "unit/operator/shell_rig.hpp"

namespace shell {
namespace {

using test::app_text;
using test::ObjectText;
using test::WatchedTransport;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using todoapp::Kind;

std::string told_of(const char* what, const kube::Change& change, kube::Origin origin) {
  return fmt::format("{} {} of '{}'{}", what, kube::to_string(change.key), change.controller_uid,
                     origin == kube::Origin::list ? ", listed" : "");
}

class CachesTest : public testing::Test {
 protected:
  void make(const std::vector<std::string>& namespaces = {}) {
    caches.emplace(loop, transport, namespaces,
                   Caches::Events{[this](const kube::Object* app, const kube::Change& change, kube::Origin origin) {
                                    told.push_back(told_of(app == nullptr ? "no app" : "app", change, origin));
                                  },
                                  [this](const kube::Change& change, kube::Origin origin) {
                                    told.push_back(told_of("child", change, origin));
                                  },
                                  [this] { told.emplace_back("synced"); },
                                  [this](const std::string& kind, const base::Error& error) {
                                    told.push_back(kind + ": " + base::to_string(error));
                                  }});
  }
  void start(const std::vector<std::string>& namespaces = {}) {
    make(namespaces);
    caches->start();
  }
  std::vector<std::string> owned_names(const std::string& namespace_, const std::string& uid) {
    std::vector<std::string> names;
    for (const auto& child : caches->owned_by(namespace_, uid)) {
      names.push_back(fmt::format("{} {}", todoapp::to_string(child.kind), child.object->name));
    }
    return names;
  }

  boost::asio::io_context loop;
  WatchedTransport transport{loop};
  std::vector<std::string> told;
  std::optional<Caches> caches;
};

TEST_F(CachesTest, EachKindIsWatchedOnceForTheWholeCluster) {
  start();
  EXPECT_THAT(transport.watches, SizeIs(1 + todoapp::all_kinds.size()));
  EXPECT_THAT(transport.watches, Contains(StartsWith("/apis/apps.todoapp.dev/v1alpha1/todoappdeployments?")));
  EXPECT_THAT(transport.watches, Not(Contains(HasSubstr("/namespaces/"))));
}

TEST_F(CachesTest, EachKindIsWatchedOnceForEachNamespaceHoweverOftenItIsNamed) {
  start({"shop", "bakery", "shop"});
  EXPECT_THAT(transport.watches, SizeIs(2 * (1 + todoapp::all_kinds.size())));
  EXPECT_THAT(transport.watches, Contains(StartsWith("/api/v1/namespaces/shop/secrets?")).Times(1));
  EXPECT_THAT(transport.watches, Contains(StartsWith("/api/v1/namespaces/bakery/secrets?")).Times(1));
  transport.fill_the_rest();
  EXPECT_TRUE(caches->synced());
}

TEST_F(CachesTest, ChildrenAreWatchedByLabelButAppsAndSecretsAreNot) {
  start();
  constexpr auto selector = "labelSelector=app.kubernetes.io%2Fmanaged-by%3Dtodoapp-operator";
  for (const auto& target : transport.watches) {
    const bool all = target.starts_with(test::secrets_path) || target.starts_with(test::apps_path);
    EXPECT_EQ(target.ends_with(selector), !all) << target;
  }
}

TEST_F(CachesTest, SyncedIsToldOnceAndOnlyWhenEveryKindWasFilled) {
  start();
  transport.fill_the_rest(test::secrets_path);
  EXPECT_THAT(told, IsEmpty());
  EXPECT_FALSE(caches->synced());
  transport.fill(test::secrets_path, {});
  EXPECT_THAT(told, ElementsAre("synced"));
  EXPECT_TRUE(caches->synced());
  transport.tell(test::apps_path, {{"ADDED", app_text("todo").version(101)}});
  EXPECT_THAT(told, ElementsAre("synced", "app shop/todo of ''"));
}

TEST_F(CachesTest, RenewedTheyAreSyncedWhenEveryKindWasReadAgain) {
  start();
  transport.fill_the_rest(test::secrets_path);
  caches->renew();
  transport.fill_the_rest(test::secrets_path);
  EXPECT_FALSE(caches->synced()) << "one was never filled";
  transport.fill(test::secrets_path, {});
  EXPECT_TRUE(caches->synced());
  EXPECT_THAT(told, ElementsAre("synced"));
  EXPECT_THAT(caches->restarts(), testing::Each(testing::Pair(testing::_, 0)));
}

TEST_F(CachesTest, ChangesAreToldWithTheirOwnerAndWhereTheyCameFrom) {
  start();
  transport.fill(test::apps_path, {app_text("todo")});
  transport.fill(test::deployments_path, {ObjectText("todo-backend").owned_by("uid-of-todo")});
  EXPECT_THAT(told, ElementsAre("app shop/todo of '', listed", "child shop/todo-backend of 'uid-of-todo', listed"));
  told.clear();
  transport.tell(test::apps_path, {{"DELETED", app_text("todo").version(101)}});
  transport.tell(test::deployments_path, {{"MODIFIED", ObjectText("todo-backend").version(102)}});
  EXPECT_THAT(told, ElementsAre("no app shop/todo of ''", "child shop/todo-backend of ''",
                                "child shop/todo-backend of 'uid-of-todo'"));
}

TEST_F(CachesTest, AnAppIsKeptWithItsSpecItsStatusAndWhatUsersAskOfIt) {
  start();
  transport.fill(test::apps_path, {app_text("todo")
                                       .annotated("apps.todoapp.dev/retry", "once more")
                                       .annotated("kubernetes.io/change-cause", "a new logo")
                                       .annotated("example.com/other", "thing")
                                       .with(R"("spec":{"suspend":true},"status":{"activeRevision":3})")});
  const auto* app = caches->app({"shop", "todo"});
  ASSERT_NE(app, nullptr);
  EXPECT_EQ(*app->body, R"({"suspend":true})");
  EXPECT_EQ(*app->status, R"({"activeRevision":3})");
  EXPECT_EQ(app->annotations, (kube::Pairs{{"change-cause", "a new logo"}, {"retry", "once more"}}));
  EXPECT_EQ(caches->apps(), 1U);
}

TEST_F(CachesTest, OfSecretsOnlyTheBodiesOfOwnedOnesAreKept) {
  start();
  transport.fill(test::secrets_path, {ObjectText("todo-db"), ObjectText("todo-keys").owned_by("uid-of-todo")});
  EXPECT_EQ(caches->find(Kind::secret, {"shop", "todo-db"})->body, nullptr);
  EXPECT_NE(caches->find(Kind::secret, {"shop", "todo-keys"})->body, nullptr);
}

TEST_F(CachesTest, RecordsAndJobsAreKeptWithoutBodies) {
  start();
  transport.fill("/apis/apps/v1/controllerrevisions", {ObjectText("todo-rev-1").owned_by("uid-of-todo")});
  transport.fill("/apis/batch/v1/jobs", {ObjectText("todo-migrate-1").owned_by("uid-of-todo").with(R"("spec":{})")});
  EXPECT_EQ(caches->find(Kind::controller_revision, {"shop", "todo-rev-1"})->body, nullptr);
  EXPECT_EQ(caches->find(Kind::job, {"shop", "todo-migrate-1"})->body, nullptr);
}

TEST_F(CachesTest, WhatAnAppOwnsIsFoundAcrossKindsAndNotAcrossNamespaces) {
  start();
  transport.fill(test::deployments_path, {ObjectText("todo-frontend").owned_by("uid-of-todo"),
                                          ObjectText("todo-backend").owned_by("uid-of-todo"),
                                          ObjectText("other-backend").owned_by("uid-of-other")});
  transport.fill("/api/v1/services", {ObjectText("todo-backend").owned_by("uid-of-todo"), ObjectText("nobodys")});
  transport.fill(test::secrets_path, {ObjectText("todo-keys").owned_by("uid-of-todo")});
  EXPECT_THAT(owned_names("shop", "uid-of-todo"), ElementsAre("Deployment todo-backend", "Deployment todo-frontend",
                                                              "Service todo-backend", "Secret todo-keys"));
  EXPECT_THAT(owned_names("shop", "uid-of-nobody"), IsEmpty());
}

TEST_F(CachesTest, EachNamespaceHasCachesOfItsOwnAndOthersAreNotSeen) {
  start({"bakery", "shop"});
  transport.fill("/apis/apps/v1/namespaces/shop/deployments", {ObjectText("todo-backend").owned_by("uid-of-todo")});
  transport.fill("/apis/apps/v1/namespaces/bakery/deployments",
                 {ObjectText("todo-backend").in("bakery").uid("2").owned_by("uid-of-todo")});
  EXPECT_EQ(caches->find(Kind::deployment, {"shop", "todo-backend"})->uid, "uid-of-todo-backend");
  EXPECT_EQ(caches->find(Kind::deployment, {"bakery", "todo-backend"})->uid, "2");
  EXPECT_THAT(owned_names("bakery", "uid-of-todo"), SizeIs(1));
  EXPECT_EQ(caches->find(Kind::deployment, {"garage", "todo-backend"}), nullptr);
  EXPECT_EQ(caches->app({"garage", "todo"}), nullptr);
  EXPECT_THAT(owned_names("garage", "uid-of-todo"), IsEmpty());
  EXPECT_NE(&caches->store(Kind::deployment, "shop"), &caches->store(Kind::deployment, "bakery"));
}

TEST_F(CachesTest, AllAppsAreVisitedWhateverTheirNamespace) {
  start({"bakery", "shop"});
  transport.fill("/apis/apps.todoapp.dev/v1alpha1/namespaces/shop/todoappdeployments", {app_text("a"), app_text("b")});
  transport.fill("/apis/apps.todoapp.dev/v1alpha1/namespaces/bakery/todoappdeployments", {app_text("c").in("bakery")});
  std::vector<std::string> names;
  caches->for_each_app([&](const kube::Object& app) { names.push_back(app.namespace_ + "/" + app.name); });
  EXPECT_THAT(names, testing::UnorderedElementsAre("shop/a", "shop/b", "bakery/c"));
  EXPECT_EQ(caches->apps(), 3U);
}

TEST_F(CachesTest, TheAnswerToAWriteIsMetadataAndLeavesTheBodyToTheWatch) {
  make();
  const std::string text = ObjectText("todo")
                               .annotated("apps.todoapp.dev/applied", "abc")
                               .annotated("kubernetes.io/change-cause", "why not");
  const auto child = caches->read(Kind::deployment, text);
  const auto app = caches->read_app(text);
  ASSERT_TRUE(child && app);
  EXPECT_EQ(child->annotations, (kube::Pairs{{"applied", "abc"}}));
  EXPECT_EQ(app->annotations, (kube::Pairs{{"applied", "abc"}, {"change-cause", "why not"}}));
  for (const auto& object : {*child, *app}) {
    EXPECT_EQ(object.body, nullptr);
    EXPECT_EQ(object.fingerprint, 0U);
  }
}

TEST_F(CachesTest, FailuresAreToldByKindAndTheFirstSetIsNoRestart) {
  start();
  transport.fill(test::apps_path, {});
  transport.tell(test::apps_path, {{"ERROR", R"({"kind":"Status","code":410,"message":"too old"})"}});
  EXPECT_THAT(told, ElementsAre(EndsWith("too old")));
  EXPECT_THAT(told, ElementsAre(StartsWith("TodoAppDeployment: ")));
  EXPECT_EQ(caches->restarts().at("TodoAppDeployment"), 0U);
  transport.fill(test::apps_path, {});
  EXPECT_EQ(caches->restarts().at("TodoAppDeployment"), 1U);
  EXPECT_EQ(caches->restarts().at("Secret"), 0U);
}

TEST_F(CachesTest, StoppedCachesWatchNothing) {
  start();
  EXPECT_EQ(transport.open_watches(), 1 + todoapp::all_kinds.size());
  caches->stop();
  EXPECT_EQ(transport.open_watches(), 0U);
}

}  // namespace
}  // namespace shell
