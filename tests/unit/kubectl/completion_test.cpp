#include "kubectl/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kubectl {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

const std::vector<CommandWords> commands{
    {"status",
     "Show it",
     {{"--namespace", "Where", true}, {"-n", "", true}, {"--watch", "Go on", false}, {"--context", "Which", true}}},
    {"rollback", "Go back", {{"--to-revision", "Which", true}}},
    {"diff", "Compare", {{"--filename", "File", true}, {"-f", "", true}}},
    {"completion", "For shells", {}}};

std::string answer(const Words& words) {
  return completions(words, commands,
                     {.apps = [] { return Words{"shop", "todo"}; },
                      .revisions = [](const std::string& app) { return Words{app + "3", app + "1"}; },
                      .namespaces = [] { return Words{"one", "two"}; },
                      .contexts = [] { return Words{"kind", "prod"}; }});
}

TEST(Completion, AnswersCommandsWithTheirHelp) {
  EXPECT_EQ(answer({"st"}), "status\tShow it\n:4\n");
  EXPECT_THAT(answer({""}), HasSubstr("rollback\tGo back\n"));
  EXPECT_EQ(answer({"unknown", ""}), ":4\n");
}

TEST(Completion, AnswersAppsOnce) {
  EXPECT_EQ(answer({"status", ""}), "shop\ntodo\n:4\n");
  EXPECT_EQ(answer({"status", "-n", "one", "t"}), "todo\n:4\n");
  EXPECT_EQ(answer({"status", "todo", ""}), ":4\n");
  EXPECT_EQ(answer({"diff", ""}), ":4\n") << "it takes no app";
}

TEST(Completion, AnswersFlagsAndTheirValues) {
  EXPECT_EQ(answer({"status", "--w"}), "--watch\tGo on\n:4\n");
  EXPECT_EQ(answer({"status", "-n", "t"}), "two\n:4\n");
  EXPECT_EQ(answer({"status", "--context", ""}), "kind\nprod\n:4\n");
  EXPECT_EQ(answer({"rollback", "todo", "--to-revision", ""}), "todo3\ntodo1\n:4\n");
  EXPECT_EQ(answer({"diff", "-f", ""}), ":0\n") << "the shell knows files better";
  EXPECT_EQ(answer({"completion", "z"}), "zsh\n:4\n");
}

TEST(Completion, FindsWhatWasTypedForAFlag) {
  const Words words{"status", "-n", "one", "--namespace=two", "--context"};
  EXPECT_EQ(typed(words, {"-n", "--namespace"}), "two");
  EXPECT_EQ(typed(words, {"--context"}), "");
}

TEST(Completion, IsForThreeShellsAndForKubectl) {
  for (const char* shell : {"bash", "zsh", "fish", "kubectl"}) {
    EXPECT_THAT(completion_script(shell).value_or(""), HasSubstr("kubectl-todoapp __complete ")) << shell;
  }
  EXPECT_FALSE(completion_script("tcsh"));
}

}  // namespace
}  // namespace kubectl
