#include "sqlite.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "store_rig.hpp"

namespace todo {
namespace {

using namespace std::chrono_literals;

TEST(Sqlite, ValuesComeBackAsText) {
  const TemporaryFile file;
  const auto database = make_sqlite(file.path(), MissingFile::create);
  ASSERT_TRUE(database->connect());
  const auto rows = database->run("SELECT $1, $2, $3, $4", {std::int64_t{-7}, true, nullptr, std::string("a'b\0c", 5)});
  ASSERT_TRUE(rows) << words_of(rows);
  EXPECT_EQ(*rows, (Rows{{"-7", "1", std::nullopt, std::string("a'b\0c", 5)}}));
}

TEST(Sqlite, NothingRunsBeforeItIsConnected) {
  const TemporaryFile file;
  const auto database = make_sqlite(file.path(), MissingFile::create);
  EXPECT_EQ(words_of(database->run("SELECT 1")), "unavailable: not connected");
}

TEST(Sqlite, AMissingFileIsMadeOrRefused) {
  const TemporaryFile file;
  EXPECT_EQ(words_of(make_sqlite(file.path(), MissingFile::refuse)->connect()),
            "unavailable: there is no file " + file.path());
  EXPECT_TRUE(make_sqlite(file.path(), MissingFile::create)->connect());
  EXPECT_TRUE(make_sqlite(file.path(), MissingFile::refuse)->connect());
  EXPECT_EQ(
      words_of(make_sqlite("/nowhere/todos.db", MissingFile::create)->connect()).find("unavailable: open /nowhere"),
      0U);
}

TEST(Sqlite, AFileThatWasReplacedIsOpenedAnew) {
  const TemporaryFile file;
  const auto writer = make_sqlite(file.path(), MissingFile::create);
  ASSERT_TRUE(writer->connect());
  ASSERT_TRUE(writer->run("CREATE TABLE before (x)"));
  const auto reader = make_sqlite(file.path(), MissingFile::refuse);
  ASSERT_TRUE(reader->connect());
  file.remove();
  EXPECT_EQ(words_of(reader->connect()), "unavailable: there is no file " + file.path());
  ASSERT_TRUE(make_sqlite(file.path(), MissingFile::create)->connect());
  ASSERT_TRUE(reader->connect());
  EXPECT_EQ(words_of(reader->run("SELECT * FROM before")), "schema: " + file.path() + ": no such table: before");
}

TEST(Sqlite, AFileThatIsNoDatabaseIsAnError) {
  const auto connected = make_sqlite("/proc/self/cmdline", MissingFile::refuse)->connect();
  EXPECT_FALSE(connected);
}

TEST(Sqlite, AStatementEndsAtItsLimit) {
  const TemporaryFile file;
  const auto database = make_sqlite(file.path(), MissingFile::create, {.connect = 1s, .statement = 50ms});
  ASSERT_TRUE(database->connect());
  const auto rows =
      database->run("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
  EXPECT_EQ(words_of(rows), "unavailable: " + file.path() + ": interrupted");
  EXPECT_TRUE(database->run("SELECT 1"));
}

TEST(Sqlite, AWriterThatHoldsTheFileIsWaitedForUntilTheLimit) {
  const TemporaryFile file;
  const auto first = make_sqlite(file.path(), MissingFile::create);
  const auto second = make_sqlite(file.path(), MissingFile::refuse, {.connect = 1s, .statement = 50ms});
  ASSERT_TRUE(first->connect());
  ASSERT_TRUE(second->connect());
  ASSERT_TRUE(first->run("BEGIN IMMEDIATE"));
  EXPECT_EQ(words_of(second->run("CREATE TABLE t (x)")), "unavailable: " + file.path() + ": database is locked");
  ASSERT_TRUE(first->run("COMMIT"));
  EXPECT_TRUE(second->run("CREATE TABLE t (x)"));
}

TEST(Sqlite, ATransactionIsAllOrNothing) {
  const TemporaryFile file;
  const auto database = make_sqlite(file.path(), MissingFile::create);
  ASSERT_TRUE(database->connect());
  ASSERT_TRUE(database->run("CREATE TABLE t (x)"));
  const auto done = in_transaction(*database, [&]() -> Result<void> {
    EXPECT_TRUE(database->run("INSERT INTO t VALUES (1)"));
    return fail(Trouble::failed, "no");
  });
  EXPECT_EQ(words_of(done), "failed: no");
  EXPECT_EQ(*database->run("SELECT count(*) FROM t"), (Rows{{"0"}}));
  EXPECT_TRUE(in_transaction(*database, [&]() -> Result<void> {
    EXPECT_TRUE(database->run("INSERT INTO t VALUES (1)"));
    return {};
  }));
  EXPECT_EQ(*database->run("SELECT count(*) FROM t"), (Rows{{"1"}}));
}

}  // namespace
}  // namespace todo
