#include "kubectl/asks.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kubectl/history_text.hpp"
#include "kubectl/text.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

base::Failure refuse(std::string_view act, const AppView& app, std::string why) {
  return base::fail(base::ErrorCode::invalid, fmt::format("{} {}", act, app.key()), std::move(why));
}

constexpr std::string_view act_rollback = "roll back";

std::string annotation_patch(std::string_view name, const std::string& value) {
  return Json{{"metadata", {{"annotations", {{todoapp::marked(name), value}}}}}}.dump();
}

/// Digits: the operator writes tokens where a colon may not stand.
std::string token_of(base::WallTime now) { return std::to_string(now.time_since_epoch().count()); }

std::string history_command(const AppView& app) {
  return fmt::format("kubectl todoapp history {} -n {}", app.name, app.namespace_);
}

/// The revision whose content this one brought back, at the end of the chain.
std::int64_t source_of(const AppView& app, std::int64_t number) {
  const auto* revision = app.find(number);
  // A rollback has a higher number than what it goes back to, so this ends whatever a status says.
  while (revision != nullptr && revision->rollback_of > 0 && revision->rollback_of < number) {
    number = revision->rollback_of;
    revision = app.find(number);
  }
  return number;
}

bool same_content(const AppView& app, std::int64_t one, std::int64_t other) {
  const auto *first = app.find(one), *second = app.find(other);
  if (first == nullptr || second == nullptr || first->content.empty() || second->content.empty()) {
    return source_of(app, one) == source_of(app, other);
  }
  return first->content == second->content;
}

/// Whether all that this revision holds serves already, with no rollout under way.
bool serves_already(const AppView& app, std::int64_t number) {
  const auto* active = app.find(app.active);
  return active != nullptr && (app.target == 0 || app.target == app.active) &&
         active->outcome == todoapp::to_string(todoapp::Outcome::succeeded) && same_content(app, number, app.active);
}

std::string rollback_words(const AppView& app, const RevisionView& revision) {
  const auto number = revision.number;
  if (serves_already(app, number)) {
    const auto which =
        number == app.active ? "which serves" : fmt::format("whose content serves already (revision {})", app.active);
    return fmt::format("is pinned to revision {}, {}: nothing will be rolled out", number, which);
  }
  auto said = fmt::format("is asked to roll back to revision {}", number);
  if (revision.outcome == todoapp::to_string(todoapp::Outcome::failed)) {
    said += fmt::format(", which failed before ({})", plain(revision.reason));
  }
  return said;
}

base::Result<void> check_restorable(const AppView& app, const RevisionView& revision) {
  if (revision.restorable) return {};
  const auto why = revision.obstacle.empty() ? std::string("the status gives no reason") : plain(revision.obstacle);
  return refuse(act_rollback, app,
                fmt::format("revision {} cannot be restored: {}; {} shows which can", revision.number, why,
                            history_command(app)));
}

}  // namespace

base::Result<std::int64_t> previous_good(const AppView& app) {
  const auto current = app.target > 0 ? app.target : app.active;
  if (current == 0) return refuse(act_rollback, app, "it has no revision yet, so there is nothing to go back to");
  for (const auto& revision : app.revisions) {
    const bool other = revision.number < current && !same_content(app, revision.number, current);
    if (!other || revision.outcome != todoapp::to_string(todoapp::Outcome::succeeded)) continue;
    if (auto result = check_restorable(app, revision); !result) return base::Failure(result.error());
    return revision.number;
  }
  return refuse(act_rollback, app,
                fmt::format("no revision before {} succeeded with another content; name one with --to-revision, {} "
                            "lists them",
                            current, history_command(app)));
}

base::Result<Ask> ask_rollback(const AppView& app, std::int64_t number) {
  if (number == 0) {
    // Going back once more could as well be forward again: that is for the user to say.
    if (app.pinned > 0) {
      return refuse(act_rollback, app,
                    fmt::format("it is pinned to revision {} already; name another with --to-revision, or follow the "
                                "spec again with --undo",
                                app.pinned));
    }
    const auto previous = previous_good(app);
    if (!previous) return base::Failure(previous.error());
    number = *previous;
  }
  const auto* revision = app.find(number);
  if (revision == nullptr) return refuse(act_rollback, app, no_such_revision(app, number));
  if (auto result = check_restorable(app, *revision); !result) return base::Failure(result.error());
  auto said = rollback_words(app, *revision);
  if (app.suspended) said += "; it is paused, so nothing happens before it is resumed";
  return Ask{Json{{"spec", {{"rollback", {{"toRevision", number}}}}}}.dump(), std::move(said), 0};
}

base::Result<Ask> ask_undo(const AppView& app) {
  if (app.pinned == 0)
    return refuse("undo the rollback of", app, "it is not pinned to a revision: it follows its spec");
  return Ask{R"({"spec":{"rollback":null}})", "is asked to follow its spec again", 0};
}

bool wants_retry(const AppView& app) {
  const auto reason = reason_of(app);
  using todoapp::Reason;
  return reason == Reason::install_failed || reason == Reason::rolled_back || reason == Reason::rollout_failed ||
         reason == Reason::rollback_failed ||
         // It failed, and there is no way back.
         (reason == Reason::schema_barrier && app.pinned == 0 && app.failure && app.failure->revision == app.newest());
}

base::Result<Ask> ask_retry(const AppView& app, base::WallTime now) {
  if (!wants_retry(app)) {
    return refuse(
        "retry", app,
        fmt::format("no failed rollout waits for another try (it is {}); kubectl todoapp status {} -n {} "
                    "shows what it waits for",
                    app.ready.reason.empty() ? "not known yet" : plain(app.ready.reason), app.name, app.namespace_));
  }
  return Ask{annotation_patch(todoapp::mark::retry, token_of(now)), "is asked to try what failed once more",
             app.newest()};
}

base::Result<Ask> ask_approve(const AppView& app) {
  if (!app.plan) {
    return refuse("approve", app,
                  fmt::format("no plan waits for approval (it is {})",
                              app.ready.reason.empty() ? "not known yet" : plain(app.ready.reason)));
  }
  std::string paths;
  for (const auto& change : app.plan->changes) paths += (paths.empty() ? "" : ", ") + plain(change.path);
  return Ask{annotation_patch("approve", app.plan->hash),
             fmt::format("has the approval for plan {}: {}", plain(app.plan->hash), paths), 0};
}

base::Result<Ask> ask_restart(const AppView& app, base::WallTime now) {
  if (app.suspended) {
    return refuse("restart", app,
                  fmt::format("it is paused, so nothing would happen; kubectl todoapp resume {} -n {} first", app.name,
                              app.namespace_));
  }
  return Ask{annotation_patch(todoapp::mark::restart, token_of(now)), "is asked to restart its pods", 0};
}

base::Result<Ask> ask_pause(const AppView& app, bool pause) {
  const auto patch = Json{{"spec", {{"suspend", pause}}}}.dump();
  if (app.suspended == pause) return Ask{"", pause ? "was paused already" : "was not paused", 0};
  return Ask{patch, pause ? "is paused: nothing is written until it is resumed" : "goes on", 0};
}

}  // namespace kubectl
