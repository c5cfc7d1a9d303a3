#include "kubectl/commands.hpp"

#include <fmt/format.h>

#include <utility>

#include "kube/model/decode.hpp"
#include "kubectl/advice.hpp"
#include "kubectl/asks.hpp"
#include "kubectl/diff_command.hpp"
#include "kubectl/forecast.hpp"
#include "kubectl/history_text.hpp"
#include "kubectl/preview.hpp"
#include "kubectl/restarting.hpp"
#include "kubectl/status_text.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

constexpr std::string_view resource_name = "todoappdeployment.apps.todoapp.dev";

/// An app as the server sent it, and what it says.
struct Fetched {
  std::string text;
  AppView view;
};

base::Result<Fetched> parsed(std::string text) {
  auto view = read_view(text);
  if (!view) return base::Failure(view.error());
  return Fetched{std::move(text), *std::move(view)};
}

class Run {
 public:
  Run(const Options& options, Client& client, Terminal& terminal)
      : options_(options), client_(client), terminal_(terminal) {}

  base::Result<int> status() {
    if (!options_.app.empty()) return one_status(options_.app);
    const auto apps = list();
    if (!apps) return base::Failure(apps.error());
    if (options_.output == Output::json || options_.output == Output::yaml) return print_list();
    if (options_.output == Output::name) {
      for (const auto& app : *apps) print_name(app.view.name);
      return exit_done;
    }
    if (apps->empty()) {
      terminal_.complain(
          options_.all_namespaces
              ? "No apps found.\n"
              : fmt::format("No apps found in namespace {}; kubectl todoapp status -A lists all.\n", namespace_name()));
      return exit_done;
    }
    if (apps->size() == 1 && !options_.all_namespaces) return show_status(apps->front());
    if (options_.watch) return several(*apps);
    std::vector<AppView> views;
    for (const auto& app : *apps) views.push_back(app.view);
    terminal_.print(status_table(views, terminal_.style(), options_.all_namespaces, options_.output == Output::wide));
    return exit_done;
  }

  base::Result<int> history() {
    const auto app = fetch();
    if (!app) return base::Failure(app.error());
    if (options_.revision > 0) return one_revision(app->view);
    if (options_.output == Output::json || options_.output == Output::yaml) return print(history_json(app->view));
    if (options_.output == Output::name) {
      for (const auto& revision : app->view.revisions) print_record_name(app->view, revision.number);
      return exit_done;
    }
    if (app->view.revisions.empty()) {
      terminal_.complain(fmt::format("{} has no revision yet.\n", app->view.key()));
      return exit_done;
    }
    terminal_.print(history_table(app->view, options_.output == Output::wide));
    return exit_done;
  }

  base::Result<int> explain() {
    const auto app = fetch();
    if (!app) return base::Failure(app.error());
    const auto pods = client_.pods_of({app->view.namespace_, app->view.name});
    if (!pods) return base::Failure(pods.error());
    terminal_.print(explanation(app->view, terminal_.style(), &*pods));
    return exit_done;
  }

  /// Everything that changes the app.
  base::Result<int> ask() {
    auto app = fetch();
    if (!app) return base::Failure(app.error());
    if (options_.command == Command::rollback && !options_.undo) {
      if (auto read = read_contents(app->view); !read) return base::Failure(read.error());
    }
    const auto asked = decide(*app);
    if (!asked) return base::Failure(asked.error());
    const kube::ObjectKey key{app->view.namespace_, app->view.name};
    if (options_.dry_run) return show_change(key, *app, asked->patch);
    auto generation = app->view.generation;
    auto after = app->text;
    if (!asked->patch.empty()) {
      const auto changed = client_.patch_app(key, asked->patch);
      if (!changed) return base::Failure(changed.error());
      const auto view = read_view(*changed);
      if (!view) return base::Failure(view.error());
      generation = view->generation;
      after = *changed;
    }
    terminal_.print(fmt::format("{}/{} {}\n", resource_name, key.name, asked->said));
    const bool upgrade = options_.command == Command::upgrade;
    if (options_.watch && options_.command == Command::restart) {
      const auto token = restart_token(after);
      if (!token) return base::Failure(token.error());
      return wait_for_restart(key, *token, options_.timeout, client_, terminal_);
    }
    const bool same = upgrade && asked->patch.empty();
    if (!options_.watch || (same && state_of(app->view) == State::ready)) return exit_done;
    return wait_for({.key = key,
                     .after = asked->after,
                     .generation = generation,
                     .timeout = options_.timeout,
                     .upgrade = upgrade,
                     .same = same},
                    client_, terminal_);
  }

 private:
  [[nodiscard]] std::string namespace_name() const {
    return options_.namespace_.empty() ? client_.default_namespace() : options_.namespace_;
  }

  /// What its revisions hold; a user who may not look goes by what the status says, and is told so.
  base::Result<void> read_contents(AppView& app) {
    const auto& records = kube::resources::controller_revisions();
    const auto text = client_.list_of(records, {app.namespace_, app.name}, kube::Accept::metadata);
    if (!text && text.error().code == base::ErrorCode::forbidden) {
      terminal_.complain("kubectl-todoapp: contents are not compared: you may not list controllerrevisions\n");
      return {};
    }
    if (!text) return base::Failure(text.error());
    const auto page = kube::Decoder().page(*text, records, record_pruning());
    if (!page) return base::Failure(page.error());
    for (const auto& record : page->objects) note_content(app, record);
    return {};
  }

  base::Result<Ask> decide(const Fetched& fetched) const {
    const auto now = present();
    const auto& app = fetched.view;
    switch (options_.command) {
      case Command::rollback:
        return options_.undo ? ask_undo(app) : ask_rollback(app, options_.revision);
      case Command::upgrade:
        return ask_upgrade(app, fetched.text, options_.upgrade);
      case Command::retry:
        return ask_retry(app, now);
      case Command::approve:
        return ask_approve(app);
      case Command::restart:
        return ask_restart(app, now);
      case Command::pause:
        return ask_pause(app, true);
      case Command::resume:
        return ask_pause(app, false);
      case Command::status:
      case Command::history:
      case Command::explain:
      case Command::diff:
        break;
    }
    return base::fail(base::ErrorCode::invalid, "read the command line", "that command changes nothing");
  }

  base::Result<std::vector<Fetched>> list() {
    auto text = client_.list_apps(options_.all_namespaces ? std::string() : namespace_name());
    if (!text) return base::Failure(text.error());
    list_text_ = *std::move(text);
    const auto items = items_of(list_text_, todoapp::app_resource().api_version(), todoapp::app_resource().kind);
    if (!items) return base::Failure(items.error());
    std::vector<Fetched> apps;
    for (const auto& item : *items) {
      auto app = parsed(item);
      if (!app) return base::Failure(app.error());
      apps.push_back(*std::move(app));
    }
    return apps;
  }

  [[nodiscard]] base::Failure several(const std::vector<Fetched>& apps) const {
    std::string names;
    for (const auto& app : apps) names += (names.empty() ? "" : ", ") + app.view.name;
    return base::fail(base::ErrorCode::invalid, "choose an app of namespace " + namespace_name(),
                      names.empty() ? "there is none; kubectl todoapp status -A lists all"
                                    : "there are several, so name one: " + names);
  }

  /// The app that is named, or the only one.
  base::Result<Fetched> fetch() {
    if (!options_.app.empty()) {
      auto text = client_.get_app({namespace_name(), options_.app});
      if (!text) return base::Failure(text.error());
      return parsed(*std::move(text));
    }
    auto apps = list();
    if (!apps) return base::Failure(apps.error());
    if (apps->size() != 1) return several(*apps);
    return std::move(apps->front());
  }

  base::Result<int> one_status(const std::string& name) {
    if (options_.watch) return watch({namespace_name(), name});
    const auto app = fetch();
    if (!app) return base::Failure(app.error());
    return show_status(*app);
  }

  base::Result<int> show_status(const Fetched& app) {
    if (options_.watch) return watch({app.view.namespace_, app.view.name});
    if (options_.output == Output::json || options_.output == Output::yaml) return print(app.text);
    if (options_.output == Output::name) {
      print_name(app.view.name);
      return exit_done;
    }
    const auto pods = client_.pods_of({app.view.namespace_, app.view.name});
    if (!pods) return base::Failure(pods.error());
    terminal_.print(status_tree(app.view, terminal_.style(), options_.output == Output::wide, &*pods));
    return exit_done;
  }

  base::Result<int> watch(const kube::ObjectKey& key) {
    return wait_for({.key = key, .timeout = options_.timeout, .wide = options_.output == Output::wide}, client_,
                    terminal_);
  }

  /// A change that is tried only.
  base::Result<int> show_change(const kube::ObjectKey& key, const Fetched& app, const std::string& patch) {
    const auto after = patch.empty() ? app.text : client_.try_patch(key, patch, manager);
    if (!after) return base::Failure(after.error());
    const auto preview = preview_of(client_, key, app.text, *after, {}, terminal_.style());
    if (!preview) return base::Failure(preview.error());
    terminal_.print(preview->text);
    if (!preview->differs) terminal_.print(fmt::format("{}/{}: nothing would change\n", resource_name, key.name));
    return exit_done;
  }

  base::Result<int> one_revision(const AppView& app) {
    if (app.find(options_.revision) == nullptr) {
      return base::fail(base::ErrorCode::not_found, "show the history of " + app.key(),
                        no_such_revision(app, options_.revision));
    }
    if (options_.output == Output::name) {
      print_record_name(app, options_.revision);
      return exit_done;
    }
    const auto text = client_.get_record({app.namespace_, app.name}, options_.revision);
    if (!text) return base::Failure(text.error());
    if (options_.output == Output::json || options_.output == Output::yaml) return print(*text);
    const auto object =
        kube::decode_object(*text, kube::resources::controller_revisions(), {.prefix = std::string(todoapp::prefix)});
    if (!object) return base::Failure(object.error());
    const auto record = todoapp::read_revision(*object);
    const auto content = todoapp::decode_content(*text);
    if (!content) return base::Failure(content.error());
    if (!record) {
      return base::fail(base::ErrorCode::invalid, "read the record " + object->name,
                        "it is not one of this operator's");
    }
    terminal_.print(revision_text(app, *record, *content));
    return show_difference(app, *content);
  }

  /// To the revision that --diff names, or else to the one before.
  base::Result<int> show_difference(const AppView& app, const todoapp::Content& content) {
    auto other = options_.other_revision;
    for (const auto& revision : app.revisions) {
      if (other == 0 && revision.number < options_.revision) other = revision.number;
    }
    if (other == 0) return exit_done;
    if (app.find(other) == nullptr) {
      return base::fail(base::ErrorCode::not_found, "show the history of " + app.key(), no_such_revision(app, other));
    }
    const auto text = client_.get_record({app.namespace_, app.name}, other);
    if (!text) return base::Failure(text.error());
    const auto before = todoapp::decode_content(*text);
    if (!before) return base::Failure(before.error());
    terminal_.print(difference_text(other, *before, content, terminal_.style()));
    return exit_done;
  }

  base::Result<int> print(const std::string& json) {
    const auto text = structured(json, options_.output);
    if (!text) return base::Failure(text.error());
    terminal_.print(*text);
    return exit_done;
  }

  base::Result<int> print_list() {
    const auto text = as_list(list_text_, todoapp::app_resource().api_version(), todoapp::app_resource().kind);
    if (!text) return base::Failure(text.error());
    return print(*text);
  }

  void print_name(const std::string& name) { terminal_.print(fmt::format("{}/{}\n", resource_name, name)); }

  void print_record_name(const AppView& app, std::int64_t number) {
    terminal_.print(fmt::format("controllerrevision.apps/{}\n", todoapp::revision_name(app.name, number)));
  }

  const Options& options_;
  Client& client_;
  Terminal& terminal_;
  std::string list_text_;
};

}  // namespace

base::Result<int> run(const Options& options, Client& client, Terminal& terminal) {
  Run run(options, client, terminal);
  switch (options.command) {
    case Command::status:
      return run.status();
    case Command::history:
      return run.history();
    case Command::explain:
      return run.explain();
    case Command::diff:
      return run_diff(options, client, terminal);
    case Command::upgrade:
    case Command::rollback:
    case Command::retry:
    case Command::approve:
    case Command::restart:
    case Command::pause:
    case Command::resume:
      return run.ask();
  }
  return exit_usage;
}

}  // namespace kubectl
