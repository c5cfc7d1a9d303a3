#include "todoapp/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "kube/model/canonical_json.hpp"
#include "support/observations.hpp"

namespace todoapp {
namespace {

using namespace std::chrono_literals;
using test::a_record;
using test::an_app;
using test::noon;
using test::observing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Json = nlohmann::json;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

const std::vector<Reason>& all_reasons() {
  static const std::vector<Reason> reasons = [] {
    std::vector<Reason> all;
    for (auto each = static_cast<int>(Reason::succeeded); each <= static_cast<int>(Reason::environment_failing);
         ++each) {
      all.push_back(static_cast<Reason>(each));
    }
    return all;
  }();
  return reasons;
}

Json shown(const Observed& observed, const Verdict& verdict) {
  return Json::parse(show_status(observed, History(observed), verdict));
}

Json condition(const Json& status, const std::string& type) {
  for (const auto& each : status["conditions"]) {
    if (each["type"] == type) return each;
  }
  return {};
}

Verdict of(Reason reason) {
  Verdict verdict;
  verdict.reason = reason;
  return verdict;
}

Verdict succeeded() {
  auto verdict = of(Reason::succeeded);
  verdict.message = "Revision 1 serves";
  verdict.active = verdict.target = 1;
  return verdict;
}

/// An app of which both tiers run, with so many pods available of so many wanted.
test::ObservationBuilder running(std::int32_t available = 2, std::int32_t wanted = 2) {
  auto app = an_app().with_replicas(back, wanted);
  const auto content = want(app, {}).content;
  auto status = test::serving(1, wanted);
  status["readyReplicas"] = status["availableReplicas"] = available;
  auto seen = observing(app);
  seen.with(a_record(app, 1).succeeded());
  seen.with_deployment(front, content, test::serving(1, 1)).with_deployment(back, content, status);
  return seen;
}

TEST(Reasons, HaveNamesOfTheirOwnAndReadyOnesDoNotStall) {
  std::set<std::string_view> names;
  for (const auto reason : all_reasons()) {
    EXPECT_TRUE(names.insert(to_string(reason)).second) << to_string(reason);
    EXPECT_FALSE(is_ready(reason) && stalls(reason)) << to_string(reason);
  }
  EXPECT_EQ(names.size(), 19U);
}

TEST(Reasons, StallWhereOnlyAUserCanGoOn) {
  std::set<std::string_view> stalled, ready;
  for (const auto reason : all_reasons()) {
    if (stalls(reason)) stalled.insert(to_string(reason));
    if (is_ready(reason)) ready.insert(to_string(reason));
  }
  EXPECT_THAT(stalled,
              UnorderedElementsAre("InstallFailed", "RolledBack", "RolloutFailed", "RollbackFailed", "SchemaBarrier",
                                   "InvalidSpec", "ForeignObject", "Rejected", "RevisionNotFound"));
  EXPECT_THAT(ready, UnorderedElementsAre("Succeeded", "RolledBackOnRequest"));
}

TEST(Conditions, ReconcilingAndStalledStandThereOnlyWhileTrue) {
  const auto types = [](const Verdict& verdict) {
    std::vector<std::string> names;
    const auto status = shown(running(), verdict);
    for (const auto& each : status["conditions"]) names.push_back(each["type"]);
    return names;
  };
  EXPECT_THAT(types(succeeded()), ElementsAre("Ready", "Available"));
  auto moving = of(Reason::progressing);
  moving.reconciling = true;
  EXPECT_THAT(types(moving), ElementsAre("Ready", "Available", "Reconciling"));
  EXPECT_THAT(types(of(Reason::rolled_back)), ElementsAre("Ready", "Available", "Stalled"));
}

TEST(Conditions, CarryReasonMessageAndGeneration) {
  auto verdict = of(Reason::invalid_spec);
  verdict.message = "spec.x: no";
  const auto status = shown(running(), verdict);
  EXPECT_EQ(condition(status, "Ready"), (Json{{"type", "Ready"},
                                              {"status", "False"},
                                              {"reason", "InvalidSpec"},
                                              {"message", "spec.x: no"},
                                              {"observedGeneration", 1},
                                              {"lastTransitionTime", "2026-01-31T12:00:00Z"}}));
  EXPECT_EQ(condition(status, "Stalled")["message"], "spec.x: no");
  EXPECT_EQ(condition(status, "Available")["message"], "Available pods: frontend 1/1, backend 2/2");
}

TEST(Conditions, OfScalingSayReadyAndReconciling) {
  auto verdict = succeeded();
  verdict.reconciling = true;
  const auto status = shown(running(1), verdict);
  EXPECT_EQ(condition(status, "Ready")["status"], "True");
  EXPECT_EQ(condition(status, "Reconciling")["reason"], "Scaling");
}

TEST(Conditions, KeepTheTimeOfTheirLastChange) {
  auto seen = running();
  seen.showing(show_status(seen, History(seen), succeeded())).at(noon + 1h);
  const auto time = [&](const Verdict& verdict, const char* type) {
    return condition(shown(seen, verdict), type)["lastTransitionTime"];
  };
  EXPECT_EQ(time(succeeded(), "Ready"), "2026-01-31T12:00:00Z");
  EXPECT_EQ(time(of(Reason::rolled_back_on_request), "Ready"), "2026-01-31T12:00:00Z") << "another reason";
  EXPECT_EQ(time(of(Reason::degraded), "Ready"), "2026-01-31T13:00:00Z") << "another status";
  EXPECT_EQ(time(of(Reason::degraded), "Available"), "2026-01-31T12:00:00Z");
}

TEST(Status, DoesNotChangeWhenNothingHappened) {
  auto seen = running();
  const auto first = show_status(seen, History(seen), succeeded());
  EXPECT_EQ(first, kube::canonical(Json::parse(first)));
  seen.showing(first).at(noon + 1h);
  EXPECT_EQ(show_status(seen, History(seen), succeeded()), first);
}

TEST(Status, IsMadeAnewWhereItIsNoStatus) {
  auto seen = running();
  const auto first = show_status(seen, History(seen), succeeded());
  for (const auto* text : {"", "[]", "{", "{\"conditions\":7}", "null"}) {
    EXPECT_EQ(show_status(seen.showing(text), History(seen), succeeded()), first) << text;
  }
}

TEST(Status, ShowsEachTierAsItsDeploymentSays) {
  const auto status = shown(running(1), succeeded());
  EXPECT_EQ(status["backend"], (Json{{"image", "localhost/todo-backend:1.0.0"},
                                     {"replicas", 2},
                                     {"updatedReplicas", 2},
                                     {"readyReplicas", 1},
                                     {"availableReplicas", 1},
                                     {"ready", "1/2"}}));
  EXPECT_THAT(shown(observing(an_app()), succeeded())["backend"], IsEmpty());
}

TEST(Status, NamesRevisionsOnlyWhereThereAreSome) {
  auto failed = running();
  failed.with(a_record(an_app().with_backend_image("b:2"), 2).failed());
  auto verdict = of(Reason::rolled_back);
  verdict.active = 1;
  verdict.target = 2;
  const auto status = shown(failed, verdict);
  EXPECT_EQ(status["activeRevision"], 1);
  EXPECT_EQ(status["targetRevision"], 2);
  EXPECT_EQ(status["lastGoodRevision"], 1);
  const auto bare = shown(observing(an_app()), {});
  for (const auto* member :
       {"activeRevision", "targetRevision", "lastGoodRevision", "revisions", "failure", "plan", "step"}) {
    EXPECT_FALSE(bare.contains(member)) << member;
  }
}

TEST(Status, ListsRevisionsNewestFirstAndSaysWhichCannotComeBack) {
  auto seen = observing(an_app());
  seen.with(a_record(an_app().with_migration(1, 1), 1).reached_schema(1).caused_by("first install").succeeded());
  seen.with(a_record(an_app().with_migration(3, 2), 2).reached_schema(3).failed("OOMKilled"));
  seen.with(a_record(an_app().with_migration(3, 2), 3).sealing({"", "todo-backend-secrets-1"}).rolling_back_to(2));
  const auto list = shown(seen, {})["revisions"];
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0]["number"], 3);
  EXPECT_EQ(list[0]["rollbackOf"], 2);
  EXPECT_EQ(list[0]["restorable"], false);
  EXPECT_EQ(list[0]["notRestorableReason"], "its sealed Secret todo-backend-secrets-1 is gone");
  EXPECT_FALSE(list[0].contains("outcome"));
  EXPECT_EQ(list[1], (Json{{"number", 2},
                           {"createdAt", "2026-01-31T12:00:00Z"},
                           {"cause", "a test"},
                           {"outcome", "Failed"},
                           {"reason", "OOMKilled"},
                           {"restorable", true}}));
  EXPECT_EQ(list[2]["notRestorableReason"],
            "the database is at schema 3, which works with code for schema 2 or later, and this revision's code is for "
            "schema 1");
}

TEST(Status, ShowsTheFailureFromTheRecord) {
  auto seen = running();
  seen.with(a_record(an_app().with_backend_image("b:2"), 2)
                .failed("OOMKilled")
                .marking(mark::failure, R"({"pod":"p","reason":"OOMKilled","at":"2026-01-31T12:00:00Z"})"));
  EXPECT_EQ(shown(seen, succeeded())["failure"],
            (Json{{"revision", 2}, {"pod", "p"}, {"reason", "OOMKilled"}, {"at", "2026-01-31T12:00:00Z"}}));
}

TEST(Status, ShowsTheReasonOfAFailureWhoseEvidenceIsGone) {
  auto seen = running();
  seen.with(a_record(an_app().with_backend_image("b:2"), 2).failed("OOMKilled"));
  EXPECT_EQ(shown(seen, succeeded())["failure"], (Json{{"revision", 2}, {"reason", "OOMKilled"}}));
}

TEST(Status, ShowsThePlanThatWaits) {
  auto verdict = of(Reason::awaiting_approval);
  verdict.step = "AwaitingApproval";
  verdict.plan = PendingPlan{"abc", {{"backend.image", "b:1", "b:2"}, {"secrets.KEY.backend", "", ""}}};
  const auto status = shown(running(), verdict);
  EXPECT_EQ(status["plan"], Json::parse(R"({"hash":"abc","changes":[{"path":"backend.image","from":"b:1","to":"b:2"},
                           {"path":"secrets.KEY.backend"}]})"));
  EXPECT_EQ(status["step"], "AwaitingApproval");
}

TEST(ShownReason, IsThatOfReady) {
  EXPECT_EQ(shown_reason(show_status(running(), History(running()), succeeded())), "Succeeded");
  for (const auto* text : {"", "{}", "[", R"({"conditions":[]})"}) EXPECT_EQ(shown_reason(text), "") << text;
}

struct ServingRow {
  std::string given;
  std::int32_t available;
  std::int32_t wanted;
  JsonText before;
  bool any, all, short_of;
};

TEST(Serving, TellsAnOutageFromScaling) {
  const auto before = [](int wanted, int available, const char* reason) {
    return kube::canonical(Json{{"backend", {{"replicas", wanted}, {"availableReplicas", available}}},
                                {"conditions", {{{"type", "Ready"}, {"reason", reason}}}}});
  };
  const std::vector<ServingRow> table{
      {"all are there", 2, 2, before(2, 2, "Succeeded"), true, true, false},
      {"none is wanted", 0, 0, before(0, 0, "Succeeded"), true, true, false},
      {"one fell", 1, 2, before(2, 2, "Succeeded"), true, false, true},
      {"it is still away", 1, 2, before(2, 1, "Degraded"), true, false, true},
      {"it came back", 2, 2, before(2, 1, "Degraded"), true, true, false},
      {"more are wanted", 2, 3, before(2, 2, "Succeeded"), true, false, false},
      {"the more are coming", 2, 4, before(4, 2, "Succeeded"), true, false, false},
      {"of the more one fell", 1, 4, before(4, 2, "Succeeded"), true, false, true},
      {"all fell", 0, 2, before(2, 2, "Succeeded"), false, false, true},
      {"nothing was shown", 1, 2, "", true, false, false},
  };
  for (const auto& row : table) {
    const auto serving = serving_of(running(row.available, row.wanted).showing(row.before), back);
    EXPECT_EQ(serving.any, row.any) << row.given;
    EXPECT_EQ(serving.all, row.all) << row.given;
    EXPECT_EQ(serving.short_of, row.short_of) << row.given;
  }
  EXPECT_FALSE(serving_of(observing(an_app()), back).any) << "no Deployment yet";
}

TEST(Serving, TellsScalingUpFromNothingFromAnOutage) {
  const auto starting = [](int wanted_before, const char* reason, const char* step) {
    Json shown{{"backend", {{"replicas", wanted_before}, {"availableReplicas", 0}}},
               {"conditions", {{{"type", "Ready"}, {"reason", reason}}}}};
    if (step != nullptr) shown["step"] = step;
    return serving_of(running(0, 2).showing(kube::canonical(shown)), back).starting;
  };
  EXPECT_TRUE(starting(0, "Succeeded", nullptr)) << "none was wanted before";
  EXPECT_TRUE(starting(2, "Progressing", nullptr)) << "and they are still coming";
  EXPECT_FALSE(starting(2, "Progressing", "Soaking until 12:00:10Z")) << "that was the rollout";
  EXPECT_FALSE(starting(2, "Succeeded", nullptr)) << "they fell";
}

}  // namespace
}  // namespace todoapp
