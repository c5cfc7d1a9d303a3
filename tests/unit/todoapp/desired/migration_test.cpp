#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using Json = nlohmann::json;

TEST(Migration, IsAJobOfTheRevisionsNumber) {
  const auto app = an_app().with_migration(3, 2).build();
  const auto content = render_content(app, {});
  const auto intent = migration_intent(app, *content.migration, 5);
  const auto body = Json::parse(intent.body);
  EXPECT_EQ(intent.kind, Kind::job);
  EXPECT_EQ(intent.name, "todo-migrate-5");
  EXPECT_EQ(body.at("spec"), Json::parse(content.migration->job_template));
  EXPECT_EQ(body.at("metadata").at("annotations").at(marked(mark::revision)), "5");
  EXPECT_EQ(body.at("/spec/backoffLimit"_json_pointer), 1);
  EXPECT_EQ(body.at("/spec/activeDeadlineSeconds"_json_pointer), 600);
}

TEST(Migration, IsNoPodOfTheBackend) {
  const auto app = an_app().with_migration(3, 2).build();
  const auto body = Json::parse(migration_intent(app, *render_content(app, {}).migration, 5).body);
  const auto labels = body.at("/spec/template/metadata/labels"_json_pointer);
  EXPECT_NE(labels.at("app.kubernetes.io/component"), "backend");
  EXPECT_EQ(labels.at("app.kubernetes.io/instance"), "todo");
}

}  // namespace
}  // namespace todoapp
