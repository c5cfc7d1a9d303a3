#include "todoapp/choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/hash.hpp"
#include "todoapp/rollout.hpp"

namespace todoapp {
namespace {

struct Asked {
  std::string hash;
  const Revision* pinned{nullptr};  ///< of `spec.rollback.toRevision`
};

bool may_retry(const Observed& observed, const History& history, const std::string& hash) {
  const auto& token = observed.app.requests.retry;
  if (!token.empty() && !history.token_used(token)) return true;
  return history.failed_attempts(hash) <= observed.app.spec.upgrade.max_retries;
}

/// The pods are those of `revision`, as far as Deployments go. One that somebody deleted comes back by itself.
bool runs(const Observed& observed, const Revision& revision) {
  bool any = false;
  for (const auto tier : all_tiers) {
    const auto progress = progress_of(observed, tier, revision.template_of(tier));
    if (progress.deployment != nullptr && !progress.on_template) return false;
    any = any || progress.deployment != nullptr;
  }
  return any;
}

/// Where an automatic rollback goes to after `failed`, or nullptr where the app holds.
const Revision* way_back(const Observed& observed, const History& history, const Revision& failed) {
  if (observed.app.spec.upgrade.on_failure == OnFailure::hold || failed.rollback_of) return nullptr;
  const auto* good = history.last_good();
  // No pod was touched, say because a migration failed: there is nothing to roll back.
  return good == nullptr || runs(observed, *good) ? nullptr : good;
}

/// What somebody can do about a failure. While a rollback is asked for, changes of the spec wait, so they mend nothing.
std::string next_steps(const App& app) {
  const auto way_on = app.spec.rollback_to
                          ? fmt::format(
                                "follow the spec again: kubectl patch tad {} --namespace {} --type=merge -p "
                                R"('{{"spec":{{"rollback":null}}}}', or name another revision there,)",
                                app.name, app.namespace_)
                          : "change the spec,";
  // A value that was used already asks for nothing; the time is always another one.
  return fmt::format(
      "; {} or try again: kubectl annotate tad {} --namespace {} --overwrite apps.todoapp.dev/retry=$(date +%s)",
      way_on, app.name, app.namespace_);
}

/// Revisions that were overtaken on their way, between the one that serves again and the one that failed: what they
/// brought is gone as well.
std::string taken_back_too(const History& history, const Revision& failed, const Revision& now) {
  std::set<std::int64_t> numbers;
  for (const auto& revision : history.newest_first()) {
    const bool between = now.rollback_of && revision.number > *now.rollback_of && revision.number < failed.number;
    if (between && revision.outcome == Outcome::superseded) numbers.insert(revision.number);
  }
  return numbers.empty() ? "" : fmt::format("; what revision {} brought was taken back too", fmt::join(numbers, ", "));
}

Objection failed_objection(const App& app, const Revision& failed, const History& history) {
  const auto words = fmt::format("Revision {} ({}) failed: {}", failed.number, failed.cause, failed.reason);
  const auto next = next_steps(app);
  if (failed.rollback_of) return {Reason::rollback_failed, words + "; the rollback holds" + next, {}};
  if (history.last_good() == nullptr) return {Reason::install_failed, words + next, {}};
  return {Reason::rollout_failed, words + next, {}};
}

Origin origin(const Observed& observed, const History& history, std::string cause) {
  const auto& requests = observed.app.requests;
  return {.number = history.next_number(), .cause = std::move(cause), .rollback_of = {}, .retry = requests.retry};
}

Choice record_spec(const Observed& observed, const History& history, const Wanted& wanted) {
  const auto* latest = history.latest();
  auto cause = observed.app.requests.change_cause;
  if (cause.empty()) {
    const auto before = latest == nullptr ? Parts{} : read_parts(latest->parts);
    cause = cause_of(latest == nullptr ? nullptr : &before, wanted.parts);
  }
  return {.run = nullptr, .record = origin(observed, history, std::move(cause)), .source = nullptr, .objection = {}};
}

Choice record_rollback(const Observed& observed, const History& history, const Revision& to) {
  auto from = origin(observed, history, fmt::format("rollback to revision {}", to.number));
  from.rollback_of = to.number;
  return {.run = nullptr, .record = std::move(from), .source = &to, .objection = {}};
}

PendingPlan pending_plan(std::int64_t number, const Parts& from, const std::string& hash, const Parts& to) {
  PendingPlan plan{.hash = base::short_hash(base::sha256_hex(fmt::format("{} {}", number, hash))), .changes = {}};
  std::set<std::string> paths;
  for (const auto& [path, value] : from) paths.insert(path);
  for (const auto& [path, value] : to) paths.insert(path);
  const auto value_in = [](const Parts& parts, const std::string& path) {
    const auto at = parts.find(path);
    return at == parts.end() ? std::string{} : at->second;
  };
  for (const auto& path : paths) {
    const auto before = value_in(from, path), after = value_in(to, path);
    if (before == after) continue;
    // Secrets are shown by name only; of long values there is nothing but a digest to show.
    const bool by_name = path.find("ecrets") != std::string::npos || before.starts_with('#') || after.starts_with('#');
    plan.changes.push_back({path, by_name ? "" : before, by_name ? "" : after});
  }
  return plan;
}

/// The latest failed at what is still asked for: go back, or hold.
Choice after_failure(const Observed& observed, const History& history, const Revision& failed) {
  if (const auto* good = way_back(observed, history, failed)) {
    const auto obstacle = not_restorable(observed, history, *good);
    if (obstacle.empty()) return record_rollback(observed, history, *good);
    return {.run = &failed,
            .record = {},
            .source = nullptr,
            .objection = Objection{Reason::schema_barrier,
                                   fmt::format("Revision {} failed, and revision {} cannot be restored: {}",
                                               failed.number, good->number, obstacle),
                                   {}}};
  }
  const auto* good = history.last_good();
  // Where both have the same pods, it is the failed one that may come right.
  const bool untouched = good != nullptr && runs(observed, *good) && !runs(observed, failed);
  return {.run = untouched ? good : &failed,
          .record = {},
          .source = nullptr,
          .objection = failed_objection(observed.app, failed, history)};
}

/// The spec asks for a content that failed before, and something else runs now.
Choice in_quarantine(const Observed& observed, const History& history, const Revision& failed, const Revision& latest) {
  if (latest.outcome == Outcome::failed) return after_failure(observed, history, latest);
  Choice choice{.run = &latest, .record = {}, .source = nullptr, .objection = {}};
  if (latest.outcome != Outcome::none) {
    choice.objection = Objection{
        Reason::rolled_back,
        fmt::format("Revision {} ({}) failed: {}; revision {} serves{}{}", failed.number, failed.cause, failed.reason,
                    latest.number, taken_back_too(history, failed, latest), next_steps(observed.app)),
        {}};
  }
  return choice;
}

Choice keep_with(const Revision& latest, Objection objection) {
  return {.run = &latest, .record = {}, .source = nullptr, .objection = std::move(objection)};
}

/// Somebody asks for a content other than the latest record's.
Choice move_to(const Observed& observed, const History& history, const Wanted& wanted, const Asked& asked) {
  const auto& latest = *history.latest();
  const auto* failed = asked.pinned != nullptr ? nullptr : history.quarantined(asked.hash);
  if (failed != nullptr && !may_retry(observed, history, asked.hash)) {
    return in_quarantine(observed, history, *failed, latest);
  }
  if (asked.pinned != nullptr) {
    const auto obstacle = not_restorable(observed, history, *asked.pinned);
    if (obstacle.empty()) return record_rollback(observed, history, *asked.pinned);
    return keep_with(latest, {Reason::schema_barrier,
                              fmt::format("Revision {} cannot be restored: {}", asked.pinned->number, obstacle),
                              {}});
  }
  Revision candidate;
  if (const auto& migration = wanted.content.migration) candidate.schema_version = migration->schema_version;
  if (const auto obstacle = not_restorable(observed, history, candidate); !obstacle.empty()) {
    return keep_with(latest, {Reason::schema_barrier, fmt::format("The spec cannot be rolled out: {}", obstacle), {}});
  }
  if (observed.app.spec.upgrade.approval == Approval::manual) {
    const auto before = read_parts(latest.parts);
    auto plan = pending_plan(latest.number, before, asked.hash, wanted.parts);
    const auto& approved = observed.app.requests.approve;
    if (approved != plan.hash) {
      const auto message = fmt::format(
          "{}; {}approve it: kubectl annotate tad {} --namespace {} --overwrite "
          "apps.todoapp.dev/approve={}",
          cause_of(&before, wanted.parts), approved.empty() ? "" : "the approval that is there is for another plan; ",
          observed.app.name, observed.app.namespace_, plan.hash);
      return keep_with(latest, {Reason::awaiting_approval, message, std::move(plan)});
    }
  }
  return record_spec(observed, history, wanted);
}

}  // namespace

Choice choose(const Observed& observed, const History& history, const Wanted& wanted) {
  const auto* latest = history.latest();
  Asked asked{wanted.hash, nullptr};
  if (const auto& number = observed.app.spec.rollback_to) {
    asked.pinned = history.find(*number);
    if (asked.pinned == nullptr) {
      Objection objection{Reason::revision_not_found,
                          fmt::format("Revision {} is not in the history; spec.rollback.toRevision takes a number that "
                                      "status.revisions lists, or is left out",
                                      *number),
                          {}};
      return {.run = latest, .record = {}, .source = nullptr, .objection = std::move(objection)};
    }
    asked.hash = asked.pinned->content_hash;
  }
  if (latest == nullptr) return record_spec(observed, history, wanted);
  const bool same = latest->content_hash == asked.hash;
  if (same && (latest->outcome == Outcome::none || latest->outcome == Outcome::succeeded)) {
    return {.run = latest, .record = {}, .source = nullptr, .objection = {}};
  }
  if (same && latest->outcome == Outcome::failed) {
    if (!may_retry(observed, history, asked.hash)) return after_failure(observed, history, *latest);
    auto retry = origin(observed, history, fmt::format("retry of revision {}", latest->number));
    return {.run = nullptr, .record = std::move(retry), .source = latest, .objection = {}};
  }
  return move_to(observed, history, wanted, asked);
}

}  // namespace todoapp
