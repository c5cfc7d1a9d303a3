// Completion: scripts for shells, and the answers that those scripts ask this program for.
// Law: pure; what only a cluster or a kubeconfig knows is asked for by functions of the caller's. The answers have
// Cobra's form, which kubectl's own completion asks of a plugin too.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kubectl {

struct FlagWords {
  std::string name;  ///< with its dashes
  std::string help;
  bool takes_value{false};
};

struct CommandWords {
  std::string name;
  std::string help;
  std::vector<FlagWords> flags;
};

/// What is there, by the flags that were typed so far; empty where that cannot be said.
struct Lookup {
  std::function<std::vector<std::string>()> apps;
  std::function<std::vector<std::string>(const std::string& app)> revisions;
  std::function<std::vector<std::string>()> namespaces;
  std::function<std::vector<std::string>()> contexts;
};

/// The value that was typed for a flag, by any of its names; empty where there is none.
[[nodiscard]] std::string typed(const std::vector<std::string>& words, const std::vector<std::string_view>& names);

/// For the last of `words`, which may be empty: a line for each candidate, with a tab and its help, then ":4", or ":0"
/// where names of files fit.
[[nodiscard]] std::string completions(const std::vector<std::string>& words, const std::vector<CommandWords>& commands,
                                      const Lookup& lookup);

/// For "bash", "zsh" or "fish"; and for "kubectl", the program kubectl_complete-todoapp. None for any other.
[[nodiscard]] std::optional<std::string> completion_script(std::string_view shell);

}  // namespace kubectl
