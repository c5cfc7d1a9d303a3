#include "todoapp/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/observations.hpp"

namespace todoapp {
namespace {

using test::a_record;
using test::an_app;
using test::observing;
using test::RecordBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

App version(int number) { return an_app().with_backend_image("localhost/todo-backend:" + std::to_string(number)); }
std::string hash_of(int number) { return want(version(number), {}).hash; }

RecordBuilder record(int number, int content) { return a_record(version(content), number); }

History history_of(const std::vector<RecordBuilder>& records) {
  auto seen = observing(an_app());
  for (const auto& each : records) seen.with(each);
  return History(seen);
}

std::int64_t number_of(const Revision* revision) { return revision == nullptr ? 0 : revision->number; }

std::vector<std::int64_t> numbers(const std::vector<const Revision*>& revisions) {
  std::vector<std::int64_t> result;
  for (const auto* each : revisions) result.push_back(each->number);
  return result;
}

TEST(History, OfANewAppIsEmpty) {
  const auto history = history_of({});
  EXPECT_TRUE(history.empty());
  EXPECT_EQ(history.latest(), nullptr);
  EXPECT_EQ(history.last_good(), nullptr);
  EXPECT_EQ(history.find(1), nullptr);
  EXPECT_EQ(history.next_number(), 1);
  EXPECT_EQ(history.schema_reached(), 0);
}

TEST(History, IsNewestFirstByNumberNotByName) {
  const auto history = history_of({record(9, 1).succeeded(), record(10, 2), record(2, 3).failed()});
  std::vector<std::int64_t> order;
  for (const auto& each : history.newest_first()) order.push_back(each.number);
  EXPECT_THAT(order, ElementsAre(10, 9, 2));
  EXPECT_EQ(number_of(history.latest()), 10);
  EXPECT_EQ(number_of(history.find(2)), 2);
}

TEST(History, TheLastGoodOneIsTheNewestThatSucceeded) {
  const auto last_good = [](const std::vector<RecordBuilder>& records) {
    return number_of(history_of(records).last_good());
  };
  EXPECT_EQ(last_good({record(1, 1)}), 0);
  EXPECT_EQ(last_good({record(1, 1).succeeded()}), 1);
  EXPECT_EQ(last_good({record(1, 1).succeeded(), record(2, 2)}), 1);
  EXPECT_EQ(last_good({record(1, 1).succeeded(), record(2, 2).failed()}), 1);
  EXPECT_EQ(last_good({record(1, 1).succeeded(), record(2, 2).superseded(), record(3, 3)}), 1);
  EXPECT_EQ(last_good({record(1, 1).succeeded(), record(2, 2).failed(), record(3, 1).succeeded()}), 3);
}

/// Revision 1, which needs schema 3, and the conditions of its Job; null: there is none.
History migrated(const nlohmann::json& conditions, bool recorded = false) {
  const auto app = an_app().with_migration(3, 2).build();
  auto seen = observing(app);
  auto one = a_record(app, 1);
  if (recorded) one.reached_schema(3);
  seen.with(one);
  if (!conditions.is_null()) {
    auto job = test::applied(migration_intent(app, *want(app, {}).content.migration, 1));
    job["status"]["conditions"] = conditions;
    seen.with(Kind::job, test::cached(Kind::job, job));
  }
  return History(seen);
}
nlohmann::json condition(const char* type) { return {{{"type", type}, {"status", "True"}}}; }

TEST(History, AMigrationThatIsDoneHasReachedItsSchemaBeforeTheRecordSaysSo) {
  const auto history = migrated(condition("Complete"));
  EXPECT_EQ(history.schema_reached(), 3);
  EXPECT_FALSE(history.latest()->schema_recorded);
  EXPECT_TRUE(migrated(condition("Complete"), true).latest()->schema_recorded);
}

TEST(History, IsBehindWhereADeploymentIsOfARevisionThatNoRecordShows) {
  const auto behind = [](std::int64_t carried) {
    auto seen = observing(version(1));
    seen.with(record(1, 1).succeeded());
    seen.with_deployment(Tier::backend, want(version(1), {}).content, test::serving(1, 1), carried);
    return History(seen).behind();
  };
  EXPECT_FALSE(behind(1));
  EXPECT_TRUE(behind(2));
}

TEST(History, AMigrationUnderWayMayHaveTouchedTheSchema) {
  const auto under_way = migrated(nlohmann::json::array());
  EXPECT_EQ(under_way.schema_reached(), 0);
  EXPECT_EQ(under_way.schema_touched(), 3);
  EXPECT_TRUE(under_way.latest()->migrating);
  EXPECT_EQ(migrated({}).schema_touched(), 0);
  EXPECT_EQ(migrated(condition("Failed")).schema_touched(), 0);
}

struct QuarantineRow {
  std::string given;
  std::vector<RecordBuilder> records;  ///< content 2 is asked about
  std::int64_t quarantined;
  std::int32_t attempts;
};

TEST(History, KeepsAContentThatFailedInQuarantineUntilItSucceeded) {
  const std::vector<QuarantineRow> table{
      {"never tried", {record(1, 1).succeeded()}, 0, 0},
      {"under way", {record(1, 1).succeeded(), record(2, 2)}, 0, 0},
      {"failed", {record(1, 1).succeeded(), record(2, 2).failed()}, 2, 1},
      {"failed, rolled back", {record(2, 2).failed(), record(3, 1).succeeded()}, 2, 1},
      {"failed twice", {record(2, 2).failed(), record(3, 2).failed()}, 3, 2},
      {"failed, then overtaken", {record(2, 2).failed(), record(3, 2).superseded()}, 2, 1},
      {"failed, being retried", {record(2, 2).failed(), record(3, 2)}, 2, 1},
      {"failed, then succeeded", {record(2, 2).failed(), record(3, 2).succeeded()}, 0, 0},
      {"succeeded, then failed", {record(2, 2).succeeded(), record(3, 2).failed()}, 3, 1},
      {"failed, succeeded, failed", {record(2, 2).failed(), record(3, 2).succeeded(), record(4, 2).failed()}, 4, 1},
      {"another failed", {record(2, 3).failed()}, 0, 0},
  };
  for (const auto& row : table) {
    const auto history = history_of(row.records);
    EXPECT_EQ(number_of(history.quarantined(hash_of(2))), row.quarantined) << row.given;
    EXPECT_EQ(history.failed_attempts(hash_of(2)), row.attempts) << row.given;
  }
}

TEST(History, RemembersTheTokensThatWereUsed) {
  const auto history = history_of({record(1, 1).asked_by("a").failed(), record(2, 1)});
  EXPECT_TRUE(history.token_used("a"));
  EXPECT_FALSE(history.token_used("b"));
}

TEST(History, NeverUsesANumberTwiceThoughSomebodyDeletesRecords) {
  auto seen = observing(version(1));
  seen.with(record(3, 1).succeeded());
  const auto content = want(version(1), {}).content;
  seen.with_deployment(Tier::backend, content, {}, 7).with_deployment(Tier::frontend, content, {}, 4);
  EXPECT_EQ(History(seen).next_number(), 8);
}

TEST(History, CountsTheNumberOfARecordThatIsGoingAway) {
  const auto history = history_of({record(3, 1).succeeded(), record(5, 2).being_deleted()});
  EXPECT_EQ(number_of(history.latest()), 3);
  EXPECT_EQ(history.next_number(), 6);
}

TEST(History, CountsTheNumberOfAMigrationWhoseRecordIsGone) {
  const auto app = an_app().with_migration(2, 1).build();
  auto seen = observing(app);
  seen.with(migration_intent(app, *want(app, {}).content.migration, 5)).with(record(3, 1).succeeded());
  EXPECT_EQ(History(seen).next_number(), 6);
}

TEST(History, RemembersTheHighestSchemaThatWasReached) {
  const auto history = history_of(
      {record(1, 1).reached_schema(1).succeeded(), record(2, 2).reached_schema(3).failed(), record(3, 1).succeeded()});
  EXPECT_EQ(history.schema_reached(), 3);
}

std::vector<RecordBuilder> many_good(int count) {
  std::vector<RecordBuilder> records;
  for (int number = 1; number <= count; ++number) records.push_back(record(number, number).succeeded());
  return records;
}

std::vector<std::int64_t> pruned(const std::vector<RecordBuilder>& records, const App& app) {
  const auto history = history_of(records);
  return numbers(prunable(history, app, want(app, {}).hash));
}

TEST(Pruning, KeepsAsManyFinishedOnesAsTheLimitSaysBesidesTheLatest) {
  EXPECT_THAT(pruned(many_good(4), an_app().keeping(3)), IsEmpty());
  EXPECT_THAT(pruned(many_good(6), an_app().keeping(3)), ElementsAre(1, 2));
}

TEST(Pruning, NeverTakesWhatIsStillNeeded) {
  auto records = many_good(5);
  records[4] = record(5, 5).failed();
  records.push_back(record(6, 6));
  // 6 is under way, 4 the last good, 5 what the spec asks for and does not get, 1 is pinned.
  const App app = test::AppBuilder().keeping(1).rolled_back_to(1).with_backend_image("localhost/todo-backend:5");
  EXPECT_THAT(pruned(records, app), ElementsAre(2));
}

TEST(Pruning, KeepsTheRecordThatReachedTheSchema) {
  auto records = many_good(6);
  records[1].reached_schema(2);
  EXPECT_THAT(pruned(records, an_app().keeping(1)), ElementsAre(1, 3, 4));
}

TEST(Pruning, KeepsAsManyFailedAttemptsAsItTakesToSayThatNoneIsLeft) {
  // Were only one of them kept, the content would get further attempts, and fail, and be rolled back, for ever.
  const std::vector<RecordBuilder> records{record(1, 1).succeeded(), record(2, 2).failed(), record(3, 2).failed(),
                                           record(4, 2).failed(),    record(5, 2).failed(), record(6, 1).succeeded()};
  const App app = test::AppBuilder().keeping(1).retrying(2).with_backend_image("localhost/todo-backend:2");
  EXPECT_THAT(pruned(records, app), ElementsAre(1));
  const App other = test::AppBuilder().keeping(1).retrying(2).with_backend_image("localhost/todo-backend:3");
  EXPECT_THAT(pruned(records, other), ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace todoapp
