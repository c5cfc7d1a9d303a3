#include "kubectl/history_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::rolled_back;
using test::upgraded;
using test::view;
using testing::HasSubstr;

TEST(HistoryTable, HasALineForEachRevisionAndWhatItIsToTheApp) {
  auto app = rolled_back();
  app["status"]["revisions"][2]["restorable"] = false;
  app["status"]["revisions"][2]["notRestorableReason"] = "its sealed Secret s is gone";
  EXPECT_EQ(
      history_table(view(app), false),
      "REVISION  OUTCOME                    CREATED               CAUSE                         FLAGS\n"
      "3         Succeeded                  2026-01-31T12:00:03Z  rollback to revision 1        active, last good, "
      "restorable\n"
      "2         Failed (CrashLoopBackOff)  2026-01-31T12:00:02Z  backend image 1.0.0 to 2.0.0  restorable\n"
      "1         Succeeded                  2026-01-31T12:00:01Z  first install                 not restorable: its "
      "sealed Secret s is gone\n");
}

TEST(HistoryTable, CutsLongCausesUnlessItIsWide) {
  auto app = upgraded();
  app["status"]["revisions"][0]["cause"] = std::string(60, 'c');
  EXPECT_THAT(history_table(view(app), false), HasSubstr(" " + std::string(45, 'c') + "...  "));
  EXPECT_THAT(history_table(view(app), true), HasSubstr(std::string(60, 'c')));
}

TEST(HistoryTable, SaysWhichRolloutIsUnderWay) {
  auto app = upgraded();
  app["status"]["revisions"][0].erase("outcome");
  app["status"]["activeRevision"] = 1;
  EXPECT_THAT(history_table(view(app), false), HasSubstr("2         under way  "));
  EXPECT_THAT(history_table(view(app), false), HasSubstr("target, last good, restorable"));
}

TEST(HistoryJson, HoldsTheFlags) {
  const auto json = Json::parse(history_json(view(rolled_back())));
  EXPECT_EQ(json.at("app"), "todo");
  const auto& newest = json.at("revisions").at(0);
  EXPECT_EQ(newest.at("rollbackOf"), 1);
  EXPECT_EQ(newest.at("active"), true);
  EXPECT_EQ(json.at("revisions").at(1).at("lastGood"), false);
}

TEST(NoSuchRevision, NamesThoseThereAre) {
  EXPECT_EQ(no_such_revision(view(upgraded()), 7), "revision 7 is not in the history; there are 2, 1");
  EXPECT_EQ(no_such_revision(AppView{}, 7), "revision 7 is not in the history, which is empty");
}

TEST(RevisionText, ShowsTheContentAndNamesSecretsOnly) {
  todoapp::Revision record;
  record.number = 2;
  record.cause = "first install";
  record.outcome = todoapp::Outcome::succeeded;
  record.content_hash = "c0ffee";
  todoapp::Content content;
  const Json container{{"image", "localhost/todo:1"},
                       {"ports", {{{"containerPort", 8000}}}},
                       {"env",
                        {{{"name", "A"}, {"value", "b"}},
                         {{"name", "URL"}, {"valueFrom", {{"secretKeyRef", {{"name", "db"}, {"key", "url"}}}}}}}}};
  for (const auto tier : todoapp::all_tiers) {
    content.tier(tier).pod_template = Json{{"spec", {{"containers", {container}}}}}.dump();
  }
  content.backend.config = {{"LOG_LEVEL", "info"}};
  content.backend.secrets_name = "todo-backend-secrets-1";
  content.migration = todoapp::MigrationContent{"{}", 2, 1};
  const auto text = revision_text(view(upgraded()), record, content);
  EXPECT_THAT(text, HasSubstr("Revision 2 of todo in namespace shop\n  outcome           Succeeded\n"));
  EXPECT_THAT(text, HasSubstr("  flags             active, last good, restorable\n"));
  EXPECT_THAT(text, HasSubstr("  backend\n    image           localhost/todo:1\n    port            8000\n"
                              "    config          LOG_LEVEL=info\n    env             A=b\n"
                              "    env             URL from Secret db, key url\n"
                              "    sealed secrets  todo-backend-secrets-1\n"));
  EXPECT_THAT(text, HasSubstr("  migration\n    schema          2\n    compatible from  1\n"));
}

TEST(DifferenceText, IsOfWhatPodsAreMadeFrom) {
  const auto content = [](const char* image, const todoapp::StringMap& config) {
    todoapp::Content made;
    for (const auto tier : todoapp::all_tiers) {
      made.tier(tier).pod_template = Json{{"spec", {{"containers", {{{"name", "main"}, {"image", image}}}}}}}.dump();
      made.tier(tier).config = config;
    }
    made.frontend.pod_template = R"({"spec":{}})";
    return made;
  };
  constexpr Style bare{.colour = false, .unicode = true};
  const auto before = content("b:1", {{"A", "1"}, {"B", "2"}});
  auto after = content("b:2", {{"A", "1"}, {"B", "2"}});
  after.backend.config.erase("B");
  after.backend.secrets_name = "todo-backend-secrets-1";
  EXPECT_EQ(difference_text(1, before, after, bare),
            "Otherwise than revision 1\n"
            "  - backend.config.B: 2\n"
            "  + backend.sealedSecrets: todo-backend-secrets-1\n"
            "  ~ backend.spec.containers[main].image: b:1 -> b:2\n");
  EXPECT_EQ(difference_text(2, after, after, bare), "The same as revision 2\n");
}

}  // namespace
}  // namespace kubectl
