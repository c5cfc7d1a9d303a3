#include "todoapp/upkeep.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "todoapp/children.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

template <class Each>
void append(std::vector<Each>& all, std::vector<Each> more) {
  for (auto& each : more) all.push_back(std::move(each));
}

std::int64_t number_in(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The immutable ConfigMap that a tier's pods refer to. (A sealed Secret that is gone cannot be made from a record.)
std::vector<Action> keep_config(const Observed& observed, const Content& content, Tier tier) {
  const auto& part = content.tier(tier);
  if (part.config_name.empty()) return {};
  return bring_in_line(observed, config_intent(observed.app, tier, part));
}

void append_asked(std::vector<Intent>& intents, std::optional<Intent> intent) {
  if (intent) intents.push_back(*std::move(intent));
}

std::vector<Action> keep_live_settings(const Observed& observed) {
  std::vector<Intent> intents;
  for (const auto tier : all_tiers) append(intents, live_intents(observed.app, tier));
  append(intents, live_intents(observed.app));
  std::vector<Action> actions;
  for (const auto& intent : intents) append(actions, bring_in_line(observed, intent));
  append(actions, remove_unasked(observed, intents));
  return actions;
}

class Tiers {
 public:
  Tiers(const RolloutView& view, const Overlays& overlays, Contents& contents)
      : observed_(view.observed), view_(view), overlays_(overlays), contents_(contents) {}

  std::vector<Action> keep(const Step& step) {
    const bool gated = view_.target.outcome != Outcome::succeeded;
    const bool failed = view_.target.outcome == Outcome::failed;
    bool healed = false;
    // No pod is touched before the migration has come to a good end.
    bool reached = !std::holds_alternative<Migrating>(step) && !(gated && needs_migration(view_));
    for (const auto& stage : stages_of(observed_.app.spec.upgrade, view_.target.rollback_of.has_value())) {
      bool complete = true;
      for (const auto tier : stage) {
        const auto progress = progress_of(view_, tier);
        // What failed moves no pod, unless those that it has moved have come right.
        const bool may = reached && (!failed || healed || progress.deployment == nullptr);
        if (may || progress.on_template) {
          keep_tier(view_.content, tier, view_.target.number, reached && attempt_due(view_, tier));
        } else {
          keep_waiting(progress, tier);
        }
        complete = complete && progress.complete;
      }
      if (gated && !complete) reached = false;
      healed = complete;
    }
    return std::move(actions_);
  }

 private:
  void keep_tier(const Content& content, Tier tier, std::int64_t number, bool attempt) {
    append(actions_, keep_config(observed_, content, tier));
    const auto& part = content.tier(tier);
    const auto progress = progress_of(observed_, tier, part.template_hash);
    const auto at = overlays_.find(tier);
    auto overlay = at == overlays_.end() ? Overlay{} : at->second;
    overlay.restart = observed_.app.requests.restart;
    if (attempt) overlay.attempt = std::to_string(number);
    // A template that stays keeps what the Deployment carries of it, or the Deployment would be written.
    if (progress.on_template) {
      const auto& carried = progress.deployment->annotations;
      const auto* by = kube::find(carried, mark::revision);
      if (by != nullptr && !attempt) number = number_in(*by);
      const auto* before = kube::find(carried, mark::attempt);
      if (before != nullptr && !attempt) overlay.attempt = *before;
    }
    append(actions_, bring_in_line(observed_, deployment_intent(observed_.app, tier, part, number, overlay)));
  }

  /// A tier whose turn has not come. Its record is read only where somebody touched it, or live settings may have
  /// changed.
  void keep_waiting(const TierProgress& progress, Tier tier) {
    if (progress.deployment == nullptr) return;
    if (untouched(*progress.deployment) && observed_.app.generation == view_.target.generation) return;
    const auto* running = kube::find(progress.deployment->annotations, mark::template_);
    for (const auto& revision : view_.history.newest_first()) {
      if (running == nullptr || revision.template_of(tier) != *running) continue;
      if (const auto* content = contents_.of(revision)) keep_tier(*content, tier, revision.number, false);
      return;
    }
  }

  const Observed& observed_;
  const RolloutView& view_;
  const Overlays& overlays_;
  Contents& contents_;
  std::vector<Action> actions_;
};

}  // namespace

std::vector<Intent> live_intents(const App& app, Tier tier) {
  std::vector<Intent> intents;
  intents.push_back(service_intent(app, tier));
  append_asked(intents, autoscaler_intent(app, tier));
  append_asked(intents, disruption_budget_intent(app, tier));
  return intents;
}

std::vector<Intent> live_intents(const App& app) {
  std::vector<Intent> intents;
  append_asked(intents, network_policy_intent(app));
  append_asked(intents, ingress_intent(app));
  return intents;
}

const Content* Contents::of(const Revision& revision) {
  const auto& rendered = wanted_.content;
  const auto is_of = [&](const Content& content) {
    return revision.renderer == content.renderer_version &&
           revision.frontend_template == content.frontend.template_hash &&
           revision.backend_template == content.backend.template_hash;
  };
  if (revision.content_hash == wanted_.hash && is_of(rendered)) return &wanted_.content;
  used_.insert(revision.number);
  // One that was expected may have been overtaken by another of that number.
  const auto at = read_.find(revision.number);
  if (at != read_.end() && is_of(*at->second)) return at->second.get();
  missing_ = ReadRevision{revision.number, revision.name};
  return nullptr;
}

std::vector<Action> run_migration(const RolloutView& view) {
  const auto& app = view.observed.app;
  auto actions = keep_config(view.observed, view.content, Tier::backend);
  if (find_child(view.observed, Kind::job, migration_name(app.name, view.target.number)) != nullptr) return actions;
  // Two at once would meet in the database. The end of the other one is an event of its own.
  const auto& revisions = view.history.newest_first();
  if (std::any_of(revisions.begin(), revisions.end(), [](const Revision& other) { return other.migrating; })) {
    return actions;
  }
  actions.emplace_back(Apply{migration_intent(app, *view.content.migration, view.target.number), "", Why::create});
  return actions;
}

std::vector<Action> record_schemas(const History& history) {
  std::vector<Action> actions;
  for (const auto& revision : history.newest_first()) {
    if (revision.schema_recorded) continue;
    actions.emplace_back(RecordOutcome{revision.name,
                                       revision.uid,
                                       {{std::string(mark::schema), std::to_string(revision.schema_version)}},
                                       revision.version});
  }
  return actions;
}

std::vector<Action> keep_objects(const RolloutView& view, const Step& step, const Overlays& overlays,
                                 Contents& contents) {
  auto actions = keep_live_settings(view.observed);
  append(actions, Tiers(view, overlays, contents).keep(step));
  return actions;
}

std::vector<Action> tidy(const Observed& observed, const History& history, const std::string& wanted_hash,
                         std::set<std::string> in_use) {
  std::vector<Action> actions;
  std::set<const Revision*> going;
  for (const auto* revision : prunable(history, observed.app, wanted_hash)) {
    going.insert(revision);
    actions.emplace_back(Delete{Kind::controller_revision, revision->name, revision->uid});
  }
  for (const auto& revision : history.newest_first()) {
    if (going.contains(&revision)) continue;
    in_use.insert(revision.uses.begin(), revision.uses.end());
    in_use.insert(migration_name(observed.app.name, revision.number));
  }
  in_use.insert(keys_name(observed.app.name));
  for (const auto& child : observed.owned) {
    const bool of_revisions = child.kind == Kind::config_map || child.kind == Kind::secret || child.kind == Kind::job;
    if (!of_revisions || child.object->deleting || in_use.contains(child.object->name)) continue;
    actions.emplace_back(Delete{child.kind, child.object->name, child.object->uid});
  }
  return actions;
}

}  // namespace todoapp
