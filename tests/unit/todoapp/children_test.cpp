#include "todoapp/children.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kube/model/canonical_json.hpp"
#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using test::AppBuilder;
using test::applied;
using test::cached;
using test::observing;
using test::verified;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Actions = std::vector<Action>;
using Json = nlohmann::json;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

Intent service_of(const App& app) { return service_intent(app, front); }
Intent wanted() { return service_of(an_app()); }

/// What is done about a Service of which the cache shows `object`, where `intent` is wanted.
Actions about(kube::Object object, const Intent& intent) {
  return bring_in_line(observing(an_app()).with(Kind::service, std::move(object)), intent);
}

kube::Object shown(const Json& json) { return cached(Kind::service, json); }

TEST(Children, ThatAreNotThereAreMade) {
  EXPECT_EQ(bring_in_line(observing(an_app()), wanted()), (Actions{Apply{wanted(), "", Why::create}}));
}

TEST(Children, OfAnotherKindOrNameAreOthers) {
  auto seen = observing(an_app());
  seen.with(service_intent(an_app(), back)).with(Kind::deployment, cached(Kind::deployment, applied(wanted())));
  EXPECT_EQ(bring_in_line(seen, wanted()), (Actions{Apply{wanted(), "", Why::create}}));
}

TEST(Children, ThatAreAsTheyShouldBeAreNotedAndThenLeftAlone) {
  const auto object = shown(applied(wanted()));
  EXPECT_EQ(about(object, wanted()),
            (Actions{MarkVerified{Kind::service, "todo-frontend", wanted().hash, object.fingerprint}}));
  EXPECT_THAT(about(verified(object), wanted()), IsEmpty());
}

TEST(Children, OfWhichOthersSetFurtherFieldsAreAsTheyShouldBe) {
  auto json = applied(wanted());
  json["metadata"]["annotations"]["theirs"] = "1";
  json["metadata"]["labels"]["theirs"] = "1";
  json["spec"]["sessionAffinity"] = "ClientIP";
  EXPECT_THAT(words_of(about(shown(json), wanted())), ElementsAre("verified Service todo-frontend"));
}

TEST(Children, ThatAreWantedOtherwiseAreChanged) {
  const auto other = service_of(an_app().with_tier(front, [](auto& tier) { tier.service.type = "NodePort"; }));
  EXPECT_EQ(about(shown(applied(wanted())), other), (Actions{Apply{other, "uid-of-todo-frontend", Why::change}}));
}

TEST(Children, ThatSomebodyChangedArePutRight) {
  const std::vector<std::pair<std::string, Json>> table{
      {"/spec/type", "LoadBalancer"},
      {"/spec/selector", Json::object()},
      {"/spec/ports/0/targetPort", 9},
      {"/metadata/labels", Json::object()},
  };
  for (const auto& [pointer, value] : table) {
    auto json = applied(wanted());
    json[Json::json_pointer(pointer)] = value;
    EXPECT_EQ(about(shown(json), wanted()), (Actions{Apply{wanted(), "uid-of-todo-frontend", Why::drift}})) << pointer;
  }
}

TEST(Children, WhoseMarkSomebodyTookAwayArePutRight) {
  auto json = applied(wanted());
  json["metadata"]["annotations"].erase(marked(mark::applied));
  EXPECT_THAT(words_of(about(shown(json), wanted())), ElementsAre("repair Service todo-frontend"));
}

TEST(Children, ThatChangedSinceTheyWereComparedAreComparedAgain) {
  auto object = shown(applied(wanted()));
  object.verified_intent = wanted().hash;
  object.verified_fingerprint = object.fingerprint + 1;
  EXPECT_THAT(words_of(about(object, wanted())), ElementsAre("verified Service todo-frontend"));
}

TEST(Children, WhoseBodyHasNotComeYetAreLeftAlone) {
  auto object = shown(applied(wanted()));
  object.body.reset();
  EXPECT_THAT(about(object, wanted()), IsEmpty());
}

TEST(Children, ThatAreBeingDeletedAreLeftAlone) {
  auto json = applied(wanted());
  json["metadata"]["deletionTimestamp"] = base::format_time(test::noon);
  EXPECT_THAT(about(shown(json), service_of(an_app().with_service_port(front, 81))), IsEmpty());
}

TEST(Children, OfWhichOnlyMetadataIsWatchedAreComparedByThat) {
  const auto app = an_app().with_config("A", "1").build();
  const auto content = want(app, {}).content;
  const auto intent = config_intent(app, back, content.backend);
  auto json = applied(intent);
  const auto seen = [&] { return bring_in_line(observing(app).with(intent.kind, cached(intent.kind, json)), intent); };
  EXPECT_THAT(words_of(seen()), ElementsAre("verified ConfigMap " + intent.name));
  json["metadata"]["labels"] = Json::object();
  EXPECT_THAT(words_of(seen()), ElementsAre("repair ConfigMap " + intent.name));
}

TEST(Children, AreUntouchedOnlyWhileTheyWereCompared) {
  const auto object = shown(applied(wanted()));
  EXPECT_FALSE(untouched(object));
  EXPECT_TRUE(untouched(verified(object)));
}

TEST(ServicePorts, AreReplacedWhereTheNumberMoved) {
  const auto moved = service_of(an_app().with_service_port(front, 8080));
  EXPECT_EQ(about(shown(applied(wanted())), moved),
            (Actions{ReplacePorts{moved, "uid-of-todo-frontend", Why::change}}));
}

TEST(ServicePorts, ThatSomebodyMovedAreReplaced) {
  auto json = applied(wanted());
  json["spec"]["ports"][0]["port"] = 81;
  EXPECT_EQ(about(shown(json), wanted()), (Actions{ReplacePorts{wanted(), "uid-of-todo-frontend", Why::drift}}));
}

TEST(ServicePorts, OfSomebodyElseStay) {
  auto json = applied(wanted());
  json["spec"]["ports"].push_back({{"name", "metrics"}, {"port", 9090}, {"protocol", "TCP"}});
  EXPECT_THAT(words_of(about(shown(json), wanted())), ElementsAre("verified Service todo-frontend"));
  const auto other = service_of(an_app().with_tier(front, [](auto& tier) { tier.service.type = "NodePort"; }));
  EXPECT_THAT(words_of(about(shown(json), other)), ElementsAre("change Service todo-frontend"));
}

TEST(ServicePorts, AreKnownFromTheMarkWhereTheBodyWasLetGo) {
  const auto object = verified(shown(applied(wanted())));
  const auto moved = service_of(an_app().with_service_port(front, 8080));
  EXPECT_EQ(about(object, moved), (Actions{ReplacePorts{moved, "uid-of-todo-frontend", Why::change}}));
  const auto typed = service_of(an_app().with_tier(front, [](auto& tier) { tier.service.type = "NodePort"; }));
  EXPECT_EQ(about(object, typed), (Actions{Apply{typed, "uid-of-todo-frontend", Why::change}}));
}

TEST(Replicas, AreHandedOverBeforeAnAutoscalerGetsThem) {
  const App fixed = an_app(), scaled = an_app().autoscaled(back, 2, 5, 80);
  const auto content = want(fixed, {}).content;
  const auto intent_for = [&](const App& app) { return deployment_intent(app, back, content.backend, 1, {}); };
  auto json = applied(intent_for(fixed));
  json["spec"]["replicas"] = 3;
  auto seen = observing(scaled);
  seen.with(Kind::deployment, cached(Kind::deployment, json));
  const auto uid = std::string("uid-of-todo-backend");
  EXPECT_EQ(bring_in_line(seen, intent_for(scaled)),
            (Actions{HandOverReplicas{"todo-backend", uid, 3}, Apply{intent_for(scaled), uid, Why::change}}));
  // The answer to a write tells no number: it is still that from before.
  auto answered = cached(Kind::deployment, json);
  answered.body.reset(), answered.fingerprint = 0;
  auto early = observing(scaled);
  early.with(Kind::deployment, answered);
  EXPECT_EQ(bring_in_line(early, intent_for(scaled)), Actions{});
  // Once they are the autoscaler's they are nobody's to hand over, and taking them back needs no leave.
  auto later = observing(scaled);
  later.with(intent_for(scaled));
  const auto other = deployment_intent(
      an_app().autoscaled(back, 2, 9, 80).with_tier(back, [](auto& tier) { tier.strategy.min_ready_seconds = 5; }),
      back, content.backend, 1, {});
  EXPECT_EQ(bring_in_line(later, other), (Actions{Apply{other, uid, Why::change}}));
  EXPECT_EQ(bring_in_line(later, intent_for(fixed)), (Actions{Apply{intent_for(fixed), uid, Why::change}}));
}

TEST(Unasked, OptionalObjectsAreDeletedAndOthersNever) {
  const auto app = an_app()
                       .autoscaled(back, 1, 3, 80)
                       .with_spec([](auto& spec) { spec.network_policy.enabled = true, spec.ingress = Ingress{}; })
                       .with_tier(back, [](auto& tier) { tier.disruption_budget = {"1", ""}; })
                       .build();
  const std::vector<Intent> optional{*autoscaler_intent(app, back), *disruption_budget_intent(app, back),
                                     *network_policy_intent(app), *ingress_intent(app)};
  auto seen = observing(an_app());
  for (const auto& intent : optional) seen.with(intent);
  seen.with(wanted()).with(keys_intent(app, {{"hmac.key", "k"}}));
  EXPECT_EQ(remove_unasked(seen, optional), Actions{});
  EXPECT_EQ(remove_unasked(seen, {}),
            (Actions{Delete{Kind::horizontal_pod_autoscaler, "todo-backend", "uid-of-todo-backend"},
                     Delete{Kind::pod_disruption_budget, "todo-backend", "uid-of-todo-backend"},
                     Delete{Kind::network_policy, "todo-backend", "uid-of-todo-backend"},
                     Delete{Kind::ingress, "todo", "uid-of-todo"}}));
}

TEST(Unasked, WhatIsGoingAwayIsNotDeletedAgain) {
  const auto app = an_app().autoscaled(back, 1, 3, 80).build();
  auto json = applied(*autoscaler_intent(app, back));
  json["metadata"]["deletionTimestamp"] = base::format_time(test::noon);
  const auto kind = Kind::horizontal_pod_autoscaler;
  EXPECT_THAT(remove_unasked(observing(an_app()).with(kind, cached(kind, json)), {}), IsEmpty());
}

TEST(ClaimedNames, AreThoseOfWhatTheSpecAsksFor) {
  const auto names = [](const App& app) {
    std::vector<std::string> words;
    for (const auto& claimed : claimed_names(app)) words.push_back(named(claimed.kind, claimed.name));
    return words;
  };
  EXPECT_THAT(names(an_app()), UnorderedElementsAre("Deployment todo-frontend", "Deployment todo-backend",
                                                    "Service todo-frontend", "Service todo-backend"));
  EXPECT_THAT(names(an_app()
                        .with_generated_secret("SESSION_KEY")
                        .autoscaled(back, 1, 3, 80)
                        .with_tier(front, [](auto& tier) { tier.disruption_budget = {"1", ""}; })
                        .with_spec([](auto& spec) { spec.network_policy.enabled = true, spec.ingress = Ingress{}; })),
              UnorderedElementsAre("Deployment todo-frontend", "Deployment todo-backend", "Service todo-frontend",
                                   "Service todo-backend", "Secret todo-keys", "HorizontalPodAutoscaler todo-backend",
                                   "PodDisruptionBudget todo-frontend", "NetworkPolicy todo-backend", "Ingress todo"));
}

}  // namespace
}  // namespace todoapp
