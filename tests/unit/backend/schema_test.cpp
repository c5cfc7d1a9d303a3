#include "schema.hpp"

#include <gtest/gtest.h>

#include "store_rig.hpp"

namespace todo {
namespace {

TEST(Schema, VersionsHaveNoGapAndWorkForAnEarlierOneOrThemselves) {
  int expected = 1;
  for (const auto& step : schema_steps()) {
    EXPECT_EQ(step.version, expected++);
    EXPECT_GE(step.compatible_from, 1);
    EXPECT_LE(step.compatible_from, step.version);
    EXPECT_FALSE(step.adds.empty());
    EXPECT_FALSE(step.sqlite.empty());
    EXPECT_FALSE(step.postgresql.empty());
  }
  EXPECT_EQ(newest_schema(), 2);
}

TEST(Schema, AnEmptyDatabaseHasVersionZero) {
  const TemporaryFile file;
  const auto database = make_sqlite(file.path(), MissingFile::create);
  ASSERT_TRUE(database->connect());
  EXPECT_EQ(*read_schema(*database), SchemaFound{});
}

TEST(Schema, TheNewestVersionThatWasAppliedIsFound) {
  const TemporaryFile file;
  const auto database = make_database(file, 2);
  EXPECT_EQ(*read_schema(*database), (SchemaFound{.version = 2, .compatible_from = 1}));
}

TEST(Schema, AProgramWorksOnItsOwnVersionAndOnLaterOnesThatSaySo) {
  EXPECT_TRUE(fits({.version = 2, .compatible_from = 2}, 2));
  EXPECT_TRUE(fits({.version = 5, .compatible_from = 2}, 2));
  EXPECT_FALSE(fits({.version = 5, .compatible_from = 3}, 2));
  EXPECT_FALSE(fits({.version = 1, .compatible_from = 1}, 2));
  EXPECT_FALSE(fits({}, 1));
}

TEST(Schema, AMisfitSaysWhatToDo) {
  EXPECT_EQ(explain_misfit({}, 2),
            "the database has no schema yet, this program needs schema version 2: run `todo-backend migrate`");
  EXPECT_EQ(explain_misfit({.version = 1, .compatible_from = 1}, 2),
            "the database has schema version 1, this program needs schema version 2: run `todo-backend migrate`");
  EXPECT_EQ(
      explain_misfit({.version = 5, .compatible_from = 3}, 2),
      "the database has schema version 5, on which only programs made for version 3 or later work; this one is made "
      "for version 2: run a newer program");
}

}  // namespace
}  // namespace todo
