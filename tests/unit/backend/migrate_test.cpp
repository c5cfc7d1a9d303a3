#include "migrate.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "store_rig.hpp"

namespace todo {
namespace {

const SchemaSteps three_steps{
    {.version = 1, .compatible_from = 1, .adds = "a", .sqlite = {"CREATE TABLE a (x)"}},
    {.version = 2, .compatible_from = 1, .adds = "b", .sqlite = {"CREATE TABLE b (x)", "INSERT INTO b VALUES (1)"}},
    {.version = 3, .compatible_from = 3, .adds = "c", .sqlite = {"CREATE TABLE c (x)"}},
};

class Migrating : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(database_->connect()); }

  Result<Migration> to(int target, const SchemaSteps& steps = three_steps) {
    return migrate(*database_, steps, target, some_time);
  }

  TemporaryFile file_;
  std::unique_ptr<Database> database_ = make_sqlite(file_.path(), MissingFile::create);
};

TEST_F(Migrating, GoesFromNothingToTheTarget) {
  EXPECT_EQ(*to(2), (Migration{.from = {}, .to = {2, 1}, .applied = {1, 2}}));
  EXPECT_EQ(*to(3), (Migration{.from = {2, 1}, .to = {3, 3}, .applied = {3}}));
}

TEST_F(Migrating, TheSecondTimeChangesNothing) {
  ASSERT_TRUE(to(2));
  EXPECT_EQ(*to(2), (Migration{.from = {2, 1}, .to = {2, 1}, .applied = {}}));
  EXPECT_EQ(*database_->run("SELECT count(*) FROM b"), (Rows{{"1"}}));
}

TEST_F(Migrating, NothingIsTakenBack) {
  ASSERT_TRUE(to(3));
  EXPECT_EQ(*to(1), (Migration{.from = {3, 3}, .to = {3, 3}, .applied = {}}));
}

TEST_F(Migrating, AStepThatFailsLeavesTheVersionBeforeIt) {
  auto broken = three_steps;
  broken[1].sqlite = {"CREATE TABLE b (x)", "INSERT INTO nowhere VALUES (1)"};
  EXPECT_EQ(words_of(to(3, broken)), "schema: schema version 2: " + file_.path() + ": no such table: nowhere");
  EXPECT_EQ(*read_schema(*database_), (SchemaFound{1, 1}));
  EXPECT_EQ(*to(3), (Migration{.from = {1, 1}, .to = {3, 3}, .applied = {2, 3}}));
}

TEST_F(Migrating, ManyAtOnceApplyEachStepOnce) {
  std::vector<Migration> outcomes(6);
  std::vector<std::thread> threads;
  for (auto& outcome : outcomes) {
    threads.emplace_back([&] {
      const auto database = make_sqlite(file_.path(), MissingFile::create);
      ASSERT_TRUE(database->connect());
      const auto migrated = migrate(*database, three_steps, 3, some_time);
      ASSERT_TRUE(migrated) << words_of(migrated);
      outcome = *migrated;
    });
  }
  for (auto& thread : threads) thread.join();
  std::multiset<int> applied;
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome.to, (SchemaFound{3, 3}));
    applied.insert(outcome.applied.begin(), outcome.applied.end());
  }
  EXPECT_EQ(applied, (std::multiset<int>{1, 2, 3}));
}

TEST_F(Migrating, TodosOfAnOlderVersionAreKept) {
  ASSERT_TRUE(to(1, schema_steps()));
  ASSERT_TRUE(database_->run("INSERT INTO todos (title, created_at, updated_at) VALUES ('old', 'c', 'u')"));
  ASSERT_TRUE(to(2, schema_steps()));
  EXPECT_EQ(*database_->run("SELECT id, title, completed, due_date FROM todos"),
            (Rows{{"1", "old", "0", std::nullopt}}));
}

}  // namespace
}  // namespace todo
