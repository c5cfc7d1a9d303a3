#include "todoapp/rollout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "support/observations.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

// What a step is, for failures of `==`.
inline void PrintTo(const Migrating& step, std::ostream* out) { *out << "Migrating by " << step.job; }
inline void PrintTo(const Rolling& step, std::ostream* out) {
  *out << "Rolling";
  for (const auto tier : step.tiers) *out << " " << to_string(tier);
}
inline void PrintTo(const Soaking& step, std::ostream* out) {
  *out << "Soaking until " << base::format_time(step.until);
}
inline void PrintTo(const Finished&, std::ostream* out) { *out << "Finished"; }
inline void PrintTo(const Broken& step, std::ostream* out) { *out << "Broken by " << step.cause.reason; }

namespace {

using namespace std::chrono_literals;
using test::a_record;
using test::an_app;
using test::AppBuilder;
using test::noon;
using test::observing;
using test::RecordBuilder;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

AppBuilder asking(int version) {
  const auto tag = std::to_string(version);
  return an_app().with_backend_image("b:" + tag).with_frontend_image("f:" + tag).with_replicas(back, 2);
}

/// An upgrade from version 1 to 2, and what the caches show of it.
struct Given {
  AppBuilder app{asking(2)};
  RecordBuilder target{a_record(asking(2), 2)};
  int backend{1};  ///< the version of its template; 0: it is not there
  Json backend_status = test::serving(1, 2);
  int frontend{1};
  Json frontend_status = test::serving(1, 1);
  base::WallTime now{noon};
  std::function<void(Memory&)> memory{[](Memory&) {}};
  Json job{};  ///< conditions of the migration's Job; null: it is not there
};

void show(test::ObservationBuilder& seen, const Given& given, Tier tier, int version, const Json& status) {
  if (version == 0) return;
  auto app = given.app;
  const auto tag = std::to_string(version);
  const auto content = want(app.with_backend_image("b:" + tag).with_frontend_image("f:" + tag), {}).content;
  seen.with_deployment(tier, content, status);
}

template <class Ask>
auto in_view(const Given& given, Ask&& ask) {
  auto seen = observing(given.app);
  seen.at(given.now).remembering(given.memory).with(a_record(asking(1), 1).succeeded()).with(given.target);
  show(seen, given, back, given.backend, given.backend_status);
  show(seen, given, front, given.frontend, given.frontend_status);
  const auto content = want(given.app, {}).content;
  if (!given.job.is_null()) {
    auto job = test::applied(migration_intent(given.app, *content.migration, 2));
    job["status"]["conditions"] = given.job;
    seen.with(Kind::job, test::cached(Kind::job, job));
  }
  const History history(seen);
  return ask(RolloutView{seen, history, *history.find(2), content});
}

Step step(const Given& given) {
  return in_view(given, [](const RolloutView& view) { return step_of(view); });
}
std::string words(const Given& given) {
  return in_view(given, [](const RolloutView& view) { return words_of(step_of(view), view); });
}

Json condition(const std::string& type, const std::string& status, const std::string& reason) {
  return Json::array({{{"type", type}, {"status", status}, {"reason", reason}, {"message", "its words"}}});
}
Json with(Json status, const std::string& member, const Json& value) {
  status[member] = value;
  return status;
}
Json stuck() {
  return with(test::serving(1, 2), "conditions", condition("Progressing", "False", "ProgressDeadlineExceeded"));
}

const Step backend_rolls{Rolling{{back}}};
const Step frontend_rolls{Rolling{{front}}};
const Step soaks{Soaking{noon, noon + 10s}};

TEST(Step, FollowsTheTiersInTheirOrder) {
  EXPECT_EQ(step({}), backend_rolls);
  EXPECT_EQ(step({.backend = 2}), frontend_rolls);
  EXPECT_EQ(step({.backend = 2, .frontend = 2}), soaks);
  const auto other = asking(2).in_order(Order::frontend_first);
  EXPECT_EQ(step({.app = other}), frontend_rolls);
  EXPECT_EQ(step({.app = other, .backend = 2}), frontend_rolls);
  EXPECT_EQ(step({.app = other, .frontend = 2}), backend_rolls);
  const auto together = asking(2).in_order(Order::together);
  EXPECT_EQ(step({.app = together}), Step(Rolling{{back, front}}));
  EXPECT_EQ(step({.app = together, .frontend = 2}), backend_rolls);
}

TEST(Step, OfARollbackGoesTheOtherWayRound) {
  const auto target = a_record(asking(2), 2).rolling_back_to(1);
  EXPECT_EQ(step({.target = target}), frontend_rolls);
  EXPECT_EQ(step({.target = target, .backend = 2}), frontend_rolls);
  EXPECT_EQ(step({.target = target, .frontend = 2}), backend_rolls);
  EXPECT_EQ(step({.app = asking(2).in_order(Order::frontend_first), .target = target}), backend_rolls);
}

TEST(Step, OfAFirstInstallWaitsForDeploymentsThatAreNotThere) {
  EXPECT_EQ(step({.backend = 0, .frontend = 0}), backend_rolls);
  EXPECT_EQ(step({.backend = 2, .frontend = 0}), frontend_rolls);
}

TEST(Step, LeavesATierWhenAllItsPodsAreNewAndAvailableAndNoOthersAreLeft) {
  const std::vector<std::pair<std::string, Json>> table{
      {"no controller has looked", Json::object()},
      {"this generation was not observed", with(test::serving(1, 2), "observedGeneration", 0)},
      {"one is not updated", with(test::serving(1, 2), "updatedReplicas", 1)},
      {"one is not available", with(test::serving(1, 2), "availableReplicas", 1)},
      {"an old one is left", with(test::serving(1, 2), "replicas", 3)},
  };
  for (const auto& [given, status] : table) {
    EXPECT_EQ(step({.backend = 2, .backend_status = status}), backend_rolls) << given;
  }
}

TEST(Step, OfATierWithoutPodsIsDone) {
  const auto none = asking(2).with_replicas(back, 0);
  EXPECT_EQ(step({.app = none, .backend = 2, .backend_status = test::serving(1, 0)}), frontend_rolls);
}

TEST(Step, SoaksFromWhenAllWasReady) {
  const Given ready{.backend = 2, .frontend = 2, .now = noon + 9s};
  const auto since = [](std::int64_t revision, base::WallTime time) {
    return [=](Memory& memory) { memory.soak_revision = revision, memory.soak_since = time; };
  };
  auto given = ready;
  EXPECT_EQ(step(given), Step(Soaking{noon + 9s, noon + 19s})) << "begins now";
  given.memory = since(2, noon);
  EXPECT_EQ(step(given), soaks) << "goes on";
  given.now = noon + 10s;
  EXPECT_EQ(step(given), Step(Finished{})) << "ends";
  given.memory = since(1, noon);
  EXPECT_EQ(step(given), Step(Soaking{noon + 10s, noon + 20s})) << "of another revision does not count";
  given.backend_status = with(test::serving(1, 2), "availableReplicas", 1);
  EXPECT_EQ(step(given), backend_rolls) << "is over when a pod falls";
  given = ready;
  given.app.soaking(0s);
  EXPECT_EQ(step(given), Step(Finished{})) << "for no time at all";
}

TEST(Step, OfARevisionThatSucceededIsNotTimedAgain) {
  Given given{.target = a_record(asking(2), 2).succeeded(), .backend = 2, .frontend = 2, .now = noon + 5h};
  EXPECT_EQ(step(given), Step(Finished{}));
  given.backend_status = stuck();
  EXPECT_EQ(step(given), Step(Finished{})) << "nor judged by a deadline";
}

TEST(Step, BreaksAtTheProgressDeadlineOfTheNewTemplateOnly) {
  const Step broken{Broken{{.reason = "ProgressDeadlineExceeded", .tier = back, .message = "its words"}}};
  EXPECT_EQ(step({.backend = 2, .backend_status = stuck()}), broken);
  EXPECT_EQ(step({.backend = 1, .backend_status = stuck()}), backend_rolls);
  EXPECT_EQ(step({.backend = 2, .backend_status = with(stuck(), "observedGeneration", 0)}), backend_rolls);
  EXPECT_EQ(step({.target = a_record(asking(2), 2).failed(), .backend = 2, .backend_status = stuck()}), broken);
}

TEST(Step, AVerdictOnAnEarlierRolloutIsNoneOnThisOne) {
  auto verdict = condition("Progressing", "False", "ProgressDeadlineExceeded");
  verdict[0]["lastUpdateTime"] = base::format_time(noon);
  Given given{.backend = 2, .backend_status = with(with(test::serving(1, 2), "conditions", verdict), "replicas", 3)};
  EXPECT_EQ(step(given), backend_rolls);
  given.now = noon + 600s;
  EXPECT_TRUE(std::holds_alternative<Broken>(step(given))) << "our own count of the deadline";
  verdict[0]["lastUpdateTime"] = base::format_time(noon + 1s);
  given = {.backend = 2, .backend_status = with(test::serving(1, 2), "conditions", verdict), .now = noon + 2s};
  EXPECT_TRUE(std::holds_alternative<Broken>(step(given))) << "one on this rollout";
}

TEST(Step, BreaksWhenTheAbsoluteTimeIsOver) {
  const auto late = noon + 1800s;
  const auto reason = [](const Step& of) { return std::get<Broken>(of).cause.reason; };
  EXPECT_EQ(step({.now = late - 1ms}), backend_rolls);
  EXPECT_EQ(reason(step({.now = late})), "TimedOut");
  EXPECT_EQ(reason(step({.backend = 2, .frontend = 2, .now = late})), "TimedOut") << "while it soaks, too";
  EXPECT_EQ(reason(step({.backend = 2, .backend_status = stuck(), .now = late})), "TimedOut")
      << "a progress deadline may be waived, this never";
  EXPECT_EQ(step({.app = asking(2).timing_out_after(2h), .now = late}), backend_rolls);
  EXPECT_EQ(step({.target = a_record(asking(2), 2).failed(), .now = late}), backend_rolls) << "judged once";
}

TEST(Step, HasEndedThoughTheTimeIsOverWhereTheSoakIs) {
  const Given given{.backend = 2, .frontend = 2, .now = noon + 2h, .memory = [](Memory& memory) {
                      memory.soak_revision = 2, memory.soak_since = noon;
                    }};
  EXPECT_EQ(step(given), Step(Finished{}));
}

TEST(Step, MigratesFirst) {
  const auto app = asking(2).with_migration(2, 1);
  const auto target = a_record(app, 2);
  const Step migrating{Migrating{"todo-migrate-2"}};
  EXPECT_EQ(step({.app = app, .target = target}), migrating);
  EXPECT_EQ(step({.app = app, .target = target, .job = Json::array()}), migrating);
  EXPECT_EQ(step({.app = app, .target = target, .job = condition("Complete", "True", "Done")}), backend_rolls);
  EXPECT_EQ(step({.app = app, .target = target, .job = condition("Failed", "True", "BackoffLimitExceeded")}),
            Step(Broken{{.reason = "MigrationFailed",
                         .tier = back,
                         .pod = "todo-migrate-2",
                         .message = "BackoffLimitExceeded: its words"}}));
  EXPECT_EQ(step({.app = app, .target = RecordBuilder(target).reached_schema(2)}), backend_rolls);
}

TEST(Step, MigratesNeitherForARollbackNorForASchemaThatIsThere) {
  const auto app = asking(2).with_migration(2, 1);
  EXPECT_EQ(step({.app = app, .target = a_record(app, 2).rolling_back_to(1)}), frontend_rolls);
  EXPECT_EQ(step({.app = app, .target = a_record(app, 2).reached_schema(3)}), backend_rolls);
}

TEST(StuckTiers, AreThoseWhoseNewPodsDoNotComeUp) {
  const auto stuck_in = [](const Json& status) {
    return in_view(
        {.target = a_record(asking(2), 2).succeeded(), .backend = 2, .backend_status = status, .frontend = 2},
        [](const RolloutView& view) { return stuck_tiers(view); });
  };
  EXPECT_EQ(stuck_in(test::serving(1, 2)), "");
  EXPECT_EQ(stuck_in(with(stuck(), "replicas", 3)), "backend");
}

TEST(StepWords, SayWhatTheRolloutWaitsFor) {
  EXPECT_EQ(words({}), "RollingBackend 0/2");
  EXPECT_EQ(words({.backend = 2, .backend_status = with(test::serving(1, 2), "updatedReplicas", 1)}),
            "RollingBackend 1/2");
  const auto surging = with(with(test::serving(1, 2), "replicas", 3), "updatedReplicas", 1);
  EXPECT_EQ(words({.backend = 2, .backend_status = surging}), "RollingBackend 0/2") << "both that serve are old";
  EXPECT_EQ(words({.backend = 0}), "RollingBackend 0/2");
  EXPECT_EQ(words({.app = asking(2).in_order(Order::together)}), "RollingBackend 0/2, RollingFrontend 0/1");
  EXPECT_EQ(words({.backend = 2, .frontend = 2}), "Soaking until 12:00:10Z");
  EXPECT_EQ(words({.backend = 2, .frontend = 2, .now = noon + 1ms}), "Soaking until 12:00:11Z");
  const auto app = asking(2).with_migration(2, 1);
  EXPECT_EQ(words({.app = app, .target = a_record(app, 2)}), "Migrating");
}

}  // namespace
}  // namespace todoapp
