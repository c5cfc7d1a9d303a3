#include "kubectl/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

namespace kubectl {
namespace {

constexpr std::int64_t seconds_most = 7L * 24 * 3600;
/// Longer than an upgrade may take by itself (spec.upgrade.timeoutSeconds), and an end where no operator runs.
constexpr std::chrono::hours longest_wait{1};

base::Failure refuse(std::string detail) {
  return base::fail(base::ErrorCode::invalid, "read the command line", std::move(detail));
}

struct CommandRow {
  Command command;
  const char* name;
  const char* help;
  const char* footer;  ///< examples, and what is worth knowing
  bool shows;          ///< it reads and has -o
  bool follows;        ///< it has --watch
};

constexpr const char* codes =
    "With --watch it ends when the app is ready (exit code 0), when only you can go on (1), or when the time of\n"
    "--timeout is up (3). Other codes: 1 the cluster said no, 2 the command line is wrong.";

const std::array<CommandRow, 11>& rows() {
  static const std::array<CommandRow, 11> table{{
      {Command::status, "status", "Show how an app is: revisions, tiers, what it waits for",
       "Without APP: the only app of the namespace as a tree, several as a table.\n\nExamples:\n"
       "  kubectl todoapp status todo\n  kubectl todoapp status -A -o wide\n"
       "  kubectl todoapp status todo --watch --timeout 5m",
       true, true},
      {Command::history, "history", "Show the revisions of an app, or what one of them holds",
       "FLAGS: active serves, target is being rolled out, last good is the newest that succeeded, pinned is what\n"
       "spec.rollback names. restorable: what its pods need is still there, so a rollback can go to it; whether it\n"
       "went well says OUTCOME.\n"
       "With --revision it ends with the difference to the revision before, or to the one that --diff names.\n\n"
       "Examples:\n  kubectl todoapp history todo\n  kubectl todoapp history todo --revision 2\n"
       "  kubectl todoapp history todo --revision 4 --diff 2",
       true, false},
      {Command::explain, "explain", "Say why an app is as it is, and what to do",
       "Examples:\n  kubectl todoapp explain todo", false, false},
      {Command::diff, "diff", "Show what applying a file would change, as the operator would render it",
       "The app is sent to the server as a dry run, for its defaults and its refusals; then the operator's own core\n"
       "decides and renders, and the result is compared with what is in the cluster. Nothing is written, no Secret is\n"
       "read: one whose values would be sealed anew is told by its variables. Other kinds in the file are left out.\n\n"
       "Exit codes, as kubectl diff: 0 nothing would change, 1 something would, above 1 it cannot be told.\n\n"
       "Examples:\n  kubectl todoapp diff -f todo.yaml\n  kubectl kustomize overlays/shop | kubectl todoapp diff -f -",
       false, false},
      {Command::upgrade, "upgrade", "Ask for other images or config, and wait until they serve",
       "It changes only what it is given, waits with progress, and shows reason and evidence of a failure.\n"
       "An app that is pinned by a rollback, or paused, is refused. Where the spec has all of it already, nothing is\n"
       "written, and it is waited for and judged all the same.\n\n"
       "Exit codes: 0 it serves, or is asked for with --no-wait; 1 it failed, was rolled back, or waits for an "
       "approval;\n"
       "2 the command line is wrong; 3 the time of --timeout is up.\n\n"
       "Examples:\n  kubectl todoapp upgrade todo --backend-image localhost/todo-backend:1.1.0\n"
       "  kubectl todoapp upgrade todo --set-config LOG_LEVEL=debug --set-backend-config CACHE- --dry-run",
       false, false},
      {Command::rollback, "rollback", "Go back to an earlier revision",
       "It sets spec.rollback.toRevision: while that is set, the spec's other changes wait; --undo takes it away.\n"
       "Without --to-revision it is the newest revision before the present one that succeeded with another content.\n"
       "One whose content serves already rolls out nothing: the app is pinned to it.\n\n"
       "Examples:\n  kubectl todoapp rollback todo --watch\n  kubectl todoapp rollback todo --to-revision 2\n"
       "  kubectl todoapp rollback todo --undo",
       false, true},
      {Command::retry, "retry", "Try a failed content once more",
       "For when something outside the app was at fault, and is mended.\n\nExamples:\n"
       "  kubectl todoapp retry todo --watch",
       false, true},
      {Command::approve, "approve", "Approve the upgrade that waits (spec.upgrade.approval: Manual)",
       "The approval is for the plan that is printed; a spec that changes meanwhile needs another.\n\nExamples:\n"
       "  kubectl todoapp status todo -o wide\n  kubectl todoapp approve todo --watch",
       false, true},
      {Command::restart, "restart", "Replace the pods one after another, with the same content",
       "No revision is recorded. With --watch it ends when the new pods serve and no old one is left (exit code 0), "
       "or\n"
       "when the time of --timeout is up (3). Other codes: 1 the cluster said no, 2 the command line is wrong.\n\n"
       "Examples:\n  kubectl todoapp restart todo --watch --timeout 5m",
       false, true},
      {Command::pause, "pause", "Have the operator write nothing for this app but its status",
       "It sets spec.suspend.\n\nExamples:\n  kubectl todoapp pause todo", false, false},
      {Command::resume, "resume", "End a pause", "Examples:\n  kubectl todoapp resume todo --watch", false, true},
  }};
  return table;
}

/// What was given, not yet judged.
struct Given {
  Options options;
  std::string output;
  std::string timeout;
  std::string shell;
  std::string revision;
  std::string other_revision;
  std::vector<std::string> config;
  std::vector<std::string> frontend_config;
  std::vector<std::string> backend_config;
  bool wait{true};
};

void declare_upgrade(CLI::App& command, Given& given) {
  auto& wish = given.options.upgrade;
  const auto image = [&](const char* name, std::string& value, const char* help) {
    command.add_option(name, value, help)->option_text("IMAGE")->take_last();
  };
  const auto config = [&](const char* name, std::vector<std::string>& values, const char* help) {
    command.add_option(name, values, help)->option_text("KEY=VALUE")->expected(1)->allow_extra_args(false)->take_all();
  };
  image("--frontend-image", wish.frontend_image, "Image of the frontend");
  image("--backend-image", wish.backend_image, "Image of the backend");
  config("--set-config", given.config, "Set in the config of both tiers; KEY- takes it away; repeatable");
  config("--set-frontend-config", given.frontend_config, "The same in the frontend's own config");
  config("--set-backend-config", given.backend_config, "The same in the backend's own config");
  command.add_flag("--dry-run", given.options.dry_run, "Show what would change, as diff does, and change nothing");
  command.add_flag("--wait,!--no-wait", given.wait, "Wait until it serves or fails (default)");
  command.add_option("--timeout", given.timeout, "Wait no longer than this: 90s, 5m, 2h (default 1h)")
      ->option_text("TIME")
      ->take_last();
}

/// What only some commands have.
void declare_own(CLI::App& command, const CommandRow& row, Given& given) {
  auto& options = given.options;
  const auto number = [&](const char* name, std::string& value, const char* help) {
    command.add_option(name, value, help)->option_text("N")->take_last();
  };
  switch (row.command) {
    case Command::status:
      command.add_flag("-A,--all-namespaces", options.all_namespaces, "All apps of the cluster");
      break;
    case Command::history:
      number("--revision", given.revision, "Show what this one holds");
      number("--diff", given.other_revision, "And how it differs from this one (default: the one before)");
      break;
    case Command::diff:
      command.add_option("-f,--filename", options.files, "File with the app, - for stdin; repeatable")
          ->option_text("FILE")
          ->expected(1)
          ->allow_extra_args(false)
          ->take_all();
      command.add_option("--field-manager", options.field_manager, "Who applies it (default kubectl)")
          ->option_text("NAME")
          ->take_last();
      break;
    case Command::upgrade:
      declare_upgrade(command, given);
      break;
    case Command::rollback:
      number("--to-revision", given.revision, "Where to go (default: the previous good one)");
      command.add_flag("--undo", options.undo, "Take the rollback away: follow the spec again");
      break;
    default:
      break;
  }
}

void declare(CLI::App& app, const CommandRow& row, Given& given) {
  auto* command = app.add_subcommand(row.name, row.help);
  auto& options = given.options;
  if (row.command != Command::diff) {
    command->add_option("APP", options.app, "Name of the app; may be left out where the namespace has one only")
        ->option_text(" ");
  }
  command->add_option("-n,--namespace", options.namespace_, "Namespace (default: the context's)")
      ->option_text("NAME")
      ->take_last();
  declare_own(*command, row, given);
  if (row.shows) {
    const auto* forms = "text, wide, json, yaml or name (default text)";
    command->add_option("-o,--output", given.output, forms)->option_text("FORM")->take_last();
  }
  if (row.follows) {
    command->add_flag("-w,--watch", options.watch, "Go on showing changes until it is ready or cannot go on");
    command->add_option("--timeout", given.timeout, "Watch no longer than this: 90s, 5m, 1h")
        ->option_text("TIME")
        ->take_last();
  }
  command->add_option("--context", options.context, "Context of the kubeconfig (default: the current one)")
      ->option_text("NAME")
      ->take_last();
  command->add_option("--kubeconfig", options.kubeconfig, "Kubeconfig file (default: $KUBECONFIG, else ~/.kube/config)")
      ->option_text("FILE")
      ->take_last();
  const bool usual = row.follows && row.command != Command::restart;  // which has codes of its own
  command->footer(usual ? fmt::format("{}\n\n{}", row.footer, codes) : row.footer);
  command->get_formatter()->column_width(34);
}

void declare_completion(CLI::App& app, Given& given) {
  auto* command = app.add_subcommand("completion", "Print completion for bash, zsh or fish, or kubectl's helper");
  command->add_option("SHELL", given.shell, "bash, zsh, fish or kubectl")->option_text(" ");
  command->footer(
      "Examples:\n  source <(kubectl-todoapp completion bash)\n"
      "  kubectl-todoapp completion fish > ~/.config/fish/completions/kubectl-todoapp.fish\n\n"
      "For \"kubectl todoapp\" kubectl asks a program kubectl_complete-todoapp on the PATH; it is installed with this "
      "one:\n"
      "  kubectl-todoapp completion kubectl > ~/bin/kubectl_complete-todoapp; chmod +x ~/bin/kubectl_complete-todoapp");
}

/// Flags that kubectl takes in front of its commands are taken there here as well.
std::vector<std::string> command_first(std::vector<std::string> words) {
  constexpr std::array<std::string_view, 4> known{"-n", "--namespace", "--context", "--kubeconfig"};
  std::size_t at = 0;
  while (at < words.size()) {
    const auto equals = words[at].find('=');
    if (std::find(known.begin(), known.end(), words[at].substr(0, equals)) == known.end()) break;
    at += equals == std::string::npos ? 2 : 1;
  }
  if (at > 0 && at < words.size() && !words[at].starts_with('-')) {
    std::rotate(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at),
                words.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return words;
}

std::vector<CommandWords> words_of(const CLI::App& app) {
  std::vector<CommandWords> words;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandWords each{command->get_name(), command->get_description(), {}};
    for (const auto* option : command->get_options()) {
      const bool value = option->get_items_expected_max() > 0;
      for (const auto& name : option->get_lnames()) {
        each.flags.push_back({"--" + name, option->get_description(), value});
      }
      for (const auto& name : option->get_snames()) each.flags.push_back({"-" + name, {}, value});
    }
    std::sort(each.flags.begin(), each.flags.end(),
              [](const auto& one, const auto& two) { return one.name < two.name; });
    words.push_back(std::move(each));
  }
  return words;
}

base::Result<Invocation> show_completion(const std::string& shell) {
  const auto script = completion_script(shell);
  if (!script) return refuse(fmt::format("completion is for bash, zsh, fish or kubectl, not \"{}\"", shell));
  return ShowText{*script};
}

base::Result<Output> read_output(const std::string& text) {
  if (text.empty() || text == "text") return Output::text;
  if (text == "wide") return Output::wide;
  if (text == "json") return Output::json;
  if (text == "yaml") return Output::yaml;
  if (text == "name") return Output::name;
  return refuse(fmt::format("-o {}: there are text, wide, json, yaml and name", text));
}

/// 0 where none is given.
base::Result<std::int64_t> read_revision(const std::string& text) {
  if (text.empty()) return 0;
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc{} && read.ptr == end && number >= 1) return number;
  return refuse(fmt::format("\"{}\" is no revision: its number is wanted, as history shows it", text));
}

base::Result<void> judge_upgrade(Given& given) {
  auto& options = given.options;
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"", &given.config}, {"frontend", &given.frontend_config}, {"backend", &given.backend_config}};
  for (const auto& [where, texts] : lists) {
    for (const auto& text : *texts) {
      auto wish = read_config_wish(where, text);
      if (!wish) return base::Failure(wish.error());
      options.upgrade.config.push_back(*std::move(wish));
    }
  }
  if (options.upgrade.empty()) {
    return refuse("upgrade to what? --backend-image, --frontend-image, --set-config; upgrade --help lists them");
  }
  options.watch = given.wait && !options.dry_run;
  if (given.timeout.empty()) options.timeout = longest_wait;
  return {};
}

base::Result<void> judge_numbers(Given& given) {
  auto& options = given.options;
  const auto revision = read_revision(given.revision);
  if (!revision) return base::Failure(revision.error());
  options.revision = *revision;
  const auto other = read_revision(given.other_revision);
  if (!other) return base::Failure(other.error());
  options.other_revision = *other;
  if (options.other_revision > 0 && options.revision == 0) {
    return refuse("--diff is for one revision: name it with --revision");
  }
  if (given.timeout.empty()) return {};
  options.timeout = read_duration(given.timeout);
  if (options.timeout.count() > 0) return {};
  return refuse(fmt::format("--timeout {}: write it as 90s, 5m or 1h, at most a week", given.timeout));
}

base::Result<Invocation> judged(Given given, const CommandRow& row) {
  auto& options = given.options;
  options.command = row.command;
  const auto output = read_output(given.output);
  if (!output) return base::Failure(output.error());
  options.output = *output;
  if (auto numbers = judge_numbers(given); !numbers) return base::Failure(numbers.error());
  if (row.command == Command::upgrade) {
    if (auto upgrade = judge_upgrade(given); !upgrade) return base::Failure(upgrade.error());
    return options;
  }
  if (row.command == Command::diff && options.files.empty()) return refuse("diff of what? name a file with -f");
  if (options.timeout.count() > 0 && !options.watch) return refuse("--timeout is the time of --watch: give both");
  if (options.undo && options.revision > 0) return refuse("--undo and --to-revision: give one of them");
  if (options.all_namespaces && !(options.namespace_.empty() && options.app.empty())) {
    return refuse("-A is for all apps of the cluster: leave out APP and -n");
  }
  const bool structured_form =
      options.output == Output::json || options.output == Output::yaml || options.output == Output::name;
  if (options.watch && (structured_form || options.all_namespaces)) {
    return refuse("--watch shows one app to a person: leave out -A and -o");
  }
  return options;
}

}  // namespace

std::chrono::seconds read_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || number <= 0 || number > seconds_most) return {};
  const std::string_view unit(read.ptr, static_cast<std::size_t>(end - read.ptr));
  const std::int64_t factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  return number * factor > seconds_most ? std::chrono::seconds{} : std::chrono::seconds{number * factor};
}

base::Result<Invocation> read_invocation(const std::vector<std::string>& arguments) {
  CLI::App app("Shows, explains and steers Todo apps (TodoAppDeployment) in a Kubernetes cluster.", "kubectl todoapp");
  app.get_formatter()->column_width(20);
  // None at all is looked for below: here it would be told of a command that is misspelt, too.
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", fmt::format("kubectl-todoapp {}", TODOAPP_VERSION));
  app.footer("kubectl todoapp COMMAND --help says more. NO_COLOR turns colours off.");
  Given given;
  const auto words = command_first(arguments);
  for (const auto& row : rows()) declare(app, row, given);
  declare_completion(app, given);
  if (!arguments.empty() && arguments.front() == "__complete") {
    return CompleteWords{{arguments.begin() + 1, arguments.end()}, words_of(app)};
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    return ShowText{app.help()};
  } catch (const CLI::CallForVersion&) {
    return ShowText{app.version() + "\n"};
  } catch (const CLI::ExtrasError&) {
    const auto extra = app.remaining(true);
    if (words.front().starts_with('-')) {
      return refuse(
          fmt::format("\"{}\": flags stand after the command, as in kubectl todoapp status -n shop", words.front()));
    }
    return refuse(fmt::format("\"{}\" is unknown here; kubectl todoapp --help lists commands, COMMAND --help its flags",
                              extra.empty() ? "" : extra.front()));
  } catch (const CLI::Error& error) {
    return refuse(error.what());
  }
  if (app.get_subcommands().empty()) return refuse("a command is missing; kubectl todoapp --help lists them");
  const auto* chosen = app.get_subcommands().front();
  if (chosen->get_name() == "completion") return show_completion(given.shell);
  const auto row =
      std::find_if(rows().begin(), rows().end(), [&](const auto& r) { return chosen->get_name() == r.name; });
  return judged(std::move(given), *row);
}

}  // namespace kubectl
