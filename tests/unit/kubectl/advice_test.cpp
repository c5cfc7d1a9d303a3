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
            "todo in namespace shop is not ready: RolledBack, since 2026-01-31T12:00:10Z\n"
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
  EXPECT_THAT(text, HasSubstr("todo in namespace shop is ready: Succeeded"));
  EXPECT_THAT(text, Not(HasSubstr("Evidence")));
}

TEST(Explanation, SaysOfAnOldFailureThatItIsOld) {
  auto waiting = test::rolled_back();
  waiting["status"]["conditions"][0] = test::ready_condition("False", "SecretNotFound", "Secret todo-db is not there");
  const auto text = explanation(view(waiting), bare);
  EXPECT_THAT(text, HasSubstr("\nEarlier, and not what is told above: revision 2 failed\n  reason     CrashLoop"));
  EXPECT_THAT(text, Not(HasSubstr("Evidence")));
}

TEST(Explanation, AdvisesToFollowTheSpecAgainOnlyWhereARollbackIsAskedFor) {
  auto barred = test::upgraded();
  barred["status"]["conditions"][0] = test::ready_condition("False", "SchemaBarrier", "The spec cannot be rolled out");
  EXPECT_THAT(explanation(view(barred), bare), Not(HasSubstr("--undo")));
  barred["spec"]["rollback"]["toRevision"] = 1;
  EXPECT_THAT(explanation(view(barred), bare), HasSubstr("kubectl todoapp rollback todo -n shop --undo"));
}

TEST(Explanation, WithoutAnOperatorSaysSo) {
  const auto text = explanation(view(patched(test::upgraded(), {{"status", nullptr}})), bare);
  EXPECT_THAT(text, HasSubstr("is not ready: Unknown\n"));
  EXPECT_THAT(text, HasSubstr("No operator has said how it is"));
}

}  // namespace
}  // namespace kubectl
