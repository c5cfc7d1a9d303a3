// What each action asks of the API server, and what of the answer is in the caches afterwards.
#include "operator/execute.hpp"

#include "unit/kube/model/object_printing.hpp"
#include "unit/operator/execute_rig.hpp"

namespace shell::test {
namespace {

using namespace std::chrono_literals;
using kube::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

kube::Request write_of(Method method, std::string target, std::string type, std::string body) {
  kube::Request request;
  request.method = method;
  request.target = std::move(target);
  request.content_type = std::move(type);
  request.accept = metadata_accept;
  request.body = std::move(body);
  return request;
}

TEST_F(ExecuteTest, AnApplyOfWhatMustNotExistNamesAVersionThatNothingHas) {
  transport.will_answer(201, answer_of("todo-backend", 7));
  run({todoapp::Apply{intent_of(Kind::service, "todo-backend"), "", todoapp::Why::create}});
  EXPECT_THAT(transport.requests,
              ElementsAre(write_of(Method::patch,
                                   "/api/v1/namespaces/shop/services/todo-backend"
                                   "?fieldManager=todoapp-operator&force=true&fieldValidation=Strict",
                                   "application/apply-patch+yaml",
                                   R"({"apiVersion":"v1","kind":"Service","metadata":{"resourceVersion":"1",)"
                                   R"("annotations":{"apps.todoapp.dev/applied":"abc"},"name":"todo-backend"},)"
                                   R"("spec":{"ports":[{"port":81}],"type":"ClusterIP"}})")));
  EXPECT_EQ(executed.next, Next::settled);
}

TEST_F(ExecuteTest, AnApplyOfWhatExistsNamesItsUid) {
  transport.will_answer(200, answer_of("todo-backend", 7));
  run({todoapp::Apply{intent_of(Kind::deployment, "todo-backend"), "the-uid", todoapp::Why::drift}});
  ASSERT_THAT(transport.requests, SizeIs(1));
  EXPECT_THAT(transport.requests[0].target, HasSubstr("/apis/apps/v1/namespaces/shop/deployments/todo-backend?"));
  EXPECT_THAT(transport.requests[0].body, HasSubstr(R"("metadata":{"uid":"the-uid","annotations")"));
}

TEST_F(ExecuteTest, APreconditionGoesIntoTheMetadataWhateverTheDataHolds) {
  transport.will_answer(201, answer_of("todo-config", 7));
  const todoapp::Intent intent{Kind::config_map, "todo-config",
                               R"({"data":{"a":"\"metadata\":{}"},"metadata":{"name":"todo-config"}})", "abc"};
  run({todoapp::Apply{intent, "", todoapp::Why::create}});
  EXPECT_EQ(transport.requests.at(0).body,
            R"({"data":{"a":"\"metadata\":{}"},"metadata":{"resourceVersion":"1","name":"todo-config"}})");
}

TEST_F(ExecuteTest, WhatWasAppliedIsSeenAtOnceAndNeedsNoComparing) {
  transport.will_answer(201, answer_of("todo-backend", 7));
  run({todoapp::Apply{intent_of(Kind::deployment, "todo-backend"), "", todoapp::Why::create}});
  const auto* object = held(Kind::deployment, "todo-backend");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->resource_version, "7");
  EXPECT_EQ(object->controller_uid, "uid-of-todo");
  EXPECT_EQ(object->annotations, (kube::Pairs{{"applied", "abc"}}));
  EXPECT_EQ(object->verified_intent, "abc");
  EXPECT_EQ(object->verified_fingerprint, object->fingerprint);
  EXPECT_EQ(object->body, nullptr);
}

TEST_F(ExecuteTest, WhatTheWatchBringsOfOurOwnWriteCountsAsCompared) {
  transport.will_answer(200, answer_of("todo-backend", 7));
  hold(Kind::deployment, answer_of("todo-backend", 6).with(R"("spec":{"replicas":1})"));
  run({todoapp::Apply{intent_of(Kind::deployment, "todo-backend"), "uid-of-todo-backend", todoapp::Why::change}});
  hold(Kind::deployment, answer_of("todo-backend", 7).generation(2).with(R"("spec":{"replicas":2})"));
  const auto* object = held(Kind::deployment, "todo-backend");
  EXPECT_EQ(object->body, nullptr);
  EXPECT_EQ(object->verified_intent, "abc");
  EXPECT_EQ(object->verified_fingerprint, object->fingerprint);
}

TEST_F(ExecuteTest, WhatSomebodyChangedBeforeTheAnswerCameIsStillToBeCompared) {
  transport.will_hang();
  begin({todoapp::Apply{intent_of(Kind::deployment, "todo-backend"), "", todoapp::Why::create}});
  hold(Kind::deployment, answer_of("todo-backend", 8).with(R"("spec":{"replicas":99})"));
  transport.finish_all(201, answer_of("todo-backend", 7));
  EXPECT_EQ(finished, 1);
  const auto* object = held(Kind::deployment, "todo-backend");
  EXPECT_EQ(object->resource_version, "8");
  EXPECT_EQ(object->verified_intent, "");
  EXPECT_NE(object->body, nullptr);
}

TEST_F(ExecuteTest, PortsAreReplacedWithTheMarksInOnePatch) {
  transport.will_answer(200, answer_of("todo-backend", 7));
  run({todoapp::ReplacePorts{intent_of(Kind::service, "todo-backend"), "the-uid", todoapp::Why::change}});
  EXPECT_THAT(transport.requests,
              ElementsAre(write_of(
                  Method::patch, "/api/v1/namespaces/shop/services/todo-backend?fieldManager=todoapp-operator-ports",
                  "application/json-patch+json",
                  R"([{"op":"test","path":"/metadata/uid","value":"the-uid"},)"
                  R"({"op":"add","path":"/spec/type","value":"ClusterIP"},)"
                  R"({"op":"replace","path":"/spec/ports","value":[{"port":81}]},)"
                  R"({"op":"add","path":"/metadata/annotations/apps.todoapp.dev~1applied","value":"abc"}])")));
  EXPECT_EQ(held(Kind::service, "todo-backend")->verified_intent, "abc");
}

TEST_F(ExecuteTest, ReplicasAreHandedOverUnderANameOfTheirOwn) {
  transport.will_answer(200, answer_of("todo-backend", 7));
  run({todoapp::HandOverReplicas{"todo-backend", "the-uid", 3}});
  ASSERT_EQ(transport.requests.size(), 1U);
  const auto& request = transport.requests.front();
  EXPECT_THAT(request.target, HasSubstr("/deployments/todo-backend?fieldManager=todoapp-operator-replicas&force=true"));
  EXPECT_EQ(request.body, R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"todo-backend",)"
                          R"("namespace":"shop","uid":"the-uid"},"spec":{"replicas":3}})");
}

TEST_F(ExecuteTest, ARevisionIsPostedAndSeenAtOnce) {
  transport.will_answer(201, ObjectText("todo-rev-1").version(7).owned_by("uid-of-todo"));
  run({todoapp::CreateRevision{1, "todo-rev-1", R"({"revision":1})"}});
  EXPECT_THAT(transport.requests,
              ElementsAre(write_of(Method::post,
                                   "/apis/apps/v1/namespaces/shop/controllerrevisions?fieldManager=todoapp-operator",
                                   "application/json", R"({"revision":1})")));
  EXPECT_EQ(held(Kind::controller_revision, "todo-rev-1")->controller_uid, "uid-of-todo");
}

TEST_F(ExecuteTest, AnOutcomeIsAnnotationsOnTheVeryRecordThatWasJudged) {
  transport.will_answer(200, ObjectText("todo-rev-1").version(8).annotated("apps.todoapp.dev/outcome", "Succeeded"));
  run({todoapp::RecordOutcome{"todo-rev-1", "the-uid", {{"outcome", "Succeeded"}, {"reason", ""}}, "7"}});
  EXPECT_THAT(
      transport.requests,
      ElementsAre(write_of(
          Method::patch, "/apis/apps/v1/namespaces/shop/controllerrevisions/todo-rev-1?fieldManager=todoapp-operator",
          "application/merge-patch+json",
          R"({"metadata":{"annotations":{"apps.todoapp.dev/outcome":"Succeeded","apps.todoapp.dev/reason":""},)"
          R"("resourceVersion":"7","uid":"the-uid"}})")));
  EXPECT_EQ(held(Kind::controller_revision, "todo-rev-1")->annotations, (kube::Pairs{{"outcome", "Succeeded"}}));
}

TEST_F(ExecuteTest, ADeleteIsOfThatUidAndIsSeenAtOnce) {
  hold(Kind::job, ObjectText("todo-migrate-1").uid("the-uid").owned_by("uid-of-todo"));
  transport.will_answer(200);
  run({todoapp::Delete{Kind::job, "todo-migrate-1", "the-uid"}});
  auto request = write_of(Method::del, "/apis/batch/v1/namespaces/shop/jobs/todo-migrate-1", "application/json",
                          R"({"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"the-uid"},)"
                          R"("propagationPolicy":"Background"})");
  request.accept = "application/json";
  EXPECT_THAT(transport.requests, ElementsAre(request));
  EXPECT_EQ(held(Kind::job, "todo-migrate-1"), nullptr);
}

TEST_F(ExecuteTest, AStatusIsReplacedWholeAndShownAtOnce) {
  app.body = std::make_shared<const std::string>("{}");
  app.fingerprint = 1;
  app.resource_version = "6";
  caches.app_store("shop").upsert(app);
  transport.will_answer(200, ObjectText("todo").version(7).generation(3));
  run({todoapp::WriteStatus{R"({"conditions":[]})"}});
  EXPECT_THAT(transport.requests,
              ElementsAre(write_of(Method::patch,
                                   "/apis/apps.todoapp.dev/v1alpha1/namespaces/shop/todoappdeployments/todo/status"
                                   "?fieldManager=todoapp-operator",
                                   "application/json-patch+json",
                                   R"([{"op":"test","path":"/metadata/uid","value":"uid-of-todo"},)"
                                   R"({"op":"add","path":"/status","value":{"conditions":[]}}])")));
  const auto* shown = caches.app({"shop", "todo"});
  EXPECT_EQ(shown->resource_version, "7");
  EXPECT_EQ(*shown->status, R"({"conditions":[]})");
  EXPECT_EQ(*shown->body, "{}") << "the spec stays, though the answer has none";
}

TEST_F(ExecuteTest, AnAnswerThatTellsOfANewerSpecLeavesTheAppToTheWatch) {
  transport.will_answer(200, ObjectText("todo").version(9).generation(4));
  run({todoapp::WriteStatus{"{}"}});
  EXPECT_EQ(executed.next, Next::settled);
  EXPECT_EQ(*caches.app({"shop", "todo"}), app);
}

TEST_F(ExecuteTest, ASecretIsReadIntoMemoryAndItsValuesNeverIntoTheCache) {
  transport.will_answer(200, ObjectText("todo-db").version(7).with(R"("data":{"url":"aHVudGVyMg=="})"));
  run({todoapp::ReadSecret{"todo-db"}});
  kube::Request request;
  request.target = "/api/v1/namespaces/shop/secrets/todo-db";
  EXPECT_THAT(transport.requests, ElementsAre(request));
  EXPECT_EQ(executed.next, Next::again);
  EXPECT_EQ(executed.memory.secrets.at("todo-db").resource_version, "7");
  EXPECT_EQ(executed.memory.secrets.at("todo-db").data, (todoapp::StringMap{{"url", "hunter2"}}));
  const auto* object = held(Kind::secret, "todo-db");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->resource_version, "7");
  EXPECT_EQ(object->body, nullptr);
}

TEST_F(ExecuteTest, AReadSecretOfOursKeepsTheBodyThatTheWatchBrought) {
  hold(Kind::secret, ObjectText("todo-keys").version(6).owned_by("uid-of-todo"));
  const auto before = *held(Kind::secret, "todo-keys")->body;
  transport.will_answer(
      200, ObjectText("todo-keys").version(7).owned_by("uid-of-todo").with(R"("data":{"k":"aHVudGVyMg=="})"));
  run({todoapp::ReadSecret{"todo-keys"}});
  EXPECT_EQ(held(Kind::secret, "todo-keys")->resource_version, "7");
  EXPECT_EQ(*held(Kind::secret, "todo-keys")->body, before);
}

TEST_F(ExecuteTest, ARecordIsReadWholeIntoMemory) {
  const auto tier = [](const char* hash) {
    return fmt::format(R"({{"podTemplate":{{}},"templateHash":"{0}","config":{{}},"configName":"","secretsName":""}})",
                       hash);
  };
  transport.will_answer(
      200, fmt::format(R"({{"data":{{"rendererVersion":1,"frontend":{},"backend":{}}}}})", tier("f"), tier("b")));
  run({todoapp::ReadRevision{3, "todo-rev-3"}});
  EXPECT_THAT(transport.lines(), ElementsAre("GET /apis/apps/v1/namespaces/shop/controllerrevisions/todo-rev-3"));
  EXPECT_EQ(transport.requests[0].accept, "application/json");
  EXPECT_EQ(executed.next, Next::again);
  ASSERT_EQ(executed.memory.contents.count(3), 1U);
  EXPECT_EQ(executed.memory.contents.at(3)->renderer_version, 1);
}

TEST_F(ExecuteTest, ThePodsOfTheAppAreListedIntoMemory) {
  transport.will_answer(200, R"({"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"p","uid":"u"}}]})");
  const auto before = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  run({todoapp::ListPods{}});
  EXPECT_THAT(transport.lines(),
              ElementsAre("GET /api/v1/namespaces/shop/pods?labelSelector="
                          "app.kubernetes.io%2Fname%3Dtodoapp%2Capp.kubernetes.io%2Finstance%3Dtodo"));
  EXPECT_EQ(executed.next, Next::again);
  ASSERT_TRUE(executed.memory.pods.has_value());
  EXPECT_THAT(executed.memory.pods->pods, SizeIs(1));
  EXPECT_GE(executed.memory.pods->at, before);
}

TEST_F(ExecuteTest, ActionsAreCarriedOutInOrderOneAfterAnother) {
  transport.will_answer(201, ObjectText("todo-rev-1").version(7));
  transport.will_hang();
  transport.will_answer(200);
  begin({todoapp::CreateRevision{1, "todo-rev-1", "{}"},
         todoapp::Apply{intent_of(Kind::service, "todo-backend"), "", todoapp::Why::create},
         todoapp::Delete{Kind::job, "todo-migrate-1", "u"}});
  kube::run_ready(loop);
  EXPECT_THAT(transport.requests, SizeIs(2)) << "the third waits for the second";
  transport.finish_all(201, answer_of("todo-backend", 8));
  kube::run_ready(loop);
  EXPECT_THAT(transport.requests, SizeIs(3));
  EXPECT_EQ(executed.next, Next::settled);
  EXPECT_EQ(finished, 1);
  EXPECT_THAT(done, SizeIs(3));
}

TEST_F(ExecuteTest, EventsMarksAndRequeuesDoNotWait) {
  hold(Kind::deployment, answer_of("todo-backend", 7).with(R"("spec":{})"));
  const auto fingerprint = held(Kind::deployment, "todo-backend")->fingerprint;
  begin({todoapp::EmitEvent{true, "RolloutFailed", "Rollout", "so it is"},
         todoapp::MarkVerified{Kind::deployment, "todo-backend", "abc", fingerprint},
         todoapp::RequeueAt{base::WallTime{9s}}});
  EXPECT_EQ(finished, 1) << "before the loop turned";
  EXPECT_THAT(transport.requests, IsEmpty());
  EXPECT_THAT(emitted, ElementsAre("todo: RolloutFailed"));
  EXPECT_THAT(done, IsEmpty());
  EXPECT_EQ(held(Kind::deployment, "todo-backend")->verified_intent, "abc");
  EXPECT_EQ(executed.next, Next::settled);
  EXPECT_EQ(executed.look_again, base::WallTime{9s});
}

TEST_F(ExecuteTest, ABodyThatCameAfterTheComparisonIsNotTakenForTheOneCompared) {
  hold(Kind::deployment, answer_of("todo-backend", 7).with(R"("spec":{})"));
  const auto compared = held(Kind::deployment, "todo-backend")->fingerprint;
  hold(Kind::deployment, answer_of("todo-backend", 8).with(R"("spec":{"paused":true})"));
  begin({todoapp::MarkVerified{Kind::deployment, "todo-backend", "abc", compared}});
  EXPECT_EQ(held(Kind::deployment, "todo-backend")->verified_intent, "");
}

TEST_F(ExecuteTest, AnEmptyPlanIsSettledAndKeepsItsMemory) {
  todoapp::Memory memory;
  memory.pod_looks = 3;
  begin({}, memory);
  EXPECT_EQ(executed.next, Next::settled);
  EXPECT_EQ(executed.memory.pod_looks, 3);
  EXPECT_EQ(executed.look_again, std::nullopt);
}

}  // namespace
}  // namespace shell::test
