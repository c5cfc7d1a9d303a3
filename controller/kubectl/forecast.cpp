#include "kubectl/forecast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "kube/model/decode.hpp"
#include "kubectl/app_view.hpp"
#include "todoapp/app_object.hpp"
#include "todoapp/choice.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/history.hpp"
#include "todoapp/names.hpp"
#include "todoapp/restoring.hpp"
#include "todoapp/revision.hpp"
#include "todoapp/upkeep.hpp"
#include "todoapp/validation.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;
using todoapp::App;
using todoapp::Content;
using todoapp::Intent;
using todoapp::Tier;

/// `problem` is set where its spec is none.
base::Result<App> read_app(const todoapp::JsonText& json, std::string& problem) {
  auto pruning = todoapp::app_metadata_pruning();
  pruning.keep_body = pruning.body_is_spec = true;
  const auto object = kube::decode_object(json, todoapp::app_resource(), pruning);
  if (!object) return base::Failure(object.error());
  return todoapp::app_of(*object, problem);
}

std::vector<todoapp::SecretVariable> sealed_of(const App& app, Tier tier) {
  std::vector<todoapp::SecretVariable> variables;
  for (const auto& variable : app.spec.secrets) {
    if (variable.sealed() && variable.used_by(tier)) variables.push_back(variable);
  }
  return variables;
}

/// Marks are the operator's own business; but a restart is asked for by a user.
void drop_marks(Json& metadata, bool keep_restart) {
  metadata.erase("ownerReferences");
  for (const char* part : {"annotations", "labels"}) {
    const auto at = metadata.find(part);
    if (at == metadata.end()) continue;
    for (auto entry = at->begin(); entry != at->end();) {
      const bool restart = keep_restart && entry.key() == todoapp::marked(todoapp::mark::restart);
      entry = entry.key().starts_with(todoapp::prefix) && !restart ? at->erase(entry) : std::next(entry);
    }
    if (at->empty()) metadata.erase(at);
  }
}

todoapp::JsonText unmarked(const Intent& intent) {
  auto body = Json::parse(intent.body);
  drop_marks(body["metadata"], false);
  if (intent.kind == todoapp::Kind::deployment) drop_marks(body["spec"]["template"]["metadata"], true);
  // What is in a sealed Secret is nobody's to see; none is made here, and none would be shown.
  if (intent.kind == todoapp::Kind::secret) body.erase("data");
  return body.dump();
}

std::vector<Intent> intents_of(const App& app, const Content& content) {
  std::vector<Intent> intents;
  const auto add = [&](std::vector<Intent> more) { std::move(more.begin(), more.end(), std::back_inserter(intents)); };
  for (const auto tier : todoapp::all_tiers) {
    const auto& part = content.tier(tier);
    if (!part.config_name.empty()) intents.push_back(todoapp::config_intent(app, tier, part));
    intents.push_back(todoapp::deployment_intent(app, tier, part, 0, {.restart = app.requests.restart}));
    add(todoapp::live_intents(app, tier));
  }
  add(todoapp::live_intents(app));
  return intents;
}

class Teller {
 public:
  Teller(const Situation& situation, const ReadContent& read_content)
      : situation_(situation), read_content_(read_content) {}

  base::Result<Forecast> run() {
    if (auto read = read_apps(); !read) return base::Failure(read.error());
    if (!spec_is_valid()) return std::move(result_);
    for (const auto& each : situation_.records) observed_.owned.push_back({todoapp::Kind::controller_revision, &each});
    for (const auto& each : situation_.deployments) observed_.owned.push_back({todoapp::Kind::deployment, &each});
    assume_secrets();
    const todoapp::History history(observed_);
    const auto wanted = todoapp::want(observed_.app, sealed_names(history));
    const auto choice = todoapp::choose(observed_, history, wanted);
    tell(choice);
    auto content = content_of(choice, history, wanted);
    if (!content) return base::Failure(content.error());
    if (*content) plan(history, **content, choice);
    return failure_ ? base::Result<Forecast>(base::Failure(*failure_)) : std::move(result_);
  }

 private:
  base::Result<void> read_apps() {
    auto after = read_app(situation_.after, observed_.spec_error);
    if (!after) return base::Failure(after.error());
    observed_.app = *std::move(after);
    if (situation_.live.empty()) return {};
    std::string problem;
    auto live = read_app(situation_.live, problem);
    if (!live) return base::Failure(live.error());
    result_.owner = live->uid;
    if (problem.empty()) live_ = *std::move(live);
    return {};
  }

  void note(std::string words) { result_.notes.push_back(std::move(words)); }

  bool spec_is_valid() {
    const auto& app = observed_.app;
    auto problems = todoapp::problems_of(app);
    if (!observed_.spec_error.empty()) problems = {observed_.spec_error};
    for (const auto& problem : problems) note("nothing would be written (InvalidSpec): " + problem);
    if (app.spec.suspend) note("it is paused (spec.suspend): none of this is written before it is resumed");
    for (const auto& variable : app.spec.secrets) {
      auto& sources = result_.sources;
      if (variable.generated() || std::find(sources.begin(), sources.end(), variable.source_name) != sources.end()) {
        continue;
      }
      sources.push_back(variable.source_name);
    }
    return problems.empty();
  }

  /// Secrets are not looked at: those that a record names are there, unless the status says that one is gone.
  void assume_secrets() {
    std::string gone;
    if (const auto view = situation_.live.empty() ? read_view("{}") : read_view(situation_.live)) {
      for (const auto& revision : view->revisions) gone += revision.obstacle + ";";
    }
    for (const auto& record : situation_.records) {
      const auto revision = todoapp::read_revision(record);
      if (!revision) continue;
      for (const auto& name : revision->uses) {
        if (gone.find(name) == std::string::npos) secrets_.emplace_back().name = name;
      }
    }
    for (const auto& secret : secrets_) observed_.owned.push_back({todoapp::Kind::secret, &secret});
  }

  /// The names that pods have now, where the spec asks for the same values.
  todoapp::SealedSecrets sealed_names(const todoapp::History& history) {
    todoapp::SealedSecrets names;
    const auto& app = observed_.app;
    for (const auto tier : todoapp::all_tiers) {
      const auto variables = sealed_of(app, tier);
      if (variables.empty()) continue;
      auto& name = tier == Tier::frontend ? names.frontend : names.backend;
      const bool same = live_ && sealed_of(*live_, tier) == variables && live_->requests.rotate == app.requests.rotate;
      if (same && history.latest() != nullptr) {
        const auto start = todoapp::sealed_secret_name(app.name, tier, "");
        for (const auto& used : history.latest()->uses) {
          if (used.starts_with(start)) name = used;
        }
      }
      if (!name.empty()) continue;
      name = unknown_secret_name(app.name, tier);
      SealedAnew anew{.tier = tier, .variables = {}};
      for (const auto& variable : variables) anew.variables.push_back(variable.name);
      result_.sealed.push_back(std::move(anew));
    }
    return names;
  }

  void tell(const todoapp::Choice& choice) {
    if (choice.record) {
      note(fmt::format("revision {} would be recorded: {}", choice.record->number, choice.record->cause));
    }
    if (!choice.objection) return;
    note(fmt::format("{}: {}", todoapp::to_string(choice.objection->reason), choice.objection->message));
  }

  base::Result<Content> read(std::int64_t number) {
    const auto at = read_.find(number);
    if (at != read_.end()) return at->second;
    auto content = read_content_(number);
    if (content) read_[number] = *content;
    return content;
  }

  /// What the pods would be made of in the end; none where there is nothing that could run.
  base::Result<std::optional<Content>> content_of(const todoapp::Choice& choice, const todoapp::History& history,
                                                  const todoapp::Wanted& wanted) {
    const bool waits = choice.objection && choice.objection->reason == todoapp::Reason::awaiting_approval;
    const auto* source = choice.record ? choice.source : waits ? nullptr : choice.run;
    if (source != nullptr) {
      auto content = read(source->number);
      if (!content) return base::Failure(content.error());
      return *std::move(content);
    }
    if (!choice.record && !waits) return std::nullopt;
    const auto* latest = history.latest();
    if (latest == nullptr || !todoapp::renders_anew(wanted, *latest)) return wanted.content;
    const auto recorded = read(latest->number);
    if (!recorded) return base::Failure(recorded.error());
    return todoapp::keeping_tiers(wanted, *latest, *recorded).content;
  }

  void plan(const todoapp::History& history, const Content& content, const todoapp::Choice& choice) {
    std::map<std::pair<todoapp::Kind, std::string>, todoapp::JsonText> before;
    if (live_ && history.latest() != nullptr) {
      const auto recorded = read(history.latest()->number);
      if (!recorded) {
        failure_ = recorded.error();
        return;
      }
      for (const auto& intent : intents_of(*live_, *recorded)) before[{intent.kind, intent.name}] = unmarked(intent);
    }
    if (const auto& migration = content.migration; migration && choice.record && !choice.record->rollback_of &&
                                                   migration->schema_version > history.schema_touched()) {
      const auto number = choice.record->number;
      const auto job = todoapp::migration_intent(observed_.app, *migration, number);
      result_.objects.push_back({job.kind, job.name, {}, unmarked(job)});
    }
    for (const auto& intent : intents_of(observed_.app, content)) {
      auto known = before.extract({intent.kind, intent.name});
      result_.objects.push_back(
          {intent.kind, intent.name, known.empty() ? todoapp::JsonText() : known.mapped(), unmarked(intent)});
    }
    for (auto& [key, body] : before) {
      // What revisions in the history refer to stays.
      if (key.first != todoapp::Kind::config_map) result_.objects.push_back({key.first, key.second, body, {}});
    }
  }

  const Situation& situation_;
  const ReadContent& read_content_;
  todoapp::Observed observed_;
  std::vector<kube::Object> secrets_;
  std::optional<App> live_;
  std::map<std::int64_t, Content> read_;
  std::optional<base::Error> failure_;
  Forecast result_;
};

}  // namespace

kube::Pruning record_pruning() { return {.prefix = std::string(todoapp::prefix)}; }

base::Result<Forecast> forecast(const Situation& situation, const ReadContent& read_content) {
  return Teller(situation, read_content).run();
}

std::string unknown_secret_name(std::string_view app, Tier tier) {
  return todoapp::sealed_secret_name(app, tier, "") + "(new)";
}

}  // namespace kubectl
