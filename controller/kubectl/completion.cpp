#include "kubectl/completion.hpp"

#include <algorithm>
#include <array>

namespace kubectl {
namespace {

constexpr const char* no_files = ":4\n";
constexpr const char* files_too = ":0\n";

/// Bash and zsh show names alone where there is one candidate only; help stands behind a tab.
constexpr const char* bash_text = R"script(# kubectl-todoapp: completion for bash
_kubectl_todoapp() {
  local word=${COMP_WORDS[COMP_CWORD]} line answers=()
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default ;;
      :*) ;;
      *) answers+=("${line%%$'\t'*}") ;;
    esac
  done < <(kubectl-todoapp __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  mapfile -t COMPREPLY < <(compgen -W "${answers[*]}" -- "$word")
}
complete -F _kubectl_todoapp kubectl-todoapp
)script";

constexpr const char* zsh_text = R"script(#compdef kubectl-todoapp
# kubectl-todoapp: completion for zsh
_kubectl_todoapp() {
  local line
  local -a found
  while IFS= read -r line; do
    case $line in
      :0) _files ;;
      :*) ;;
      *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      *) found+=("${line//:/\\:}") ;;
    esac
  done < <(kubectl-todoapp __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#found )) && _describe 'kubectl-todoapp' found
}
compdef _kubectl_todoapp kubectl-todoapp
)script";

constexpr const char* fish_text = R"script(# kubectl-todoapp: completion for fish
function __kubectl_todoapp
  set -l words (commandline -opc) (commandline -ct)
  for line in (kubectl-todoapp __complete $words[2..-1] 2>/dev/null)
    switch $line
      case ':0'
        __fish_complete_path (commandline -ct)
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c kubectl-todoapp -f -a '(__kubectl_todoapp)'
)script";

constexpr const char* kubectl_text = R"script(#!/bin/sh
# kubectl_complete-todoapp: kubectl's own completion asks this program, found on the PATH, for "kubectl todoapp".
exec kubectl-todoapp __complete "$@"
)script";

const CommandWords* find(const std::vector<CommandWords>& commands, const std::string& name) {
  const auto at = std::find_if(commands.begin(), commands.end(), [&](const auto& each) { return each.name == name; });
  return at == commands.end() ? nullptr : &*at;
}

bool takes_value(const CommandWords& command, const std::string& flag) {
  const auto at =
      std::find_if(command.flags.begin(), command.flags.end(), [&](const auto& f) { return f.name == flag; });
  return at != command.flags.end() && at->takes_value;
}

class Answer {
 public:
  explicit Answer(std::string word) : word_(std::move(word)) {}

  void add(const std::string& value, const std::string& help = {}) {
    if (!value.starts_with(word_)) return;
    text_ += value;
    if (!help.empty()) text_ += "\t" + help;
    text_ += "\n";
  }
  void add(const std::vector<std::string>& values) {
    for (const auto& value : values) add(value);
  }
  [[nodiscard]] std::string ended(const char* how = no_files) const { return text_ + how; }

 private:
  std::string word_;
  std::string text_;
};

/// The words that are no flags and no values of flags, the command's name first; the last word is not among them.
std::vector<std::string> plain_words(const std::vector<std::string>& words, const CommandWords& command) {
  std::vector<std::string> plain;
  for (std::size_t at = 0; at + 1 < words.size(); ++at) {
    if (!words[at].starts_with("-")) {
      plain.push_back(words[at]);
    } else if (takes_value(command, words[at])) {
      ++at;
    }
  }
  return plain;
}

constexpr std::array<std::string_view, 3> of_revisions{"--revision", "--to-revision", "--diff"};

std::string value_completions(const std::string& flag, Answer answer, const std::string& app, const Lookup& lookup) {
  if (flag == "-f" || flag == "--filename" || flag == "--kubeconfig") return answer.ended(files_too);
  if (flag == "-n" || flag == "--namespace") {
    answer.add(lookup.namespaces());
  } else if (flag == "--context") {
    answer.add(lookup.contexts());
  } else if (flag == "-o" || flag == "--output") {
    answer.add({"text", "wide", "json", "yaml", "name"});
  } else if (std::find(of_revisions.begin(), of_revisions.end(), flag) != of_revisions.end()) {
    answer.add(lookup.revisions(app));
  }
  return answer.ended();
}

}  // namespace

std::string typed(const std::vector<std::string>& words, const std::vector<std::string_view>& names) {
  std::string value;
  for (std::size_t at = 0; at < words.size(); ++at) {
    for (const auto name : names) {
      if (words[at] == name && at + 1 < words.size()) value = words[at + 1];
      if (words[at].starts_with(std::string(name) + "=")) value = words[at].substr(name.size() + 1);
    }
  }
  return value;
}

std::string completions(const std::vector<std::string>& words, const std::vector<CommandWords>& commands,
                        const Lookup& lookup) {
  Answer answer(words.empty() ? std::string() : words.back());
  if (words.size() < 2) {
    for (const auto& command : commands) answer.add(command.name, command.help);
    return answer.ended();
  }
  const auto* command = find(commands, words.front());
  if (command == nullptr) return no_files;
  const auto plain = plain_words(words, *command);
  const auto app = plain.size() > 1 ? plain[1] : std::string();
  const auto& before = words[words.size() - 2];
  const auto& word = words.back();
  if (takes_value(*command, before)) return value_completions(before, std::move(answer), app, lookup);
  if (word.starts_with("-")) {
    for (const auto& flag : command->flags) {
      if (flag.name.starts_with("--")) answer.add(flag.name, flag.help);
    }
  } else if (plain.size() > 1) {
    return no_files;  // there is an app already
  } else if (command->name == "completion") {
    answer.add({"bash", "zsh", "fish", "kubectl"});
  } else if (command->name != "diff") {
    answer.add(lookup.apps());
  }
  return answer.ended();
}

std::optional<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash_text;
  if (shell == "zsh") return zsh_text;
  if (shell == "fish") return fish_text;
  if (shell == "kubectl") return kubectl_text;
  return std::nullopt;
}

}  // namespace kubectl
