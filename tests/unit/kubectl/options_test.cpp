#include "kubectl/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kubectl {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Options options(const std::vector<std::string>& arguments) {
  const auto read = read_invocation(arguments);
  EXPECT_TRUE(read) << base::to_string(read.error());
  return read && std::holds_alternative<Options>(*read) ? std::get<Options>(*read) : Options{};
}

std::string shown(const std::vector<std::string>& arguments) {
  const auto read = read_invocation(arguments);
  return read && std::holds_alternative<ShowText>(*read) ? std::get<ShowText>(*read).text : "nothing shown";
}

std::string refusal(const std::vector<std::string>& arguments) {
  const auto read = read_invocation(arguments);
  return read ? "no refusal" : base::to_string(read.error());
}

TEST(Options, AreWhatIsGiven) {
  const auto status =
      options({"status", "todo", "-n", "shop", "--watch", "--timeout=5m", "--context", "c", "--kubeconfig=f"});
  EXPECT_EQ(status.command, Command::status);
  EXPECT_EQ(status.app, "todo");
  EXPECT_EQ(status.namespace_, "shop");
  EXPECT_TRUE(status.watch);
  EXPECT_EQ(status.timeout, seconds(300));
  EXPECT_EQ(status.context, "c");
  EXPECT_EQ(status.kubeconfig, "f");
  EXPECT_TRUE(options({"status", "-A", "-o", "wide"}).all_namespaces);
  EXPECT_EQ(options({"status", "-o", "yaml"}).output, Output::yaml);
  EXPECT_EQ(options({"rollback", "--to-revision", "7"}).revision, 7);
  EXPECT_EQ(options({"history", "todo", "--revision=2"}).revision, 2);
  EXPECT_TRUE(options({"rollback", "--undo"}).undo);
  const auto kubectl_way = options({"-n", "shop", "--context=c", "status", "todo", "--kubeconfig", "f"});
  EXPECT_EQ(kubectl_way.command, Command::status);
  EXPECT_EQ(kubectl_way.namespace_, "shop");
  EXPECT_EQ(kubectl_way.context, "c");
  EXPECT_EQ(kubectl_way.kubeconfig, "f");
  EXPECT_TRUE(options({"restart", "todo", "--watch"}).watch);
  EXPECT_EQ(options({"status", "pause"}).app, "pause") << "an app may be called like a command";
}

TEST(Options, KnowEveryCommand) {
  const std::vector<std::pair<std::string, Command>> all{
      {"status", Command::status},     {"history", Command::history}, {"explain", Command::explain},
      {"rollback", Command::rollback}, {"retry", Command::retry},     {"approve", Command::approve},
      {"restart", Command::restart},   {"pause", Command::pause},     {"resume", Command::resume}};
  for (const auto& [name, command] : all) {
    EXPECT_EQ(options({name}).command, command);
    EXPECT_THAT(shown({"--help"}), HasSubstr("  " + name + " "));
    EXPECT_THAT(shown({name, "--help"}), HasSubstr("\n  kubectl todoapp " + name + " todo"));
  }
}

TEST(Options, ThatCannotBeMeantAreRefusedWithWhatCan) {
  EXPECT_THAT(refusal({}), HasSubstr("a command is missing; kubectl todoapp --help lists them"));
  EXPECT_THAT(refusal({"stauts"}), HasSubstr("\"stauts\" is unknown here"));
  EXPECT_THAT(refusal({"-o", "wide", "status"}), HasSubstr("flags stand after the command"));
  EXPECT_THAT(refusal({"status", "--nope"}), HasSubstr("\"--nope\" is unknown here"));
  EXPECT_THAT(refusal({"pause", "-o", "json"}), HasSubstr("unknown here"));
  EXPECT_THAT(refusal({"status", "-o", "xml"}), HasSubstr("there are text, wide, json, yaml and name"));
  EXPECT_THAT(refusal({"rollback", "--to-revision", "two"}), HasSubstr("\"two\" is no revision"));
  EXPECT_THAT(refusal({"rollback", "--to-revision=0"}), HasSubstr("\"0\" is no revision"));
  EXPECT_THAT(refusal({"rollback", "--to-revision=1", "--undo"}), HasSubstr("give one of them"));
  EXPECT_THAT(refusal({"status", "-A", "-n", "x"}), HasSubstr("leave out APP and -n"));
  EXPECT_THAT(refusal({"status", "-w", "-o", "json"}), HasSubstr("leave out -A and -o"));
  EXPECT_THAT(refusal({"status", "--timeout", "5m"}), HasSubstr("give both"));
  EXPECT_THAT(refusal({"status", "-w", "--timeout", "soon"}), HasSubstr("write it as 90s, 5m or 1h"));
  EXPECT_THAT(refusal({"completion", "tcsh"}), HasSubstr("bash, zsh, fish or kubectl, not \"tcsh\""));
  EXPECT_THAT(refusal({"history", "--diff", "2"}), HasSubstr("--diff is for one revision"));
  EXPECT_THAT(refusal({"diff"}), HasSubstr("name a file with -f"));
  EXPECT_THAT(refusal({"diff", "todo", "-f", "x"}), HasSubstr("\"todo\" is unknown here"));
  EXPECT_THAT(refusal({"upgrade", "todo"}), HasSubstr("upgrade to what?"));
  EXPECT_THAT(refusal({"upgrade", "todo", "--set-config", "A"}), HasSubstr("\"A\" is no config"));
}

TEST(Options, OfDiffAreFiles) {
  const auto diff = options({"diff", "-f", "a.yaml", "-f", "-", "-n", "shop", "--field-manager=me"});
  EXPECT_EQ(diff.files, (std::vector<std::string>{"a.yaml", "-"}));
  EXPECT_EQ(diff.namespace_, "shop");
  EXPECT_EQ(diff.field_manager, "me");
  EXPECT_THAT(shown({"diff", "--help"}), HasSubstr("\n  kubectl todoapp diff -f todo.yaml\n"));
}

TEST(Options, OfUpgradeAreWishesAndItWaitsUnlessToldOtherwise) {
  const auto upgrade = options({"upgrade", "todo", "--backend-image", "b:2", "--set-config", "A=1", "--set-config",
                                "B-", "--set-frontend-config=C=3"});
  EXPECT_EQ(upgrade.app, "todo");
  EXPECT_EQ(upgrade.upgrade,
            (UpgradeWish{.frontend_image = {},
                         .backend_image = "b:2",
                         .config = {{"", "A", "1", false}, {"", "B", "", true}, {"frontend", "C", "3", false}}}));
  EXPECT_TRUE(upgrade.watch);
  EXPECT_EQ(upgrade.timeout, seconds(3600));
  const std::vector<std::string> some{"upgrade", "todo", "--frontend-image=f"};
  const auto with = [&](const std::string& more) {
    auto arguments = some;
    arguments.push_back(more);
    return options(arguments);
  };
  EXPECT_EQ(with("--timeout=5m").timeout, seconds(300));
  EXPECT_FALSE(with("--no-wait").watch);
  EXPECT_FALSE(with("--wait=false").watch);
  EXPECT_FALSE(with("--dry-run").watch) << "there is nothing to wait for";
  EXPECT_THAT(shown({"upgrade", "--help"}), HasSubstr("\n  kubectl todoapp upgrade todo --backend-image "));
}

TEST(Options, ShowVersionAndCompletion) {
  EXPECT_THAT(shown({"--version"}), testing::MatchesRegex("kubectl-todoapp [0-9.]+\n"));
  EXPECT_THAT(shown({"completion", "bash"}), HasSubstr("complete -F _kubectl_todoapp kubectl-todoapp"));
}

TEST(Options, GiveTheWordsForCompletion) {
  const auto read = read_invocation({"__complete", "rollback", "--to"});
  ASSERT_TRUE(read && std::holds_alternative<CompleteWords>(*read));
  const auto& asked = std::get<CompleteWords>(*read);
  EXPECT_EQ(asked.words, (std::vector<std::string>{"rollback", "--to"}));
  EXPECT_THAT(completions(asked.words, asked.commands, {}), HasSubstr("--to-revision\tWhere to go"));
  for (const auto& command : asked.commands) {
    for (const auto& flag : command.flags) {
      const bool plain = flag.name == "--watch" || flag.name == "-w" || flag.name == "--undo";
      if (plain) {
        EXPECT_FALSE(flag.takes_value) << flag.name;
      }
      if (flag.name == "-n" || flag.name == "--set-config") {
        EXPECT_TRUE(flag.takes_value) << flag.name;
      }
    }
  }
}

TEST(Duration, IsANumberAndAUnit) {
  EXPECT_EQ(read_duration("90"), seconds(90));
  EXPECT_EQ(read_duration("90s"), seconds(90));
  EXPECT_EQ(read_duration("5m"), seconds(300));
  EXPECT_EQ(read_duration("1h"), seconds(3600));
  for (const char* none : {"", "0", "-1s", "s", "5x", "1.5m", "999999h", "99999999999999999999"}) {
    EXPECT_EQ(read_duration(none), seconds(0)) << none;
  }
}

}  // namespace
}  // namespace kubectl
