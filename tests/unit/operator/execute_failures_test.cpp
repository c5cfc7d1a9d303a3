// What an answer that is no success means for the next pass.
#include "unit/operator/execute_rig.hpp"

namespace shell::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using todoapp::Apply;
using todoapp::Refusal;
using todoapp::Why;

constexpr const char* stranger_advice =
    "exists and does not belong to this app, so it is left alone; delete or rename it, or rename the app";

Apply create_backend() { return {intent_of(todoapp::Kind::deployment, "todo-backend"), "", Why::create}; }
const std::string backend = path_of("/apis/apps/v1", "deployments", "todo-backend");
const std::string apply_backend =
    "PATCH " + backend + "?fieldManager=todoapp-operator&force=true&fieldValidation=Strict";

TEST_F(ExecuteTest, TheFirstFailureEndsThePlan) {
  transport.will_answer(201, ObjectText("todo-rev-1").version(7));
  transport.will_answer(503, "busy");
  run({todoapp::CreateRevision{1, "todo-rev-1", "{}"}, create_backend(), todoapp::WriteStatus{"{}"}});
  EXPECT_THAT(transport.requests, SizeIs(2));
  EXPECT_EQ(executed.next, Next::failed);
  EXPECT_EQ(executed.error, "apply Deployment shop/todo-backend: busy");
  EXPECT_EQ(executed.not_before, std::nullopt);
  EXPECT_THAT(done, SizeIs(1)) << "only what succeeded is told";
}

TEST_F(ExecuteTest, WhatAPlanWantedToRememberIsRememberedThoughItFailed) {
  todoapp::Memory memory;
  memory.status_written = base::WallTime{5s};
  transport.will_fail();
  run({todoapp::WriteStatus{"{}"}}, memory);
  EXPECT_EQ(executed.next, Next::failed);
  EXPECT_EQ(executed.memory.status_written, base::WallTime{5s});
}

TEST_F(ExecuteTest, AServerThatIsOverloadedSaysWhenToComeBack) {
  transport.will_answer(429, R"({"kind":"Status","code":429,"message":"slow down","details":{"retryAfterSeconds":7}})");
  run({create_backend()});
  EXPECT_EQ(executed.next, Next::failed);
  EXPECT_EQ(executed.not_before, 7s);
  EXPECT_FALSE(executed.memory.refusal);
}

/// Keeps the handler of its one call.
class OneCall : public kube::Transport {
 public:
  kube::CallId send(kube::Request, kube::ResponseHandler one) override {
    handler = std::move(one);
    return 1;
  }
  kube::CallId stream(kube::Request, kube::StreamHandler) override { return 0; }
  void cancel(kube::CallId) override {}
  void close(std::function<void()>) override {}

  kube::ResponseHandler handler;
};

TEST_F(ExecuteTest, ATransportThatClosesStopsThePlan) {
  OneCall closing;
  const ExecutionServices services{closing, caches, [] { return true; }, {}, {}};
  execute(services, app, {.actions = {create_backend(), create_backend()}, .memory = {}, .reason = {}},
          [this](Executed result) {
            ++finished;
            executed = std::move(result);
          });
  std::exchange(closing.handler, nullptr)(base::fail(base::ErrorCode::stopped, "send", "closing"));
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(executed.next, Next::stopped);
  EXPECT_EQ(closing.handler, nullptr);
}

TEST_F(ExecuteTest, AConflictWithTheObjectWeKnowIsDecidedAgainAfterAWhile) {
  transport.will_answer(409, status_text(409, "Conflict", "uid mismatch"));
  run({Apply{intent_of(Kind::deployment, "todo-backend"), "the-uid", Why::change}});
  EXPECT_EQ(executed.next, Next::failed);
  EXPECT_THAT(transport.requests, SizeIs(1));
}

TEST_F(ExecuteTest, WhatTheServerRejectsIsRefusedUntilSomebodyActs) {
  const std::vector<std::pair<int, base::ErrorCode>> table{
      {422, base::ErrorCode::invalid}, {400, base::ErrorCode::invalid}, {403, base::ErrorCode::forbidden}};
  for (const auto& [status, code] : table) {
    finished = 0;
    transport.will_answer(status, status_text(status, "Invalid", "port 0 is no port"));
    run({create_backend()});
    EXPECT_EQ(executed.next, Next::again);
    EXPECT_EQ(executed.memory.refusal, (Refusal{code, "Deployment todo-backend", "port 0 is no port", 3, 1, {}}));
  }
}

TEST_F(ExecuteTest, RefusalsOfOneObjectInARowAreCounted) {
  todoapp::Memory memory;
  memory.refusal = Refusal{base::ErrorCode::invalid, "Deployment todo-backend", "as before", 3, 4, base::WallTime{9s}};
  transport.will_answer(403, status_text(403, "Forbidden", "exceeded quota"));
  run({create_backend()}, memory);
  EXPECT_EQ(executed.memory.refusal,
            (Refusal{base::ErrorCode::forbidden, "Deployment todo-backend", "exceeded quota", 3, 5, {}}));
}

TEST_F(ExecuteTest, TheRefusalOfAnotherObjectIsTheFirstOfItsOwn) {
  todoapp::Memory memory;
  memory.refusal = Refusal{base::ErrorCode::invalid, "Service todo-backend", "as before", 3, 4, base::WallTime{9s}};
  transport.will_answer(403, status_text(403, "Forbidden", "no"));
  run({create_backend()}, memory);
  EXPECT_EQ(executed.memory.refusal, (Refusal{base::ErrorCode::forbidden, "Deployment todo-backend", "no", 3, 1, {}}));
}

TEST_F(ExecuteTest, AReadThatIsForbiddenIsRefusedByTheNameOfWhatWasRead) {
  transport.will_answer(403, status_text(403, "Forbidden", "no"));
  run({todoapp::ReadSecret{"todo-db"}});
  EXPECT_EQ(executed.next, Next::again);
  EXPECT_EQ(executed.memory.refusal, (Refusal{base::ErrorCode::forbidden, "Secret todo-db", "no", 3, 1, {}}));
}

TEST_F(ExecuteTest, ARefusalIsForgottenWhenAnObjectWasWritten) {
  todoapp::Memory memory;
  memory.refusal = Refusal{base::ErrorCode::invalid, "Deployment todo-backend", "as before", 3, 4, base::WallTime{9s}};
  transport.will_answer(201, answer_of("todo-backend", 7));
  run({create_backend()}, memory);
  EXPECT_EQ(executed.memory.refusal, std::nullopt);
}

TEST_F(ExecuteTest, ARefusalStaysWhileOnlyTheStatusIsWritten) {
  todoapp::Memory memory;
  memory.refusal = Refusal{base::ErrorCode::invalid, "Deployment todo-backend", "as before", 3, 4, base::WallTime{9s}};
  transport.will_answer(200, ObjectText("todo").version(7).generation(3));
  run({todoapp::WriteStatus{"{}"}}, memory);
  EXPECT_EQ(executed.memory.refusal, memory.refusal);
}

TEST_F(ExecuteTest, AStatusThatIsRejectedIsTriedAgainForItIsWhereRefusalsAreTold) {
  for (const int status : {403, 422}) {
    finished = 0;
    transport.will_answer(status, status_text(status, "Invalid", "no such field"));
    run({todoapp::WriteStatus{"{}"}});
    EXPECT_EQ(executed.next, Next::failed);
    EXPECT_EQ(executed.error, "write the status of TodoAppDeployment shop/todo: no such field");
    EXPECT_EQ(executed.memory.refusal, std::nullopt);
  }
}

TEST_F(ExecuteTest, AnAnswerThatCannotBeReadIsLookedAtAgainLater) {
  const std::vector<todoapp::Action> table{create_backend(), todoapp::CreateRevision{1, "todo-rev-1", "{}"},
                                           todoapp::WriteStatus{"{}"}, todoapp::ReadSecret{"todo-db"},
                                           todoapp::ListPods{}};
  for (const auto& action : table) {
    finished = 0;
    transport.will_answer(200, "<html>");
    run({action});
    EXPECT_EQ(executed.next, Next::failed) << action.index();
    EXPECT_EQ(executed.memory.refusal, std::nullopt) << action.index();
  }
}

TEST_F(ExecuteTest, ARecordThatCannotBeReadIsSomebodysToMend) {
  transport.will_answer(200, R"({"data":{}})");
  run({todoapp::ReadRevision{3, "todo-rev-3"}});
  EXPECT_EQ(executed.next, Next::again);
  ASSERT_TRUE(executed.memory.refusal.has_value());
  EXPECT_EQ(executed.memory.refusal->what, "ControllerRevision todo-rev-3");
  EXPECT_THAT(executed.memory.contents, IsEmpty());
}

// --- Deletes.

TEST_F(ExecuteTest, WhatIsNotThereNeedsNoDelete) {
  hold(Kind::job, ObjectText("todo-migrate-1").uid("u"));
  transport.will_answer(404, status_text(404, "NotFound", "gone"));
  run({todoapp::Delete{Kind::job, "todo-migrate-1", "u"}});
  EXPECT_EQ(executed.next, Next::settled);
  EXPECT_EQ(held(Kind::job, "todo-migrate-1"), nullptr);
}

TEST_F(ExecuteTest, AnotherObjectOfThatNameIsNotDeleted) {
  hold(Kind::job, ObjectText("todo-migrate-1").uid("u"));
  transport.will_answer(409, status_text(409, "Conflict", "the uid differs"));
  run({todoapp::Delete{Kind::job, "todo-migrate-1", "u"}});
  EXPECT_EQ(executed.next, Next::failed);
  EXPECT_NE(held(Kind::job, "todo-migrate-1"), nullptr);
}

// --- A name that is taken.

TEST_F(ExecuteTest, AStrangerThatHoldsTheNameIsRefusedAndLeftAlone) {
  transport.will_answer(409, status_text(409, "Conflict", "not that version"));
  transport.will_answer(200, ObjectText("todo-backend").owned_by("uid-of-another"));
  run({create_backend(), todoapp::WriteStatus{"{}"}});
  EXPECT_THAT(transport.lines(), ElementsAre(apply_backend, "GET " + backend));
  EXPECT_EQ(transport.requests[1].accept, metadata_accept);
  EXPECT_EQ(executed.next, Next::again);
  EXPECT_EQ(executed.memory.refusal,
            (Refusal{base::ErrorCode::already_exists, "Deployment todo-backend", stranger_advice, 3, 1, {}}));
  EXPECT_EQ(held(Kind::deployment, "todo-backend"), nullptr);
}

TEST_F(ExecuteTest, OurOwnObjectWhoseCreateWasNotAnsweredIsLeftToTheWatch) {
  transport.will_answer(409, status_text(409, "Conflict", "not that version"));
  transport.will_answer(200, answer_of("todo-backend", 7).labelled("app.kubernetes.io/managed-by", "todoapp-operator"));
  run({create_backend(), todoapp::WriteStatus{"{}"}});
  EXPECT_THAT(transport.lines(), ElementsAre(apply_backend, "GET " + backend)) << "nobody changed anything";
  EXPECT_EQ(executed.next, Next::failed) << "a moment later the watch has shown it";
  EXPECT_EQ(executed.memory.refusal, std::nullopt);
}

TEST_F(ExecuteTest, OurOwnObjectThatLostItsLabelIsAppliedAgain) {
  transport.will_answer(409, status_text(409, "Conflict", "not that version"));
  transport.will_answer(200, answer_of("todo-backend", 7));
  transport.will_answer(200, answer_of("todo-backend", 7));
  run({create_backend(), todoapp::WriteStatus{"{}"}});
  EXPECT_THAT(transport.lines(), ElementsAre(apply_backend, "GET " + backend,
                                             "PATCH " + backend + "?fieldManager=todoapp-operator-labels"));
  EXPECT_EQ(executed.next, Next::again);
  EXPECT_EQ(executed.memory.refusal, std::nullopt);
  ASSERT_NE(held(Kind::deployment, "todo-backend"), nullptr);
  EXPECT_EQ(held(Kind::deployment, "todo-backend")->annotations, kube::Pairs{}) << "the mark applied is gone";
}

TEST_F(ExecuteTest, OurOwnObjectThatLostItsLabelGetsItBackAndIsSeenAgain) {
  hold(Kind::deployment, answer_of("todo-backend", 20));
  // What a watch by label tells when the label is taken away: DELETED, at the version of that change.
  caches.store(Kind::deployment, "shop")
      .remove(
          *kube::decode_object(std::string(answer_of("todo-backend", 21)), todoapp::resource_of(Kind::deployment), {}));
  transport.will_answer(409, status_text(409, "Conflict", "not that version"));
  transport.will_answer(200, answer_of("todo-backend", 21));
  transport.will_answer(200, answer_of("todo-backend", 22));
  run({create_backend()});
  ASSERT_THAT(transport.requests, SizeIs(3));
  EXPECT_EQ(transport.requests[2].content_type, "application/merge-patch+json");
  EXPECT_EQ(transport.requests[2].body,
            R"({"metadata":{"labels":{"app.kubernetes.io/instance":"todo",)"
            R"("app.kubernetes.io/managed-by":"todoapp-operator","app.kubernetes.io/name":"todoapp",)"
            R"("app.kubernetes.io/part-of":"todoapp"},"uid":"uid-of-todo-backend"}})");
  EXPECT_EQ(executed.next, Next::again);
  ASSERT_NE(held(Kind::deployment, "todo-backend"), nullptr) << "or the next pass would meet it again, for ever";
  EXPECT_EQ(held(Kind::deployment, "todo-backend")->resource_version, "22");
}

TEST_F(ExecuteTest, ARevisionThatIsThereAlreadyIsLookedAtToo) {
  transport.will_answer(409, status_text(409, "AlreadyExists", "it is there"));
  transport.will_answer(200, ObjectText("todo-rev-1").version(7).owned_by("uid-of-todo"));
  transport.will_answer(200, ObjectText("todo-rev-1").version(7).owned_by("uid-of-todo"));
  run({todoapp::CreateRevision{1, "todo-rev-1", "{}"}});
  EXPECT_EQ(transport.lines().at(1), "GET " + path_of("/apis/apps/v1", "controllerrevisions", "todo-rev-1"));
  EXPECT_EQ(executed.next, Next::again);
  EXPECT_NE(held(Kind::controller_revision, "todo-rev-1"), nullptr);
}

TEST_F(ExecuteTest, AnOccupantThatLeftMeanwhileIsTriedAgain) {
  transport.will_answer(409, status_text(409, "Conflict", "not that version"));
  transport.will_answer(404, status_text(404, "NotFound", "gone"));
  run({create_backend()});
  EXPECT_EQ(executed.next, Next::failed);
  EXPECT_THAT(executed.error, HasSubstr("look at Deployment shop/todo-backend"));
}

// --- The fence.

TEST_F(ExecuteTest, WithoutTheLeaseNothingIsWritten) {
  const std::vector<todoapp::Action> writes{
      create_backend(),
      todoapp::ReplacePorts{intent_of(Kind::service, "todo-backend"), "u", Why::change},
      todoapp::CreateRevision{1, "todo-rev-1", "{}"},
      todoapp::RecordOutcome{"todo-rev-1", "u", {}},
      todoapp::Delete{Kind::job, "todo-migrate-1", "u"},
      todoapp::WriteStatus{"{}"}};
  may_write = false;
  for (const auto& write : writes) {
    finished = 0;
    run({write});
    EXPECT_EQ(executed.next, Next::stopped) << write.index();
  }
  EXPECT_THAT(transport.requests, IsEmpty());
  EXPECT_EQ(fence_asked, 6);
}

TEST_F(ExecuteTest, ReadsDoNotAskTheFence) {
  may_write = false;
  transport.will_answer(200, ObjectText("todo-db"));
  run({todoapp::ReadSecret{"todo-db"}});
  EXPECT_EQ(executed.next, Next::again);
  EXPECT_EQ(fence_asked, 0);
}

TEST_F(ExecuteTest, TheFenceIsAskedBeforeEachWrite) {
  transport.will_hang();
  begin({todoapp::CreateRevision{1, "todo-rev-1", "{}"}, create_backend()});
  may_write = false;
  transport.finish_all(201, ObjectText("todo-rev-1").version(7));
  EXPECT_EQ(executed.next, Next::stopped);
  EXPECT_EQ(fence_asked, 2);
  EXPECT_THAT(transport.requests, SizeIs(1));
  EXPECT_THAT(done, SizeIs(1));
}

TEST_F(ExecuteTest, TheLabelOfOurOwnObjectIsAWriteToo) {
  transport.will_hang();
  transport.will_hang();
  begin({create_backend()});
  transport.finish_all(409, status_text(409, "Conflict", "not that version"));
  may_write = false;
  transport.finish_all(200, answer_of("todo-backend", 7));
  EXPECT_EQ(executed.next, Next::stopped);
  EXPECT_THAT(transport.requests, SizeIs(2));
}

}  // namespace
}  // namespace shell::test
