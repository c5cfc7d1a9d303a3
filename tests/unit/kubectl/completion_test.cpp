#include "kubectl/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kubectl {
namespace {

using testing::HasSubstr;

const std::vector<CommandWords> commands{{"status", "Show how it's going", {"--namespace", "--watch"}},
                                         {"pause", "Pause", {}}};

TEST(Completion, KnowsCommandsAndFlagsInEachShell) {
  EXPECT_THAT(
      completion_script("bash", commands).value_or(""),
      testing::AllOf(HasSubstr("words=\"status pause\""), HasSubstr("status) echo \"--namespace --watch\" ;;")));
  EXPECT_THAT(completion_script("zsh", commands).value_or(""),
              testing::AllOf(HasSubstr("found=(status pause)"), HasSubstr("status) echo \"--namespace --watch\" ;;")));
  EXPECT_THAT(completion_script("fish", commands).value_or(""),
              testing::AllOf(HasSubstr("-a status -d 'Show how it\\'s going'"),
                             HasSubstr("-n '__fish_seen_subcommand_from status' -l watch\n")));
}

TEST(Completion, IsForThreeShells) { EXPECT_FALSE(completion_script("tcsh", commands)); }

}  // namespace
}  // namespace kubectl
