#include "todoapp/upkeep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::a_record;
using test::an_app;
using test::AppBuilder;
using test::observing;
using test::RecordBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;
const Step backend_rolls{Rolling{{back}}};

AppBuilder asking(int version) {
  const auto tag = std::to_string(version);
  return an_app().with_backend_image("b:" + tag).with_frontend_image("f:" + tag);
}

/// An app in whose cluster everything but the Deployments stands as it should.
test::ObservationBuilder around(const App& app) {
  auto seen = observing(app);
  for (const auto tier : all_tiers) {
    const auto service = service_intent(app, tier);
    seen.with(Kind::service, test::verified(test::cached(Kind::service, test::applied(service))));
  }
  return seen;
}

/// What is done about the objects, of which the tiers run these versions, on the way to the latest record.
struct Kept {
  std::vector<Action> actions;
  std::optional<ReadRevision> missing;
};

Kept keep(test::ObservationBuilder& seen, const Step& step, const Contents::Read& read = {},
          const Overlays& overlays = {}) {
  const auto& observed = seen.get();
  const History history(observed);
  const auto wanted = want(observed.app, {});
  Contents contents(wanted, read);
  const RolloutView view{observed, history, *history.latest(), wanted.content};
  auto actions = keep_objects(view, step, overlays, contents);
  return {std::move(actions), contents.missing()};
}

Content content_of(int version) { return want(asking(version), {}).content; }

test::ObservationBuilder upgrading(const App& app, int backend, int frontend) {
  auto seen = around(app);
  seen.with(a_record(asking(1), 1).succeeded()).with(a_record(asking(2), 2));
  seen.with_deployment(back, content_of(backend), test::serving(1, 1), backend);
  seen.with_deployment(front, content_of(frontend), test::serving(1, 1), frontend);
  return seen;
}

const Intent& intent_in(const Action& action) { return std::get<Apply>(action).intent; }

std::string carried(const Action& action) {
  return nlohmann::json::parse(intent_in(action).body)["metadata"]["annotations"][marked(mark::revision)];
}

TEST(Upkeep, GivesTheTemplateToTheTierWhoseTurnItIs) {
  auto seen = upgrading(asking(2), 1, 1);
  const auto kept = keep(seen, backend_rolls);
  ASSERT_THAT(words_of(kept.actions), ElementsAre("change Deployment todo-backend"));
  EXPECT_EQ(carried(kept.actions[0]), "2");
  EXPECT_EQ(kept.missing, std::nullopt) << "the tier that waits is untouched, so nothing has to be known of it";
}

TEST(Upkeep, GoesOnWhenTheFirstTierIsDone) {
  auto seen = upgrading(asking(2), 2, 1);
  EXPECT_THAT(words_of(keep(seen, Rolling{{front}}).actions), ElementsAre("change Deployment todo-frontend"));
}

TEST(Upkeep, OfAFinishedRolloutIsNothing) {
  auto seen = upgrading(asking(2), 2, 2);
  EXPECT_THAT(keep(seen, Finished{}).actions, IsEmpty());
}

TEST(Upkeep, TouchesNoPodWhileOrAfterAMigrationThatHasNotComeToAGoodEnd) {
  for (const auto& step : {Step{Migrating{"todo-migrate-1"}}, Step{Broken{{.reason = "MigrationFailed"}}}}) {
    auto seen = around(an_app().with_migration(2, 1));
    seen.with(a_record(an_app().with_migration(2, 1), 1).failed("MigrationFailed"));
    EXPECT_THAT(keep(seen, step).actions, IsEmpty()) << step.index();
  }
}

TEST(Upkeep, OfAnUnchangedTierKeepsTheNumberThatItCarries) {
  auto seen = around(an_app().with_backend_image("b:2"));
  const auto content = want(an_app().with_backend_image("b:2"), {}).content;
  seen.with(a_record(an_app().with_backend_image("b:2"), 5));
  seen.with_deployment(back, want(an_app(), {}).content, test::serving(1, 1), 1);
  seen.with_deployment(front, content, test::serving(1, 1), 1);
  EXPECT_THAT(words_of(keep(seen, backend_rolls).actions), ElementsAre("change Deployment todo-backend"));
}

TEST(Upkeep, ReadsTheRecordOfATierThatWaitsWhereTheSpecChangedOrSomebodyTouchedIt) {
  auto changed = upgrading(asking(2).at_generation(2), 1, 1);
  EXPECT_EQ(keep(changed, backend_rolls).missing, (ReadRevision{1, "todo-rev-1"}));

  auto touched = around(asking(2));
  touched.with(a_record(asking(1), 1).succeeded()).with(a_record(asking(2), 2));
  touched.with_deployment(back, content_of(2), {}, 2)
      .with(deployment_intent(asking(2), front, content_of(1).frontend, 1, {}));
  EXPECT_EQ(keep(touched, backend_rolls).missing, (ReadRevision{1, "todo-rev-1"}));
}

TEST(Upkeep, GivesATierThatWaitsTheLiveSettingsAndItsOldTemplate) {
  auto seen = upgrading(asking(2), 1, 1);
  seen.asking(asking(2).with_replicas(front, 3).at_generation(2));
  const auto kept = keep(seen, backend_rolls, {{1, std::make_shared<const Content>(content_of(1))}});
  ASSERT_THAT(words_of(kept.actions), ElementsAre("change Deployment todo-backend", "change Deployment todo-frontend"));
  EXPECT_EQ(intent_in(kept.actions[1]),
            deployment_intent(asking(2).with_replicas(front, 3), front, content_of(1).frontend, 1, {}));
}

TEST(Upkeep, MakesConfigBeforeThePodsThatNeedIt) {
  const auto app = an_app().with_config("A", "1").build();
  auto seen = around(app);
  seen.with(a_record(app, 1));
  EXPECT_THAT(
      words_of(keep(seen, backend_rolls).actions),
      ElementsAre("create ConfigMap " + want(app, {}).content.backend.config_name, "create Deployment todo-backend"));
}

TEST(Upkeep, OfWhatSucceededBringsEverythingBackAtOnce) {
  auto seen = observing(an_app());
  seen.with(a_record(an_app(), 1).succeeded());
  EXPECT_THAT(words_of(keep(seen, backend_rolls).actions),
              ElementsAre("create Service todo-frontend", "create Service todo-backend",
                          "create Deployment todo-backend", "create Deployment todo-frontend"));
}

TEST(Upkeep, LaysTheRestartTokenAndLiveSecretsOverTheTemplate) {
  auto seen = around(an_app().asking_restart("now"));
  seen.with(a_record(an_app(), 1).succeeded());
  seen.with_deployment(back, want(an_app(), {}).content, test::serving(1, 1));
  seen.with_deployment(front, want(an_app(), {}).content, test::serving(1, 1));
  const auto kept =
      keep(seen, Finished{}, {}, {{back, Overlay{.live_secrets = "digest", .secret_versions = "db=1:1"}}});
  ASSERT_EQ(kept.actions.size(), 2U);
  EXPECT_EQ(intent_in(kept.actions[0]),
            deployment_intent(seen.get().app, back, want(an_app(), {}).content.backend, 1,
                              {.restart = "now", .live_secrets = "digest", .secret_versions = "db=1:1"}));
  EXPECT_EQ(intent_in(kept.actions[1]),
            deployment_intent(seen.get().app, front, want(an_app(), {}).content.frontend, 1, {.restart = "now"}));
}

TEST(Contents, AreRenderedOnlyWhereTheRecordWasRenderedInTheSameWay) {
  const auto wanted = want(asking(1), {});
  const auto of = [&](const RecordBuilder& record, const Contents::Read& read = {}) {
    Contents contents(wanted, read);
    const auto revision = read_revision(record.build()).value();
    const auto* content = contents.of(revision);
    EXPECT_EQ(content == nullptr, contents.missing().has_value());
    return content == &wanted.content ? "rendered" : content != nullptr ? "read" : "missing";
  };
  const Contents::Read read{{1, std::make_shared<const Content>(content_of(2))}};
  EXPECT_EQ(of(a_record(asking(1), 1)), std::string("rendered"));
  EXPECT_EQ(of(a_record(asking(1), 1), read), std::string("rendered"));
  EXPECT_EQ(of(a_record(asking(2), 1)), std::string("missing"));
  EXPECT_EQ(of(a_record(asking(2), 1), read), std::string("read"));
  EXPECT_EQ(of(a_record(asking(3), 1), read), std::string("missing")) << "what was expected is not what was recorded";
  EXPECT_EQ(of(a_record(asking(1), 1).rendered_by(0)), std::string("missing")) << "another renderer";
  EXPECT_EQ(of(a_record(asking(1), 1).marking("templates", "a,b")), std::string("missing"))
      << "a renderer that changed and did not say so";
}

std::vector<Action> migrate(const nlohmann::json& conditions) {
  const auto app = an_app().with_migration(2, 1).build();
  auto seen = observing(app);
  seen.with(a_record(app, 1));
  const auto wanted = want(app, {});
  if (!conditions.is_null()) {
    auto job = test::applied(migration_intent(app, *wanted.content.migration, 1));
    job["status"]["conditions"] = conditions;
    seen.with(Kind::job, test::cached(Kind::job, job));
  }
  const History history(seen);
  return run_migration({seen, history, *history.latest(), wanted.content});
}

TEST(MigrationJob, IsMadeOnce) {
  EXPECT_THAT(words_of(migrate({})), ElementsAre("create Job todo-migrate-1"));
  EXPECT_THAT(migrate(nlohmann::json::array()), IsEmpty());
}

TEST(MigrationJob, WaitsForThatOfAnOvertakenRevision) {
  const auto app = asking(2).with_migration(3, 1).build();
  auto older = asking(1);
  older.with_migration(2, 1);
  const auto words = [&](const nlohmann::json& conditions) {
    auto seen = observing(app);
    seen.with(a_record(older, 1).superseded()).with(a_record(app, 2));
    auto job = test::applied(migration_intent(app, *want(older, {}).content.migration, 1));
    job["status"]["conditions"] = conditions;
    seen.with(Kind::job, test::cached(Kind::job, job));
    const History history(seen);
    return words_of(run_migration({seen, history, *history.latest(), want(app, {}).content}));
  };
  EXPECT_THAT(words(nlohmann::json::array()), IsEmpty());
  EXPECT_THAT(words({{{"type", "Complete"}, {"status", "True"}}}), ElementsAre("create Job todo-migrate-2"));
  EXPECT_THAT(words({{{"type", "Failed"}, {"status", "True"}}}), ElementsAre("create Job todo-migrate-2"));
}

TEST(MigrationJob, IsWrittenDownWhenItIsDoneWhoeverOvertookItsRevision) {
  const auto app = an_app().with_migration(2, 1).build();
  const auto words = [&](test::RecordBuilder record, const char* condition) {
    auto seen = observing(app);
    seen.with(record).with(a_record(asking(2), 2));
    auto job = test::applied(migration_intent(app, *want(app, {}).content.migration, 1));
    job["status"]["conditions"] = {{{"type", condition}, {"status", "True"}}};
    seen.with(Kind::job, test::cached(Kind::job, job));
    return words_of(record_schemas(History(seen)));
  };
  EXPECT_THAT(words(a_record(app, 1).superseded(), "Complete"), ElementsAre("mark todo-rev-1 schema=2"));
  EXPECT_THAT(words(a_record(app, 1).reached_schema(2), "Complete"), IsEmpty());
  EXPECT_THAT(words(a_record(app, 1), "Failed"), IsEmpty());
}

TEST(Upkeep, ARetryMakesNewPodsOfTheSameTemplate) {
  auto seen = around(asking(1));
  seen.with(a_record(asking(1), 1).failed()).with(a_record(asking(1), 2));
  seen.with_deployment(back, content_of(1), {{"observedGeneration", 1}, {"replicas", 1}, {"updatedReplicas", 1}});
  const auto kept = keep(seen, backend_rolls);
  ASSERT_EQ(kept.actions.size(), 1U);
  EXPECT_EQ(intent_in(kept.actions[0]),
            deployment_intent(seen.get().app, back, content_of(1).backend, 2, {.attempt = "2"}));
}

TEST(Upkeep, PodsOfARetryAreLeftAloneAfterwards) {
  for (const bool done : {false, true}) {
    auto seen = around(asking(1));
    seen.with(a_record(asking(1), 1).failed()).with(done ? a_record(asking(1), 2).succeeded() : a_record(asking(1), 2));
    seen.with_deployment(back, content_of(1), test::serving(1, 1), 2, {.attempt = "2"});
    seen.with_deployment(front, content_of(1), test::serving(1, 1), 2, {.attempt = "2"});
    EXPECT_THAT(keep(seen, Finished{}).actions, IsEmpty()) << done;
  }
}

TEST(Upkeep, ARetryLeavesATierThatServesAlone) {
  auto seen = around(asking(1));
  seen.with(a_record(asking(1), 1).failed()).with(a_record(asking(1), 2));
  seen.with_deployment(back, content_of(1), test::serving(1, 1));
  seen.with_deployment(front, content_of(1), test::serving(1, 1));
  EXPECT_THAT(keep(seen, Finished{}).actions, IsEmpty());
}

TEST(Tidy, DeletesOldRecordsAndWhatNoneOfTheOthersUses) {
  const auto config = [](int version) { return asking(version).with_config("V", std::to_string(version)); };
  const auto app = config(4).keeping(1).build();
  auto seen = observing(app);
  for (int version = 1; version <= 4; ++version) {
    seen.with(a_record(config(version), version).succeeded());
    seen.with(config_intent(app, back, want(config(version), {}).content.backend));
  }
  seen.with(keys_intent(app, {{"hmac.key", "k"}}));
  for (const auto* name : {"todo-backend-secrets-1", "todo-backend-secrets-2"}) {
    seen.with(sealed_secret_intent(app, back, name, {}, {.sources = "sources"}));
  }
  const auto actions = tidy(seen, History(seen), want(app, {}).hash, {"todo-backend-secrets-2"});
  const auto name_of = [&](int version) { return want(config(version), {}).content.backend.config_name; };
  EXPECT_THAT(words_of(actions), ElementsAre("delete ControllerRevision todo-rev-1",
                                             "delete ControllerRevision todo-rev-2", "delete ConfigMap " + name_of(1),
                                             "delete ConfigMap " + name_of(2), "delete Secret todo-backend-secrets-1"));
  EXPECT_EQ(actions[0], Action(Delete{Kind::controller_revision, "todo-rev-1", "uid-of-todo-rev-1"}));
}

TEST(Tidy, KeepsWhatAKeptRecordSealed) {
  auto seen = observing(an_app());
  seen.with(a_record(an_app(), 1).sealing({"", "todo-backend-secrets-1"}).succeeded());
  seen.with(sealed_secret_intent(an_app(), back, "todo-backend-secrets-1", {}, {.sources = "sources"}));
  EXPECT_THAT(tidy(seen, History(seen), want(an_app(), {}).hash, {}), IsEmpty());
}

TEST(Tidy, DeletesTheMigrationJobsOfRecordsThatAreGone) {
  const auto app = an_app().with_migration(2, 1).build();
  auto seen = observing(app);
  seen.with(a_record(app, 5).succeeded());
  for (const int number : {4, 5}) {
    seen.with(migration_intent(app, *want(app, {}).content.migration, number));
  }
  EXPECT_THAT(words_of(tidy(seen, History(seen), want(app, {}).hash, {})), ElementsAre("delete Job todo-migrate-4"));
}

}  // namespace
}  // namespace todoapp
