#include "kube/model/decode.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "unit/kube/model/deployment_text.hpp"

namespace kube {
namespace {

using nlohmann::json;

const Pruning everything{"apps.todoapp.dev/", {{"deployment.kubernetes.io/revision", "rs"}}, true, true, false};
const Pruning nothing{};

base::WallTime at(const char* text) { return base::parse_time(text).value(); }

DeploymentState expected_state() {
  DeploymentState state;
  state.observed_generation = 4;
  state.wanted = 2;
  state.replicas = 3;
  state.updated = 2;
  state.ready = 2;
  state.available = 1;
  state.conditions = {{"Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.",
                       at("2026-01-31T12:00:11Z"), at("2026-01-31T12:00:11Z")},
                      {"Progressing", "True", "ReplicaSetUpdated", "ReplicaSet \"todo-backend-5c8\" is progressing.",
                       at("2026-01-31T12:00:10Z"), at("2026-01-31T12:00:12Z")}};
  return state;
}

TEST(DecodeObject, ReadsADeploymentAsFarAsItIsKept) {
  const auto object = decode_object(text::deployment, resources::deployments(), everything);
  ASSERT_TRUE(object) << to_string(object.error());
  EXPECT_EQ(object->name, "todo-backend");
  EXPECT_EQ(object->namespace_, "shop");
  EXPECT_EQ(object->uid, "0b6a1c9e-54a7-4b2d-9d7e-2f4b8c6d1e00");
  EXPECT_EQ(object->resource_version, "48213");
  EXPECT_EQ(object->generation, 4);
  EXPECT_EQ(object->created, at("2026-01-31T12:00:10Z"));
  EXPECT_FALSE(object->deleting);
  EXPECT_EQ(object->controller_uid, "5d0c2f6a-7a3e-4a53-9a63-0f2d5c1e8b11");
  EXPECT_EQ(object->annotations, (Pairs{{"intent", "0f1e2d3c4b"}, {"revision", "7"}, {"rs", "3"}}));
  EXPECT_EQ(object->labels, (Pairs{{"tier", "backend"}}));
  EXPECT_EQ(std::get<DeploymentState>(object->state), expected_state());
  EXPECT_EQ(*object->status, text::status);
  EXPECT_TRUE(object->verified_intent.empty());
}

TEST(DecodeObject, MakesTheBodyOfWhatAnIntentMaySet) {
  const auto object = decode_object(text::deployment, resources::deployments(), everything);
  ASSERT_TRUE(object);
  EXPECT_EQ(*object->body, R"({"metadata":{"annotations":)" + text::annotations + R"(,"labels":)" + text::labels +
                               R"(,"ownerReferences":)" + text::owners + R"(},"spec":)" + text::spec + "}");
  EXPECT_EQ(object->fingerprint, base::fingerprint(*object->body));
}

TEST(DecodeObject, KeepsNothingThatIsNotAskedFor) {
  const auto object = decode_object(text::deployment, resources::deployments(), nothing);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->body, nullptr);
  EXPECT_EQ(object->fingerprint, 0U);
  EXPECT_EQ(object->status, nullptr);
  EXPECT_TRUE(object->annotations.empty());
  EXPECT_TRUE(object->labels.empty());
  EXPECT_EQ(object->controller_uid, "5d0c2f6a-7a3e-4a53-9a63-0f2d5c1e8b11");
}

TEST(DecodeObject, KeepsTheSpecAloneOfTheAppsOwnKind) {
  const Resource apps{"apps.todoapp.dev", "v1alpha1", "todoappdeployments", "TodoAppDeployment"};
  Pruning pruning = everything;
  pruning.body_is_spec = true;
  const auto object = decode_object(
      R"({"apiVersion":"apps.todoapp.dev/v1alpha1","kind":"TodoAppDeployment","metadata":{"annotations":{
      "apps.todoapp.dev/retry":"2"},"name":"todo","namespace":"shop","uid":"u","resourceVersion":"7","generation":3},
      "spec": {"frontend": {"image":"a"}} ,"status": {"activeRevision":1} })",
      apps, pruning);
  ASSERT_TRUE(object) << to_string(object.error());
  EXPECT_EQ(*object->body, R"({"frontend": {"image":"a"}})");
  EXPECT_EQ(*object->status, R"({"activeRevision":1})");
  EXPECT_EQ(object->annotations, (Pairs{{"retry", "2"}}));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(object->state));
}

TEST(DecodeObject, KeepsTopLevelMembersOfEveryKind) {
  const auto object = decode_object(
      R"({"kind":"ConfigMap","apiVersion":"v1","data":{"A":"1"},"immutable":true,"binaryData":null,"n": 12 ,
      "metadata":{"name":"c","uid":"u","labels":{"x":"y"},"managedFields":[]}})",
      resources::config_maps(), everything);
  ASSERT_TRUE(object) << to_string(object.error());
  EXPECT_EQ(*object->body, R"({"metadata":{"labels":{"x":"y"}},"data":{"A":"1"},"immutable":true,"n":12})");
  EXPECT_TRUE(json::accept(*object->body));
}

TEST(DecodeObject, ReadsMetadataAlone) {
  const auto object = decode_object(
      R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)" + text::metadata + "}",
      resources::deployments(), everything);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->resource_version, "48213");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(object->state)) << "metadata says nothing of the state";
  EXPECT_EQ(*object->body, R"({"metadata":{"annotations":)" + text::annotations + R"(,"labels":)" + text::labels +
                               R"(,"ownerReferences":)" + text::owners + "}}");
}

TEST(DecodeObject, KeepsEmptyMapsAndListsAsTheyAre) {
  const auto object = decode_object(
      R"({"metadata":{"name":"c","uid":"u","labels":{},"annotations":{},"ownerReferences":[]},"spec":{},"status":{},"x":[]})",
      resources::deployments(), everything);
  ASSERT_TRUE(object) << to_string(object.error());
  EXPECT_EQ(*object->body, R"({"metadata":{"labels":{},"annotations":{},"ownerReferences":[]},"spec":{},"x":[]})");
  EXPECT_EQ(*object->status, "{}");
}

TEST(DecodeObject, ReadsAJob) {
  const auto object = decode_object(
      R"({"metadata":{"name":"j","uid":"u","deletionTimestamp":"2026-01-31T12:00:10Z","creationTimestamp":null},
      "spec":{"backoffLimit":1},"status":{"conditions":[{"type":"Failed","status":"True","reason":"DeadlineExceeded",
      "message":"Job was active longer than specified deadline"}],"failed":1,"active":2,"succeeded":3}})",
      resources::jobs(), everything);
  ASSERT_TRUE(object) << to_string(object.error());
  JobState state{2, 3, 1, {}};
  state.conditions.push_back({"Failed", "True", "DeadlineExceeded", "Job was active longer than specified deadline",
                              std::nullopt, std::nullopt});
  EXPECT_EQ(std::get<JobState>(object->state), state);
  EXPECT_TRUE(object->deleting);
  EXPECT_EQ(object->created, base::WallTime{});
}

TEST(DecodeObject, ReadsADeploymentThatNoControllerHasSeen) {
  const auto object = decode_object(R"({"metadata":{"name":"d","uid":"u"},"spec":{"paused":true},"status":{}})",
                                    resources::deployments(), nothing);
  ASSERT_TRUE(object);
  DeploymentState state;
  state.paused = true;
  EXPECT_EQ(std::get<DeploymentState>(object->state), state);
}

TEST(DecodeEvent, ReadsEveryType) {
  Decoder decoder;
  for (const auto& [name, type] : {std::pair{"ADDED", WatchEventType::added},
                                   {"MODIFIED", WatchEventType::modified},
                                   {"DELETED", WatchEventType::deleted}}) {
    const auto event = decoder.event(text::event(name, text::deployment), resources::deployments(), everything);
    ASSERT_TRUE(event) << to_string(event.error());
    EXPECT_EQ(event->type, type);
    EXPECT_STREQ(to_string(event->type), name);
    EXPECT_EQ(event->object, decode_object(text::deployment, resources::deployments(), everything).value());
    EXPECT_EQ(event->resource_version, "48213");
    EXPECT_FALSE(event->initial_events_end);
  }
}

TEST(DecodeEvent, TakesTheObjectBeforeTheType) {
  const auto event =
      Decoder{}.event(R"({"object":)" + text::deployment + R"(,"type":"ADDED"})", resources::deployments(), everything);
  ASSERT_TRUE(event) << to_string(event.error());
  EXPECT_EQ(event->object.name, "todo-backend");
}

TEST(DecodeEvent, ReadsBookmarks) {
  Decoder decoder;
  WatchEvent expected;
  expected.type = WatchEventType::bookmark;
  expected.resource_version = "500";
  auto event = decoder.event(
      R"({"type":"BOOKMARK","object":{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"resourceVersion":"500",
      "creationTimestamp":null},"spec":{"selector":null,"template":{}},"status":{}}})",
      resources::deployments(), everything);
  ASSERT_TRUE(event) << to_string(event.error());
  EXPECT_EQ(*event, expected);

  expected.initial_events_end = true;
  event = decoder.event(
      R"({"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"},"resourceVersion":"500"}}})",
      resources::deployments(), everything);
  ASSERT_TRUE(event) << to_string(event.error());
  EXPECT_EQ(*event, expected);
}

TEST(DecodeEvent, HandsOnTheStatusOfAnError) {
  const std::string status = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";
  const auto event = Decoder{}.event(text::event("ERROR", status), resources::deployments(), everything);
  ASSERT_TRUE(event) << to_string(event.error());
  EXPECT_EQ(event->type, WatchEventType::error);
  EXPECT_EQ(event->status, status);
  EXPECT_EQ(event->resource_version, "");
}

TEST(DecodePage, ReadsItemsAndWhereToGoOn) {
  const std::string item = R"({"metadata":)" + text::metadata + R"(,"spec":)" + text::spec + "}";
  for (const bool metadata_first : {true, false}) {
    const std::string metadata = R"("metadata":{"resourceVersion":"900","continue":"abc","remainingItemCount":7})";
    const std::string items = R"("items":[)" + item + "," + text::deployment + "]";
    const auto page = Decoder{}.page(
        R"({"kind":"DeploymentList",)" + (metadata_first ? metadata + "," + items : items + "," + metadata) + "}",
        resources::deployments(), everything);
    ASSERT_TRUE(page) << to_string(page.error());
    EXPECT_EQ(page->resource_version, "900");
    EXPECT_EQ(page->continue_token, "abc");
    ASSERT_EQ(page->objects.size(), 2U);
    EXPECT_EQ(page->objects[1], decode_object(text::deployment, resources::deployments(), everything).value());
  }
}

TEST(DecodePage, ReadsAnEmptyList) {
  Decoder decoder;
  for (const char* items : {"[]", "null"}) {
    const auto page = decoder.page(R"({"metadata":{"resourceVersion":"1"},"items":)" + std::string(items) + "}",
                                   resources::jobs(), nothing);
    ASSERT_TRUE(page) << items;
    EXPECT_EQ(*page, (ListPage{{}, "", "1"}));
  }
}

TEST(Decoder, GivesMemoryBackAfterALargeText) {
  Decoder decoder;
  const std::string small = R"({"metadata":{"name":"a","uid":"u"}})";
  ASSERT_TRUE(decoder.object(small, resources::jobs(), nothing));
  const std::size_t held = decoder.held_bytes();
  EXPECT_GT(held, 0U);
  const std::string large =
      R"({"metadata":{"name":"a","uid":"u"},"data":{"x":")" + std::string(3UL * 1024UL * 1024UL, 'x') + R"("}})";
  ASSERT_TRUE(decoder.object(large, resources::jobs(), nothing));
  EXPECT_EQ(decoder.held_bytes(), 0U);
  ASSERT_TRUE(decoder.object(small, resources::jobs(), nothing));
  EXPECT_EQ(decoder.held_bytes(), held);
}

}  // namespace
}  // namespace kube
