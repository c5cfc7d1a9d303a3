#include "todoapp/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using Json = nlohmann::json;

const kube::DeploymentState* deployment_state(const Observed& observed, Tier tier) {
  const auto* deployment = find_child(observed, Kind::deployment, tier_name(observed.app.name, tier));
  return deployment == nullptr ? nullptr : std::get_if<kube::DeploymentState>(&deployment->state);
}

Json previous_of(const JsonText& status) {
  auto json = Json::parse(status, nullptr, false);
  return json.is_object() ? json : Json::object();
}

/// The image that a tier's Deployment asks for: the newest record with that template knows it.
std::string image_of(const Observed& observed, const History& history, Tier tier) {
  const auto* deployment = find_child(observed, Kind::deployment, tier_name(observed.app.name, tier));
  const auto* running = deployment == nullptr ? nullptr : kube::find(deployment->annotations, mark::template_);
  if (running == nullptr) return {};
  for (const auto& revision : history.newest_first()) {
    if (revision.template_of(tier) != *running) continue;
    const auto at = revision.parts.find(fmt::format("{}.image", to_string(tier)));
    if (at != revision.parts.end()) return at->second;
  }
  return {};
}

Json tier_status(const Observed& observed, const History& history, Tier tier) {
  Json json = Json::object();
  if (auto image = image_of(observed, history, tier); !image.empty()) json["image"] = std::move(image);
  const auto* state = deployment_state(observed, tier);
  if (state == nullptr) return json;
  json["replicas"] = state->wanted;
  json["updatedReplicas"] = state->updated;
  json["readyReplicas"] = state->ready;
  json["availableReplicas"] = state->available;
  json["ready"] = fmt::format("{}/{}", state->ready, state->wanted);
  return json;
}

class Conditions {
 public:
  Conditions(const Observed& observed, const Json& previous) : observed_(observed) {
    if (const auto at = previous.find("conditions"); at != previous.end() && at->is_array()) before_ = *at;
  }

  void add(const char* type, bool holds, std::string_view reason, const std::string& message) {
    const std::string status = holds ? "True" : "False";
    auto since = base::format_time(observed_.now);
    for (const auto& old : before_) {
      if (old.value("type", "") == type && old.value("status", "") == status) {
        since = old.value("lastTransitionTime", since);
      }
    }
    conditions_.push_back({{"type", type},
                           {"status", status},
                           {"reason", reason},
                           {"message", message},
                           {"observedGeneration", observed_.app.generation},
                           {"lastTransitionTime", since}});
  }

  [[nodiscard]] Json take() { return std::move(conditions_); }

 private:
  const Observed& observed_;
  Json before_ = Json::array();
  Json conditions_ = Json::array();
};

Json revision_json(const Observed& observed, const History& history, const Revision& revision) {
  Json json{{"number", revision.number}, {"createdAt", base::format_time(revision.created)}, {"cause", revision.cause}};
  if (revision.outcome != Outcome::none) json["outcome"] = to_string(revision.outcome);
  if (!revision.reason.empty()) json["reason"] = revision.reason;
  if (revision.rollback_of) json["rollbackOf"] = *revision.rollback_of;
  const auto obstacle = not_restorable(observed, history, revision);
  json["restorable"] = obstacle.empty();
  if (!obstacle.empty()) json["notRestorableReason"] = obstacle;
  return json;
}

Json failure_json(const History& history) {
  for (const auto& revision : history.newest_first()) {
    if (revision.outcome != Outcome::failed) continue;
    auto json = Json::parse(revision.failure, nullptr, false);
    if (!json.is_object()) json = Json{{"reason", revision.reason}};
    json["revision"] = revision.number;
    return json;
  }
  return {};
}

Json plan_json(const PendingPlan& plan) {
  Json changes = Json::array();
  for (const auto& change : plan.changes) {
    Json one{{"path", change.path}};
    if (!change.from.empty()) one["from"] = change.from;
    if (!change.to.empty()) one["to"] = change.to;
    changes.push_back(std::move(one));
  }
  return {{"hash", plan.hash}, {"changes", changes}};
}

Json conditions_json(const Observed& observed, const Verdict& verdict, const Json& previous) {
  Conditions conditions(observed, previous);
  const auto reason = to_string(verdict.reason);
  const bool ready = is_ready(verdict.reason);
  conditions.add("Ready", ready, reason, verdict.message);
  bool available = true;
  std::string counts;
  for (const auto tier : all_tiers) {
    const auto serving = serving_of(observed, tier);
    available = available && serving.any;
    counts += fmt::format("{}{} {}/{}", counts.empty() ? "" : ", ", to_string(tier), serving.available, serving.wanted);
  }
  conditions.add("Available", available, available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                 "Available pods: " + counts);
  if (verdict.reconciling) {
    conditions.add("Reconciling", true, ready ? "Scaling" : reason,
                   verdict.step.empty() ? verdict.message : verdict.step);
  }
  if (stalls(verdict.reason)) conditions.add("Stalled", true, reason, verdict.message);
  return conditions.take();
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::succeeded:
      return "Succeeded";
    case Reason::rolled_back_on_request:
      return "RolledBackOnRequest";
    case Reason::progressing:
      return "Progressing";
    case Reason::install_failed:
      return "InstallFailed";
    case Reason::rolled_back:
      return "RolledBack";
    case Reason::rollout_failed:
      return "RolloutFailed";
    case Reason::rollback_failed:
      return "RollbackFailed";
    case Reason::degraded:
      return "Degraded";
    case Reason::awaiting_approval:
      return "AwaitingApproval";
    case Reason::suspended:
      return "Suspended";
    case Reason::invalid_spec:
      return "InvalidSpec";
    case Reason::foreign_object:
      return "ForeignObject";
    case Reason::rejected:
      return "Rejected";
    case Reason::secret_not_found:
      return "SecretNotFound";
    case Reason::schema_barrier:
      return "SchemaBarrier";
    case Reason::revision_not_found:
      return "RevisionNotFound";
    case Reason::forbidden:
      return "Forbidden";
    case Reason::quota_exceeded:
      return "QuotaExceeded";
    case Reason::environment_failing:
      return "EnvironmentFailing";
  }
  return "Progressing";
}

bool is_ready(Reason reason) { return reason == Reason::succeeded || reason == Reason::rolled_back_on_request; }

bool stalls(Reason reason) {
  switch (reason) {
    case Reason::install_failed:
    case Reason::rolled_back:
    case Reason::rollout_failed:
    case Reason::rollback_failed:
    case Reason::schema_barrier:
    case Reason::invalid_spec:
    case Reason::foreign_object:
    case Reason::rejected:
    case Reason::revision_not_found:
      return true;
    case Reason::succeeded:
    case Reason::rolled_back_on_request:
    case Reason::progressing:
    case Reason::degraded:
    case Reason::awaiting_approval:
    case Reason::suspended:
    case Reason::secret_not_found:
    case Reason::forbidden:
    case Reason::quota_exceeded:
    case Reason::environment_failing:
      return false;
  }
  return false;
}

bool is_news(Reason reason) {
  const bool told =
      reason == Reason::install_failed || reason == Reason::rollout_failed || reason == Reason::rollback_failed;
  const bool trouble = stalls(reason) || reason == Reason::degraded || reason == Reason::secret_not_found ||
                       reason == Reason::forbidden || reason == Reason::quota_exceeded;
  return trouble && !told;
}

Serving serving_of(const Observed& observed, Tier tier) {
  const auto* state = deployment_state(observed, tier);
  if (state == nullptr) return {.any = false, .wanted = observed.app.spec.tier(tier).replicas};
  Serving serving{.any = state->wanted == 0 || state->available > 0,
                  .all = state->available >= state->wanted,
                  .wanted = state->wanted,
                  .available = state->available};
  if (serving.all) return serving;
  // A Deployment does not say whether pods are missing because they were asked for just now. What was shown before
  // does: the same number wanted, and more of them available than now.
  const auto previous = previous_of(observed.status).value(std::string(to_string(tier)), Json::object());
  const bool same_wanted = previous.value("replicas", -1) == state->wanted;
  const auto before = previous.value("availableReplicas", 0);
  serving.starting = !serving.any && (!same_wanted || shown_reason(observed.status) == "Progressing");
  serving.short_of = same_wanted && (before > state->available || shown_reason(observed.status) == "Degraded");
  return serving;
}

std::string not_restorable(const Observed& observed, const History& history, const Revision& revision) {
  const auto start_of = [&](Tier tier) { return sealed_secret_name(observed.app.name, tier, ""); };
  for (const auto& name : revision.uses) {
    const bool secret = name.starts_with(start_of(Tier::frontend)) || name.starts_with(start_of(Tier::backend));
    if (secret && find_child(observed, Kind::secret, name) == nullptr) {
      return fmt::format("its sealed Secret {} is gone", name);
    }
  }
  const auto touched = history.schema_touched();
  for (const auto& other : history.newest_first()) {
    if (touched == 0 || other.schema_touched() != touched || revision.schema_version >= other.compatible_from) continue;
    return fmt::format(
        "the database is {} schema {}, which works with code for schema {} or later, and this revision's "
        "code is for schema {}",
        other.migrating ? "being migrated to" : "at", touched, other.compatible_from, revision.schema_version);
  }
  return {};
}

std::string shown_reason(const JsonText& status) {
  const auto previous = previous_of(status);
  const auto at = previous.find("conditions");
  if (at == previous.end() || !at->is_array()) return {};
  for (const auto& condition : *at) {
    if (condition.value("type", "") == "Ready") return condition.value("reason", "");
  }
  return {};
}

JsonText show_status(const Observed& observed, const History& history, const Verdict& verdict) {
  const auto previous = previous_of(observed.status);
  Json status{{"observedGeneration", observed.app.generation},
              {"conditions", conditions_json(observed, verdict, previous)},
              {"frontend", tier_status(observed, history, Tier::frontend)},
              {"backend", tier_status(observed, history, Tier::backend)}};
  if (verdict.active > 0) status["activeRevision"] = verdict.active;
  if (verdict.target > 0) status["targetRevision"] = verdict.target;
  if (const auto* good = history.last_good()) status["lastGoodRevision"] = good->number;
  if (!verdict.step.empty()) status["step"] = verdict.step;
  Json revisions = Json::array();
  for (const auto& revision : history.newest_first()) {
    revisions.push_back(revision_json(observed, history, revision));
  }
  if (!revisions.empty()) status["revisions"] = std::move(revisions);
  if (auto failure = failure_json(history); !failure.is_null()) status["failure"] = std::move(failure);
  if (verdict.plan) status["plan"] = plan_json(*verdict.plan);
  return kube::canonical(status);
}

}  // namespace todoapp
