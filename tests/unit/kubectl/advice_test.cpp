#include "kubectl/advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::patched;
using test::view;
using testing::HasSubstr;
using testing::Not;

constexpr Style bare{.colour = false, .unicode = false};

TEST(Advice, IsThereForEveryReason) {
  for (int each = 0; each <= static_cast<int>(todoapp::Reason::environment_failing); ++each) {
    const auto reason = static_cast<todoapp::Reason>(each);
    const auto advice = advice_for(reason);
    EXPECT_FALSE(advice.meaning.empty()) << todoapp::to_string(reason);
    EXPECT_NE(advice.meaning, advice_without_reason().meaning) << todoapp::to_string(reason);
    EXPECT_TRUE(todoapp::is_ready(reason) || !advice.deeds.empty()) << todoapp::to_string(reason);
  }
}

TEST(Link, LeadsToTheReasonsEntry) {
  EXPECT_EQ(link_for(view(test::rolled_back())), "docs/deployment/troubleshooting.md#rolledback");
  EXPECT_EQ(link_for(AppView{}), "docs/deployment/troubleshooting.md#no-reason-at-all");
}

TEST(Explanation, OfAFailureHoldsCauseEvidenceAndWhatToDo) {
  EXPECT_EQ(explanation(view(test::rolled_back()), bare),
            "todo in namespace shop is not ready since 2026-01-31T12:00:10Z; now: RolledBack\n"
            "  Revision 2 failed: CrashLoopBackOff; revision 3 serves\n"
            "\nWhat it means\n"
            "  An upgrade failed, and the last good content was rolled out again. What failed is not tried again by "
            "itself.\n"
            "\nEvidence of revision 2\n"
            "  reason     CrashLoopBackOff\n"
            "  tier       backend\n"
            "  pod        todo-backend-x\n"
            "  container  backend\n"
            "  exit code  3\n"
            "  restarts   2\n"
            "  at         2026-01-31T12:00:05Z\n"
            "  | no database\n"
            "  | bye?[2J\n"
            "\nWhat to do\n"
            "  Correct the spec: a change is tried at once.\n"
            "  Or, where something else is mended by now, try the same again:\n"
            "    kubectl todoapp retry todo -n shop\n"
            "  See which revisions there are:\n"
            "    kubectl todoapp history todo -n shop\n"
            "\nMore: docs/deployment/troubleshooting.md#rolledback\n");
}

TEST(Explanation, OfAReadyAppLeavesOldFailuresOut) {
  const auto well = patched(test::upgraded(), {{"status", {{"failure", test::rolled_back()["status"]["failure"]}}}});
  const auto text = explanation(view(well), bare);
  EXPECT_THAT(text, HasSubstr("todo in namespace shop is ready since 2026-01-31T12:00:10Z; now: Succeeded\n"));
  EXPECT_THAT(text, Not(HasSubstr("Evidence")));
}

TEST(Explanation, OfAnOldFailureIsOneLine) {
  auto waiting = test::rolled_back();
  waiting["status"]["conditions"][0] = test::ready_condition("False", "SecretNotFound", "Secret todo-db is not there");
  const auto text = explanation(view(waiting), bare);
  EXPECT_THAT(text, HasSubstr("\nEarlier, and not what is told above: revision 2 failed: CrashLoopBackOff\n\n"));
  EXPECT_THAT(text, Not(HasSubstr("no database")));
  EXPECT_THAT(text, Not(HasSubstr("Evidence")));
}

TEST(Explanation, AdvisesToFollowTheSpecAgainOnlyWhereARollbackIsAskedFor) {
  auto barred = test::upgraded();
  barred["status"]["conditions"][0] = test::ready_condition("False", "SchemaBarrier", "The spec cannot be rolled out");
  EXPECT_THAT(explanation(view(barred), bare), Not(HasSubstr("--undo")));
  barred["spec"]["rollback"]["toRevision"] = 1;
  EXPECT_THAT(explanation(view(barred), bare), HasSubstr("kubectl todoapp rollback todo -n shop --undo"));
}

TEST(Explanation, OfARollbackThatWasAskedForAndFailedBeginsWithTheWayOut) {
  auto failed = test::rolled_back();
  failed["status"]["conditions"][0] = test::ready_condition("False", "RollbackFailed", "Revision 3 failed");
  EXPECT_THAT(explanation(view(failed), bare), Not(HasSubstr("--undo")));
  failed["spec"]["rollback"]["toRevision"] = 1;
  const auto text = explanation(view(failed), bare);
  EXPECT_THAT(text, HasSubstr("What to do\n"
                              "  Follow the spec again:\n"
                              "    kubectl todoapp rollback todo -n shop --undo\n"
                              "  Or go to another revision:\n"
                              "    kubectl todoapp rollback todo -n shop --to-revision N\n"));
  EXPECT_THAT(text, HasSubstr("changes of the spec wait"));
  EXPECT_THAT(text, Not(HasSubstr("outside the revision")));
}

TEST(Explanation, OfAPlanDoesNotSayTheReasonTwice) {
  auto waiting = test::upgraded();
  waiting["status"]["conditions"][0] = test::ready_condition("False", "AwaitingApproval", "A plan waits");
  waiting["status"]["step"] = "AwaitingApproval";
  const auto text = explanation(view(waiting), bare);
  EXPECT_THAT(text, Not(HasSubstr("It waits for")));
  EXPECT_THAT(text, HasSubstr("See what it would change, value by value:\n"));
}

TEST(Explanation, OfARolloutShowsThePodsThatAreNotReady) {
  auto rolling = test::upgraded();
  rolling["status"]["conditions"][0] = test::ready_condition("False", "Progressing", "Revision 3: backend image");
  PodsView pods;
  pods.pods = {{.name = "todo-backend-a",
                .component = "backend",
                .state = "ImagePullBackOff",
                .message = "not found",
                .containers = 1,
                .template_hash = "t",
                .node = {}},
               {.name = "todo-backend-b",
                .component = "backend",
                .state = "Running",
                .message = {},
                .ready = 1,
                .containers = 1,
                .template_hash = "t",
                .node = {}},
               {.name = "todo-backend-c",
                .component = "backend",
                .state = "Terminating",
                .message = {},
                .containers = 1,
                .template_hash = "t",
                .node = {}}};
  pods.revisions = {{"t", 3}};
  EXPECT_THAT(explanation(view(rolling), bare, &pods),
              HasSubstr("\nPods that are not ready\n"
                        "  todo-backend-a  ImagePullBackOff  0/1 ready  0 restarts  revision 3  0s  not found\n\n"));
  EXPECT_THAT(explanation(view(test::upgraded()), bare, &pods), Not(HasSubstr("not ready"))) << "that is over";
  EXPECT_THAT(explanation(view(test::rolled_back()), bare, &pods), Not(HasSubstr("Pods that"))) << "there is evidence";
}

TEST(Explanation, OfAChangeThatNoOperatorHasSeenDoesNotTakeTheOldStatusForAnAnswer) {
  const auto text = explanation(view(patched(test::upgraded(), {{"metadata", {{"generation", 4}}}})), bare);
  EXPECT_EQ(text.find("todo in namespace shop: the spec was changed, and no operator has looked at it since\n"
                      "  Before that: Succeeded: Revision 2 serves\n"
                      "\nWhat it means\n"
                      "  No operator has said how it is: none runs, none leads, or it watches other namespaces."),
            0U)
      << text;
  EXPECT_THAT(text, HasSubstr("kubectl get leases -A"));
  EXPECT_THAT(text, HasSubstr("troubleshooting.md#no-reason-at-all"));
}

TEST(Explanation, WithoutAnOperatorSaysSo) {
  const auto text = explanation(view(patched(test::upgraded(), {{"status", nullptr}})), bare);
  EXPECT_THAT(text, HasSubstr("is not ready: Unknown\n"));
  EXPECT_THAT(text, HasSubstr("No operator has said how it is"));
}

}  // namespace
}  // namespace kubectl
