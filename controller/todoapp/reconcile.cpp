#include "todoapp/reconcile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kube/model/subset.hpp"
#include "todoapp/choice.hpp"
#include "todoapp/ending.hpp"
#include "todoapp/evidence.hpp"
#include "todoapp/names.hpp"
#include "todoapp/restoring.hpp"
#include "todoapp/rollout.hpp"
#include "todoapp/sealing.hpp"
#include "todoapp/status.hpp"
#include "todoapp/stopping.hpp"
#include "todoapp/upkeep.hpp"
#include "todoapp/watchfulness.hpp"

namespace todoapp {
namespace {

constexpr std::size_t most_evidence_bytes = 1024;
constexpr std::chrono::seconds status_interval{1};
constexpr std::chrono::seconds longest_lag{10};

class Pass {
 public:
  explicit Pass(const Observed& observed) : observed_(observed), app_(observed.app), history_(observed) {
    plan_.memory = observed.memory;
    plan_.memory.highest_revision = history_.next_number() - 1;
    verdict_.target = history_.empty() ? 0 : history_.latest()->number;
    const auto* good = history_.last_good();
    verdict_.active = good == nullptr ? 0 : good->number;
  }

  Plan run() {
    if (app_.deleting) return Plan{};
    if (!stopped()) decide();
    return finish();
  }

 private:
  void object_to(Reason reason, std::string message) {
    verdict_.reason = reason;
    verdict_.message = std::move(message);
  }

  void look_again(base::WallTime at) { next_look_ = next_look_ ? std::min(*next_look_, at) : at; }

  template <class Some>
  void add(const Some& actions) {
    for (const auto& action : actions) {
      if (const auto* requeue = std::get_if<RequeueAt>(&action)) {
        look_again(requeue->at);
      } else {
        plan_.actions.push_back(action);
      }
    }
  }

  /// Reads come alone: whatever else this pass found is decided again when they are answered.
  void read_first(std::vector<Action> reads) {
    plan_.actions = std::move(reads);
    reading_ = true;
  }

  bool stopped() {
    const auto stop = stop_of(observed_, plan_.memory.refusal);
    if (!stop) return false;
    object_to(stop->reason, stop->message);
    if (stop->until) look_again(*stop->until);
    return true;
  }

  // --- What is to run.

  /// The watches of records and of Deployments are two: a view whose records lag behind must not be acted on. A record
  /// that somebody deleted does not come back, hence the limit.
  bool waits_for_records() {
    auto& since = plan_.memory.behind;
    if (!history_.behind()) {
      since.reset();
      return false;
    }
    if (!since) since = observed_.now;
    if (observed_.now >= *since + longest_lag) return false;
    silent_ = true;
    look_again(observed_.now + status_interval);
    return true;
  }

  void decide() {
    if (waits_for_records() || concluded_before()) return;
    const auto sealing = seal_secrets(observed_);
    if (!sealing.reads.empty()) return read_first(sealing.reads);
    if (!sealing.problem.empty()) {
      return object_to(Reason::secret_not_found, sealing.problem + (history_.empty() ? "" : "; what runs goes on"));
    }
    plan_.memory.live = sealing.live;
    overlays_ = sealing.overlays;
    wanted_ = want(app_, sealing.names);
    names_in_use_ = {sealing.names.frontend, sealing.names.backend};
    if (const auto schemas = record_schemas(history_); !schemas.empty()) {
      add(schemas);
      silent_ = true;  // the next pass sees the records as they are then
      return look_again(observed_.now);
    }
    close_superseded();
    const auto choice = choose(observed_, history_, wanted_);
    add(sealing.writes);
    tell_of_drift(sealing.writes);
    if (choice.record) {
      record(choice);
    } else if (choice.run != nullptr) {
      run_revision(*choice.run);
    }
    if (choice.objection && !reading_) object(*choice.objection);
  }

  void object(const Objection& objection) {
    object_to(objection.reason, objection.message);
    verdict_.plan = objection.plan;
    // While an approval is waited for, a rollout that is under way goes on.
    const bool waits = objection.reason == Reason::awaiting_approval;
    if (waits && verdict_.reconciling) return;
    verdict_.step = waits ? "AwaitingApproval" : "";
    verdict_.reconciling = false;
  }

  /// Older records without an outcome were overtaken, perhaps by a process that did not live to say so.
  void close_superseded() {
    for (const auto& revision : history_.newest_first()) {
      if (&revision == history_.latest() || revision.outcome != Outcome::none) continue;
      plan_.actions.emplace_back(
          RecordOutcome{revision.name,
                        revision.uid,
                        {{std::string(mark::outcome), std::string(to_string(Outcome::superseded))}},
                        revision.version});
    }
  }

  void record(const Choice& choice) {
    Wanted recorded = wanted_;
    if (choice.source != nullptr) {
      const auto* content = contents_.of(*choice.source);
      if (content == nullptr) return read_record();
      recorded = {*content, choice.source->content_hash, read_parts(choice.source->parts)};
      if (choice.record->rollback_of && app_.spec.rollback_to) {
        auto restored = restore(observed_, *history_.latest(), *content);
        if (!restored.reads.empty()) return read_first(std::move(restored.reads));
        add(restored.writes);
        recorded.content = std::move(restored.content);
      }
    } else if (const auto* latest = history_.latest(); latest != nullptr && renders_anew(wanted_, *latest)) {
      const auto* content = contents_.of(*latest);
      if (content == nullptr) return read_record();
      recorded = keeping_tiers(wanted_, *latest, *content);
    }
    if (recorded.content != wanted_.content) {
      contents_.expect(choice.record->number);
      plan_.memory.contents[choice.record->number] = std::make_shared<const Content>(recorded.content);
    }
    const auto& origin = *choice.record;
    plan_.actions.emplace_back(CreateRevision{origin.number, revision_name(app_.name, origin.number),
                                              revision_body(app_, recorded, origin),
                                              !origin.rollback_of     ? ""
                                              : app_.spec.rollback_to ? "user"
                                                                      : "automatic"});
    const bool rollback = origin.rollback_of.has_value();
    event(false, rollback ? "RollbackStarted" : "RolloutStarted", rollback ? "Rollback" : "Rollout",
          fmt::format("Revision {}: {}", origin.number, origin.cause));
    verdict_.target = origin.number;
    silent_ = true;  // the next pass sees the record, and has something to show
    look_again(observed_.now);
  }

  // --- Running a revision: its step, its objects.

  void run_revision(const Revision& revision) {
    const auto* content = contents_.of(revision);
    if (content == nullptr) return read_record();
    const RolloutView view{observed_, history_, revision, *content};
    auto step = step_of(view);
    if (revision.outcome == Outcome::none) {
      auto watchful = watch_pods(view, std::move(step));
      if (take(watchful)) return read_first({ListPods{}});
      step = std::move(watchful.step);
    } else {
      plan_.memory.pods.reset();
      plan_.memory.waited.reset();
      plan_.memory.waiting = plan_.memory.environment = false;
    }
    if (std::holds_alternative<Migrating>(step)) plan_.memory.pods.reset();  // those of its Job tell why it failed
    remember_soak(revision, step);
    if (revision.outcome != Outcome::succeeded && ended(revision, step)) return;
    const bool migrates = std::holds_alternative<Migrating>(step) && revision.outcome == Outcome::none;
    auto actions = migrates ? run_migration(view) : std::vector<Action>{};
    for (auto& action : keep_objects(view, step, overlays_, contents_)) actions.push_back(std::move(action));
    if (contents_.missing()) return read_record();
    add(actions);
    tell_of_drift(actions);
    judge(view, step);
    if (revision.outcome == Outcome::succeeded) add(tidy(observed_, history_, wanted_.hash, names_in_use_));
  }

  /// False: values have to be read before they can be masked.
  bool mask_values(std::string& message) {
    if (message.empty()) return true;
    auto known = known_values(observed_);
    if (!known.reads.empty()) {
      read_first(std::move(known.reads));
      return false;
    }
    message = masked(std::move(message), known.values, most_evidence_bytes);
    return true;
  }

  void read_record() { read_first({*contents_.missing()}); }

  void tell_of_drift(const std::vector<Action>& actions) {
    for (const auto& action : actions) {
      const auto* apply = std::get_if<Apply>(&action);
      const auto* ports = std::get_if<ReplacePorts>(&action);
      if ((apply == nullptr || apply->why != Why::drift) && (ports == nullptr || ports->why != Why::drift)) continue;
      const auto& intent = apply != nullptr ? apply->intent : ports->intent;
      event(false, "DriftRepaired", "Repair",
            fmt::format("{} {} was changed by somebody else", to_string(intent.kind), intent.name));
    }
  }

  /// Remembers how the rollout moves; true where the pods have to be listed first.
  bool take(Watchfulness& watchful) {
    auto& memory = plan_.memory;
    memory.progress = std::move(watchful.progress);
    memory.progress_since = watchful.progress_since;
    memory.pod_looks = watchful.pod_looks;
    memory.waited = watchful.waited;
    memory.waiting = watchful.waiting;
    memory.environment = watchful.environment;
    if (watchful.look_again) look_again(*watchful.look_again);
    waits_for_ = std::move(watchful.waits_for);
    environment_ = watchful.environment && waits_for_;
    return watchful.look;
  }

  void remember_soak(const Revision& revision, const Step& step) {
    const auto* soaking = std::get_if<Soaking>(&step);
    plan_.memory.soak_revision = soaking == nullptr ? 0 : revision.number;
    plan_.memory.soak_since = soaking == nullptr ? std::nullopt : std::optional{soaking->since};
    if (soaking != nullptr) look_again(soaking->until);
  }

  /// Records the outcome where the rollout has come to one; the next pass goes on from there.
  bool ended(const Revision& revision, const Step& step) {
    if (std::holds_alternative<Finished>(step)) return conclude(revision, success_of(revision)), true;
    const auto* broken = std::get_if<Broken>(&step);
    if (broken == nullptr || revision.outcome != Outcome::none) return false;
    auto cause = broken->cause;
    if (cause.reason == migration_failed) {
      if (!observed_.memory.pods) return read_first({ListPods{}}), true;
      cause = told_by_pods(std::move(cause), observed_.memory.pods->pods);
    }
    if (mask_values(cause.message)) conclude(revision, failure_of(revision, cause, observed_.now));
    return true;
  }

  void conclude(const Revision& revision, Ending ending) {
    add(record_ending(revision, ending));
    plan_.memory.ending = std::move(ending);
    silent_ = true;
    look_again(observed_.now);
  }

  bool concluded_before() {
    auto& ending = plan_.memory.ending;
    if (!ending) return false;
    if (const auto* revision = still_unseen(*ending, history_)) return conclude(*revision, *ending), true;
    ending.reset();
    return false;
  }

  // --- What it came to.

  void judge(const RolloutView& view, const Step& step) {
    verdict_.step = words_of(step, view);
    if (view.target.outcome == Outcome::none) {
      object_to(Reason::progressing,
                fmt::format("Revision {}: {}{}", view.target.number, view.target.cause, paused_words(observed_)));
      verdict_.reconciling = true;
      // Of other pods' failures the words are log lines.
      if (environment_ && !mask_values(waits_for_->message)) return;
      if (waits_for_) {
        const auto words = masked(waits_for_->message, {}, most_evidence_bytes);
        verdict_.message += fmt::format("; waits for {}: {}", waits_for_->reason, words);
        if (environment_) verdict_.reason = Reason::environment_failing;
        if (waits_for_->reason == "QuotaExceeded") verdict_.reason = Reason::quota_exceeded;
      }
      look_again(view.target.created + app_.spec.upgrade.timeout);
      return;
    }
    verdict_.step.clear();
    if (view.target.outcome != Outcome::succeeded) return;
    verdict_.active = view.target.number;
    const auto* pinned = app_.spec.rollback_to ? history_.find(*app_.spec.rollback_to) : nullptr;
    const bool on_request = pinned != nullptr && view.target.content_hash == pinned->content_hash;
    bool all = true, short_of = false, any = true, starting = true;
    for (const auto tier : all_tiers) {
      const auto serving = serving_of(observed_, tier);
      // A Deployment may not show the number yet that has just been asked for.
      const auto& asked = app_.spec.tier(tier);
      all = all && serving.all && (asked.autoscaling || serving.wanted == asked.replicas);
      any = any && serving.any;
      short_of = short_of || serving.short_of;
      starting = starting && (serving.any || serving.starting);
    }
    if (!any && starting) {
      verdict_.reconciling = true;
      return object_to(Reason::progressing, fmt::format("Revision {} is being scaled up", view.target.number));
    }
    if (!any || short_of) {
      return object_to(Reason::degraded,
                       fmt::format("Revision {} is installed, and not all of its pods serve", view.target.number));
    }
    if (const auto stuck = stuck_tiers(view); !stuck.empty()) {
      return object_to(Reason::degraded,
                       fmt::format("Revision {} serves, but new pods of {} do not come up", view.target.number, stuck));
    }
    verdict_.reconciling = !all;
    object_to(on_request ? Reason::rolled_back_on_request : Reason::succeeded,
              fmt::format("Revision {} serves", view.target.number));
  }

  void event(bool warning, std::string reason, std::string action, std::string note) {
    plan_.actions.emplace_back(EmitEvent{warning, std::move(reason), std::move(action), std::move(note)});
  }

  Plan finish() {
    if (!reading_) {
      plan_.reason = to_string(verdict_.reason);
      plan_.ready = is_ready(verdict_.reason);
      forget();
      if (!silent_) show();
    }
    if (next_look_ && !reading_) plan_.actions.emplace_back(RequeueAt{*next_look_});
    return std::move(plan_);
  }

  /// Values and contents are let go as soon as nothing is under way that could need them.
  void forget() {
    std::erase_if(plan_.memory.contents, [&](const auto& entry) { return !contents_.used().contains(entry.first); });
    const bool writes = std::any_of(plan_.actions.begin(), plan_.actions.end(), [](const Action& action) {
      return std::holds_alternative<Apply>(action) || std::holds_alternative<ReplacePorts>(action) ||
             std::holds_alternative<CreateRevision>(action);
    });
    if (writes || verdict_.reconciling) return;
    plan_.memory.secrets.clear();
    if (!plan_.memory.refusal || plan_.memory.refusal->retry_at <= observed_.now) plan_.memory.refusal.reset();
  }

  void show() {
    const auto status = show_status(observed_, history_, verdict_);
    if (kube::same_json(status, observed_.status)) return;  // perhaps in other words
    auto& written = plan_.memory.status_written;
    if (written && observed_.now < *written + status_interval) return look_again(*written + status_interval);
    const auto reason = std::string(to_string(verdict_.reason));
    const bool trouble = is_news(verdict_.reason);
    plan_.actions.emplace_back(WriteStatus{status});
    if (trouble && shown_reason(observed_.status) != reason) event(true, reason, "Reconcile", verdict_.message);
    written = observed_.now;
  }

  const Observed& observed_;
  const App& app_;
  History history_;
  Wanted wanted_;
  Contents contents_{wanted_, observed_.memory.contents};
  Overlays overlays_;
  std::set<std::string> names_in_use_;
  Verdict verdict_;
  Plan plan_;
  std::optional<base::WallTime> next_look_;
  std::optional<Cause> waits_for_;
  bool environment_{false};
  bool reading_{false};
  bool silent_{false};
};

}  // namespace

Plan reconcile(const Observed& observed) { return Pass(observed).run(); }

}  // namespace todoapp
