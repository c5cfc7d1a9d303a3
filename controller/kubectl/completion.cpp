#include "kubectl/completion.hpp"

#include <fmt/format.h>

namespace kubectl {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string names(const std::vector<CommandWords>& commands) {
  std::vector<std::string> words;
  for (const auto& command : commands) words.push_back(command.name);
  return joined(words);
}

/// Prints the flags of the command in $1; for bash and zsh alike.
std::string flag_cases(const std::vector<CommandWords>& commands) {
  std::string text;
  for (const auto& command : commands) {
    text += fmt::format("    {}) echo \"{}\" ;;\n", command.name, joined(command.flags));
  }
  return text;
}

/// Shell text is full of braces, so its places are marked otherwise.
std::string filled(std::string text, const std::vector<CommandWords>& commands) {
  const auto put = [&](std::string_view place, const std::string& value) {
    if (const auto at = text.find(place); at != std::string::npos) text.replace(at, place.size(), value);
  };
  put("@FLAGS@", flag_cases(commands));
  put("@NAMES@", names(commands));
  return text;
}

constexpr const char* bash_text = R"script(# kubectl-todoapp: completion for bash
_kubectl_todoapp_flags() {
  case "$1" in
@FLAGS@  esac
}

_kubectl_todoapp() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="@NAMES@"
  elif [ "${word#-}" != "$word" ]; then
    words=$(_kubectl_todoapp_flags "$command")
  elif [ "$command" = completion ]; then
    words="bash zsh fish"
  else
    words=$(kubectl-todoapp status -o name 2>/dev/null | sed 's|.*/||')
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _kubectl_todoapp kubectl-todoapp
)script";

constexpr const char* zsh_text = R"script(#compdef kubectl-todoapp
# kubectl-todoapp: completion for zsh
_kubectl_todoapp_flags() {
  case "$1" in
@FLAGS@  esac
}

_kubectl_todoapp() {
  local -a found
  if (( CURRENT == 2 )); then
    found=(@NAMES@)
  elif [[ $words[CURRENT] == -* ]]; then
    found=(${=$(_kubectl_todoapp_flags $words[2])})
  elif [[ $words[2] == completion ]]; then
    found=(bash zsh fish)
  else
    found=(${(f)"$(kubectl-todoapp status -o name 2>/dev/null | sed 's|.*/||')"})
  fi
  compadd -a found
}
compdef _kubectl_todoapp kubectl-todoapp
)script";

std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char byte : text) result += byte == '\'' ? std::string("\\'") : std::string(1, byte);
  return result + "'";
}

std::string fish_script(const std::vector<CommandWords>& commands) {
  std::string text = "# kubectl-todoapp: completion for fish\ncomplete -c kubectl-todoapp -f\n";
  for (const auto& command : commands) {
    text += fmt::format("complete -c kubectl-todoapp -n __fish_use_subcommand -a {} -d {}\n", command.name,
                        in_quotes(command.help));
    for (const auto& flag : command.flags) {
      text += fmt::format("complete -c kubectl-todoapp -n '__fish_seen_subcommand_from {}' -l {}\n", command.name,
                          flag.substr(2));
    }
  }
  text += "complete -c kubectl-todoapp -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n";
  return text +
         "complete -c kubectl-todoapp -n 'not __fish_use_subcommand; and not __fish_seen_subcommand_from completion' "
         "-a \"(kubectl-todoapp status -o name 2>/dev/null | string replace -r '.*/' '')\"\n";
}

}  // namespace

std::optional<std::string> completion_script(std::string_view shell, const std::vector<CommandWords>& commands) {
  if (shell == "bash") return filled(bash_text, commands);
  if (shell == "zsh") return filled(zsh_text, commands);
  if (shell == "fish") return fish_script(commands);
  return std::nullopt;
}

}  // namespace kubectl
