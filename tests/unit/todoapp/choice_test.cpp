#include "todoapp/choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/observations.hpp"

namespace todoapp {
namespace {

using test::a_record;
using test::an_app;
using test::AppBuilder;
using test::observing;
using test::RecordBuilder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// The app of which the backend's image is that version.
AppBuilder asking(int version) {
  return an_app().with_backend_image("localhost/todo-backend:" + std::to_string(version));
}

RecordBuilder record(int number, int version) { return a_record(asking(version), number); }

/// "run 2", "record 3", "record 3 going back to 1", "record 3 like 2", and what is objected.
std::string words(const Choice& choice) {
  std::string text;
  if (choice.run != nullptr) text = "run " + std::to_string(choice.run->number);
  if (choice.record) {
    text += "record " + std::to_string(choice.record->number);
    if (choice.record->rollback_of) {
      text += " going back to " + std::to_string(*choice.record->rollback_of);
      EXPECT_EQ(choice.source->number, choice.record->rollback_of);
    } else if (choice.source != nullptr) {
      text += " like " + std::to_string(choice.source->number);
    }
  }
  if (choice.objection) text += (text.empty() ? "" : ", ") + std::string(to_string(choice.objection->reason));
  return text;
}

std::string choice_for(const std::vector<RecordBuilder>& records, const App& app) {
  auto seen = observing(app);
  for (const auto& each : records) seen.with(each);
  return words(choose(seen, History(seen), want(app, {})));
}

struct Row {
  std::string given;
  std::vector<RecordBuilder> records;
  AppBuilder app;
  std::string then;
};

void check(const std::vector<Row>& table) {
  for (const auto& row : table) EXPECT_EQ(choice_for(row.records, row.app), row.then) << row.given;
}

TEST(Choice, FollowsTheSpec) {
  check({
      {"nothing yet", {}, asking(1), "record 1"},
      {"nothing yet, by hand: a first install needs no approval", {}, asking(1).approved_by_hand(), "record 1"},
      {"under way", {record(1, 1)}, asking(1), "run 1"},
      {"serving", {record(1, 1).succeeded()}, asking(1), "run 1"},
      {"another content", {record(1, 1).succeeded()}, asking(2), "record 2"},
      {"another content in mid-rollout", {record(1, 1).succeeded(), record(2, 2)}, asking(3), "record 3"},
      {"back by the spec is a new revision",
       {record(1, 1).succeeded(), record(2, 2).succeeded()},
       asking(1),
       "record 3"},
      {"the latest was overtaken, and its follower's record is gone",
       {record(1, 1).superseded()},
       asking(1),
       "record 2"},
  });
}

TEST(Choice, AfterAFailure) {
  const std::vector<RecordBuilder> failed{record(1, 1).succeeded(), record(2, 2).failed()};
  check({
      {"goes back to the last good", failed, asking(2), "record 3 going back to 1"},
      {"or holds", failed, asking(2).on_failure(OnFailure::hold), "run 2, RolloutFailed"},
      {"or goes on, where the spec has changed", failed, asking(3), "record 3"},
      {"or back, by the spec", failed, asking(1), "record 3"},
      {"of a first install holds", {record(1, 1).failed()}, asking(1), "run 1, InstallFailed"},
      {"of a first install, changed", {record(1, 1).failed()}, asking(2), "record 2"},
      {"of a first migration", {record(1, 1).failed("MigrationFailed")}, asking(1), "run 1, InstallFailed"},
      {"of a rollback holds",
       {record(1, 1).succeeded(), record(2, 2).failed(), record(3, 1).rolling_back_to(1).failed()},
       asking(2),
       "run 3, RollbackFailed"},
      {"of a rollback that was asked for holds",
       {record(1, 1).succeeded(), record(2, 2).succeeded(), record(3, 1).rolling_back_to(1).failed()},
       asking(2).rolled_back_to(1),
       "run 3, RollbackFailed"},
  });
}

TEST(Choice, AFailureBeforeAnyPodWasTouchedLeavesThePodsWhereTheyAre) {
  auto seen = observing(asking(2));
  for (const auto& each : {record(1, 1).succeeded(), record(2, 2).failed("MigrationFailed")}) seen.with(each);
  seen.with_deployment(Tier::backend, want(asking(1), {}).content, test::serving(1, 1));
  EXPECT_EQ(words(choose(seen, History(seen), want(asking(2), {}))), "run 1, RolloutFailed") << "frontend deleted";
  seen.with_deployment(Tier::frontend, want(asking(1), {}).content, test::serving(1, 1));
  EXPECT_EQ(words(choose(seen, History(seen), want(asking(2), {}))), "run 1, RolloutFailed");
}

TEST(Choice, InQuarantine) {
  const std::vector<RecordBuilder> back{record(1, 1).succeeded(), record(2, 2).failed(),
                                        record(3, 1).rolling_back_to(1)};
  auto done = back;
  done[2].succeeded();
  check({
      {"goes on with the rollback", back, asking(2), "run 3"},
      {"stays there", done, asking(2), "run 3, RolledBack"},
      {"forgives what the spec no longer asks", done, asking(1), "run 3"},
      {"does not hold another content back", done, asking(3), "record 4"},
      {"listens to a new token", done, asking(2).asking_retry("a"), "record 4"},
      {"not to a token that was used",
       {record(1, 1).succeeded(), record(2, 2).asked_by("a").failed(), record(3, 1).rolling_back_to(1).succeeded()},
       asking(2).asking_retry("a"),
       "run 3, RolledBack"},
      {"is over once it succeeded",
       {record(1, 1).succeeded(), record(2, 2).failed(), record(3, 2).succeeded(), record(4, 1).succeeded()},
       asking(2),
       "record 5"},
      {"lasts for a content that was overtaken afterwards",
       {record(1, 1).succeeded(), record(2, 2).failed(), record(3, 2).superseded(), record(4, 1).succeeded()},
       asking(2),
       "run 4, RolledBack"},
  });
}

TEST(Choice, TriesAgainAsOftenAsTheSpecSays) {
  const auto tried = [](int times) {
    std::vector<RecordBuilder> records{record(1, 1).succeeded()};
    for (int number = 2; number < 2 + times; ++number) records.push_back(record(number, 2).failed());
    return records;
  };
  check({
      {"no retry", tried(1), asking(2).retrying(0), "record 3 going back to 1"},
      {"one retry", tried(1), asking(2).retrying(1), "record 3 like 2"},
      {"none left", tried(2), asking(2).retrying(1), "record 4 going back to 1"},
      {"the second", tried(2), asking(2).retrying(2), "record 4 like 3"},
      {"a token is one more", tried(2), asking(2).retrying(1).asking_retry("a"), "record 4 like 3"},
      {"after which none is left",
       {record(1, 1).succeeded(), record(2, 2).failed(), record(3, 2).asked_by("a").failed()},
       asking(2).asking_retry("a"),
       "record 4 going back to 1"},
      {"of a first install", {record(1, 1).failed()}, asking(1).retrying(1), "record 2 like 1"},
  });
}

TEST(Choice, OnRequestGoesBack) {
  const std::vector<RecordBuilder> two{record(1, 1).succeeded(), record(2, 2).succeeded()};
  auto there = two;
  there.push_back(record(3, 1).rolling_back_to(1).succeeded());
  check({
      {"to what is known", two, asking(2).rolled_back_to(1), "record 3 going back to 1"},
      {"without approval", two, asking(2).approved_by_hand().rolled_back_to(1), "record 3 going back to 1"},
      {"in mid-rollout",
       {record(1, 1).succeeded(), record(2, 2)},
       asking(2).rolled_back_to(1),
       "record 3 going back to 1"},
      {"and not twice", there, asking(2).rolled_back_to(1), "run 3"},
      {"whatever the spec asks meanwhile", there, asking(9).rolled_back_to(1), "run 3"},
      {"nowhere, where it is there", two, asking(2).rolled_back_to(2), "run 2"},
      {"nowhere, where it is not known", two, asking(2).rolled_back_to(7), "run 2, RevisionNotFound"},
      {"nowhere, where there is nothing", {}, asking(2).rolled_back_to(7), "RevisionNotFound"},
      {"and forward again", there, asking(2), "record 4"},
      {"but not into quarantine",
       {record(1, 1).succeeded(), record(2, 2).failed(), record(3, 1).rolling_back_to(1).succeeded()},
       asking(2),
       "run 3, RolledBack"},
  });
}

RecordBuilder migrated(int number, int version, int schema, int from) {
  return a_record(asking(version).with_migration(schema, from), number).reached_schema(schema);
}

TEST(Choice, MindsTheSchemaBarrier) {
  const auto old = a_record(asking(1).with_migration(1, 1), 1).reached_schema(1).succeeded();
  const std::vector<RecordBuilder> failed{old, migrated(2, 2, 3, 2).failed()};
  const std::vector<RecordBuilder> good{old, migrated(2, 2, 3, 2).succeeded()};
  const std::vector<RecordBuilder> lenient{old, migrated(2, 2, 3, 1).failed()};
  check({
      {"holds where the code is too old", failed, asking(2).with_migration(3, 2), "run 2, SchemaBarrier"},
      {"goes back where it is not", lenient, asking(2).with_migration(3, 1), "record 3 going back to 1"},
      {"by request too", good, asking(2).with_migration(3, 2).rolled_back_to(1), "run 2, SchemaBarrier"},
      {"by the spec too", good, asking(1).with_migration(1, 1), "run 2, SchemaBarrier"},
      {"by a spec without a migration", good, asking(1), "run 2, SchemaBarrier"},
      {"forward is free", good, asking(3).with_migration(4, 2), "record 3"},
      {"the oldest that is compatible", good, asking(3).with_migration(2, 2), "record 3"},
  });
}

TEST(Choice, DoesNotGoBackToWhatLostItsSealedSecret) {
  const auto sealed = a_record(asking(1), 1).sealing({"", "todo-backend-secrets-1"}).succeeded();
  EXPECT_EQ(choice_for({sealed, record(2, 2).succeeded()}, asking(2).rolled_back_to(1)), "run 2, SchemaBarrier");
  EXPECT_EQ(choice_for({sealed, record(2, 2).failed()}, asking(2)), "run 2, SchemaBarrier");
}

Choice choose_by_hand(const std::vector<RecordBuilder>& records, const App& app) {
  auto seen = observing(app);
  for (const auto& each : records) seen.with(each);
  return choose(seen, History(seen), want(app, {}));
}

TEST(Choice, ByHandWaitsForTheHashOfJustThatPlan) {
  const auto app = asking(2).approved_by_hand().with_config("KEY", "1");
  const auto waiting = choose_by_hand({record(1, 1).succeeded()}, app);
  ASSERT_TRUE(waiting.objection && waiting.objection->plan);
  EXPECT_EQ(waiting.objection->reason, Reason::awaiting_approval);
  const auto hash = waiting.objection->plan->hash;
  EXPECT_THAT(waiting.objection->message, HasSubstr("apps.todoapp.dev/approve=" + hash));
  EXPECT_EQ(waiting.objection->plan->changes.size(), 3U);
  EXPECT_EQ(waiting.objection->plan->changes[1],
            (Change{"backend.image", "localhost/todo-backend:1", "localhost/todo-backend:2"}));

  check({
      {"approved", {record(1, 1).succeeded()}, AppBuilder(app).asking_approve(hash), "record 2"},
      {"another spec",
       {record(1, 1).succeeded()},
       AppBuilder(app).asking_approve(hash).with_config("KEY", "2"),
       "run 1, AwaitingApproval"},
      {"the same content later",
       {record(1, 1).succeeded(), record(2, 1).succeeded()},
       AppBuilder(app).asking_approve(hash),
       "run 2, AwaitingApproval"},
      {"in mid-rollout", {record(1, 1).succeeded(), record(2, 3)}, app, "run 2, AwaitingApproval"},
  });
}

TEST(Choice, AnApprovalOfAnotherPlanIsNamed) {
  const auto app = asking(2).approved_by_hand();
  const auto message = [](const AppBuilder& asked) {
    return choose_by_hand({record(1, 1).succeeded()}, asked).objection->message;
  };
  EXPECT_THAT(message(app), Not(HasSubstr("another plan")));
  EXPECT_THAT(message(AppBuilder(app).asking_approve("0123")), HasSubstr("is for another plan; approve it: kubectl"));
}

TEST(Choice, ByHandNamesSecretsAndNothingOfThem) {
  const auto app = asking(1).approved_by_hand().with_live_secret("TOKEN", "vault", "key").build();
  const auto waiting = choose_by_hand({record(1, 1).succeeded()}, app);
  ASSERT_TRUE(waiting.objection && waiting.objection->plan);
  EXPECT_THAT(waiting.objection->plan->changes, ElementsAre(Change{"secrets.TOKEN.backend", "", ""}));
}

TEST(Choice, NamesTheCauseOfWhatItRecords) {
  const auto cause = [](const std::vector<RecordBuilder>& records, const App& app) {
    return choose_by_hand(records, app).record->cause;
  };
  const std::vector<RecordBuilder> failed{record(1, 1).succeeded(), record(2, 2).failed()};
  EXPECT_EQ(cause({}, asking(1)), "first install");
  EXPECT_EQ(cause({record(1, 1).succeeded()}, asking(2)), "backend image 1 to 2");
  EXPECT_EQ(cause({record(1, 1).succeeded()}, asking(2).with_change_cause("ticket 7")), "ticket 7");
  EXPECT_EQ(cause(failed, asking(2)), "rollback to revision 1");
  EXPECT_EQ(cause(failed, asking(2).retrying(1)), "retry of revision 2");
}

TEST(Choice, SaysWhatCanBeDoneAboutAFailure) {
  const auto said = [](const std::vector<RecordBuilder>& records, const App& app) {
    return choose_by_hand(records, app).objection->message;
  };
  const std::string retry = "apps.todoapp.dev/retry=$(date +%s)";
  EXPECT_THAT(said({record(1, 1).failed()}, asking(1)),
              AllOf(HasSubstr("; change the spec, or try"), HasSubstr(retry)));
  // What is asked for there comes first, so a change of the spec would wait.
  const std::vector<RecordBuilder> stuck{record(1, 1).succeeded(), record(2, 2).succeeded(),
                                         record(3, 1).rolling_back_to(1).failed()};
  EXPECT_THAT(said(stuck, asking(2).rolled_back_to(1)),
              AllOf(HasSubstr("--type=merge -p '{\"spec\":{\"rollback\":null}}'"), HasSubstr(retry),
                    Not(HasSubstr("change the spec"))));
}

TEST(Choice, SaysWhatElseARollbackTookBack) {
  const auto said = [](const std::vector<RecordBuilder>& records) {
    return choose_by_hand(records, asking(4)).objection->message;
  };
  const auto back = record(5, 1).rolling_back_to(1).succeeded();
  EXPECT_THAT(said({record(1, 1).succeeded(), record(2, 2).superseded(), record(3, 3).superseded(),
                    record(4, 4).failed(), back}),
              HasSubstr("revision 5 serves; what revision 2, 3 brought was taken back too; change"));
  EXPECT_THAT(said({record(1, 1).succeeded(), record(4, 4).failed(), back}), Not(HasSubstr("taken back")));
}

TEST(Choice, WritesDownTheTokenThatWasSet) {
  const auto choice = choose_by_hand({record(1, 1).succeeded(), record(2, 2).failed()}, asking(2).asking_retry("a"));
  EXPECT_EQ(choice.record->retry, "a");
}

TEST(Choice, TellsHowToTryAgainWithTheNameOfTheApp) {
  const auto choice = choose_by_hand({record(1, 1).failed()}, asking(1));
  ASSERT_TRUE(choice.objection.has_value());
  EXPECT_THAT(choice.objection->message, HasSubstr("kubectl annotate tad todo --namespace shop --overwrite"));
  EXPECT_THAT(choice.objection->message, Not(HasSubstr("NAME")));
}

}  // namespace
}  // namespace todoapp
