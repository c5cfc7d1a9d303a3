// Completion scripts for shells, made from the commands and flags that the program knows.
// Law: pure; names of apps are asked for when they are wanted, by running the program itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kubectl {

struct CommandWords {
  std::string name;
  std::string help;
  std::vector<std::string> flags;  ///< with their dashes
};

/// For "bash", "zsh" or "fish"; none for any other.
[[nodiscard]] std::optional<std::string> completion_script(std::string_view shell,
                                                           const std::vector<CommandWords>& commands);

}  // namespace kubectl
