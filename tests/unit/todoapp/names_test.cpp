#include "todoapp/names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace todoapp {
namespace {

TEST(Names, AreTheOnesOfTheApi) {
  EXPECT_EQ(tier_name("todo", Tier::frontend), "todo-frontend");
  EXPECT_EQ(tier_name("todo", Tier::backend), "todo-backend");
  EXPECT_EQ(config_name("todo", Tier::backend, "0123456789"), "todo-backend-config-0123456789");
  EXPECT_EQ(sealed_secret_name("todo", Tier::frontend, "0123456789"), "todo-frontend-secrets-0123456789");
  EXPECT_EQ(keys_name("todo"), "todo-keys");
  EXPECT_EQ(revision_name("todo", 12), "todo-rev-12");
  EXPECT_EQ(migration_name("todo", 12), "todo-migrate-12");
}

TEST(Names, OfTheLongestAppAreDnsLabelsWhereKubernetesAsksForThat) {
  const std::string app(40, 'a');
  EXPECT_LE(tier_name(app, Tier::frontend).size(), 63U);        // a Service's name
  EXPECT_LE(migration_name(app, 999'999'999'999).size(), 63U);  // a Job's name is a label of its pods
}

TEST(Names, SelectorLabelsArePartOfTheObjectsLabels) {
  for (const auto tier : all_tiers) {
    const auto selector = selector_labels("todo", tier);
    const auto labels = object_labels("todo", &tier);
    EXPECT_TRUE(std::includes(labels.begin(), labels.end(), selector.begin(), selector.end()));
    EXPECT_EQ(labels.at("app.kubernetes.io/managed-by"), "todoapp-operator");
  }
  EXPECT_FALSE(object_labels("todo", nullptr).contains("app.kubernetes.io/component"));
}

TEST(Names, EveryKindHasAResourceOfItsOwn) {
  std::set<std::string> kinds;
  for (const auto kind : all_kinds) {
    EXPECT_EQ(to_string(kind), resource_of(kind).kind);
    kinds.insert(resource_of(kind).kind);
  }
  EXPECT_EQ(kinds.size(), all_kinds.size());
}

TEST(Names, MarksCarryThePrefix) { EXPECT_EQ(marked(mark::applied), "apps.todoapp.dev/applied"); }

}  // namespace
}  // namespace todoapp
