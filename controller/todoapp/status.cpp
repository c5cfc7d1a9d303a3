#include "todoapp/status.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using Json = nlohmann::json;
using desired::ListText;
using desired::ObjectText;

const kube::DeploymentState* deployment_state(const Observed& observed, Tier tier) {
  const auto* deployment = find_child(observed, Kind::deployment, tier_name(observed.app.name, tier));
  return deployment == nullptr ? nullptr : std::get_if<kube::DeploymentState>(&deployment->state);
}

struct ShownCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string since;
};

struct ShownTier {
  std::int64_t replicas{-1};
  std::int64_t available{0};
};

/// What the status said before, as far as that shapes what it says now.
struct Before {
  std::map<Tier, ShownTier> tiers;
  std::vector<ShownCondition> conditions;
  bool in_rollout{false};  ///< a step was shown

  [[nodiscard]] const ShownCondition* find(std::string_view type) const {
    const auto at = std::find_if(conditions.begin(), conditions.end(), [&](const auto& c) { return c.type == type; });
    return at == conditions.end() ? nullptr : &*at;
  }
};

std::string text_in(simdjson::dom::element object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) ? std::string{} : std::string(text);
}

Before before_of(const JsonText& status) {
  thread_local simdjson::dom::parser parser;  // for its buffers; each call begins anew
  Before before;
  simdjson::dom::element root;
  if (status.empty() || parser.parse(status.data(), status.size()).get(root)) return before;
  for (const auto tier : all_tiers) {
    auto& shown = before.tiers[tier];
    std::int64_t number = 0;
    if (!root[to_string(tier)]["replicas"].get(number)) shown.replicas = number;
    if (!root[to_string(tier)]["availableReplicas"].get(number)) shown.available = number;
  }
  before.in_rollout = root["step"].error() == simdjson::SUCCESS;
  simdjson::dom::array conditions;
  if (root["conditions"].get(conditions)) return before;
  for (const auto each : conditions) {
    before.conditions.push_back({.type = text_in(each, "type"),
                                 .status = text_in(each, "status"),
                                 .reason = text_in(each, "reason"),
                                 .since = text_in(each, "lastTransitionTime")});
  }
  return before;
}

/// The image that a tier's Deployment asks for: the newest record with that template knows it.
std::string image_of(const Observed& observed, const History& history, Tier tier) {
  const auto* deployment = find_child(observed, Kind::deployment, tier_name(observed.app.name, tier));
  const auto* running = deployment == nullptr ? nullptr : kube::find(deployment->annotations, mark::template_);
  if (running == nullptr) return {};
  for (const auto& revision : history.newest_first()) {
    if (revision.template_of(tier) != *running) continue;
    auto image = part_of(revision.parts, fmt::format("{}.image", to_string(tier)));
    if (!image.empty()) return image;
  }
  return {};
}

/// Here what is empty is said, too.
JsonText said(std::string_view text) { return desired::string_text(text); }

JsonText tier_status(const Observed& observed, const History& history, Tier tier) {
  const auto* state = deployment_state(observed, tier);
  const auto image = image_of(observed, history, tier);
  if (state == nullptr) return ObjectText{}.text("image", image).str();
  return ObjectText{}
      .number("availableReplicas", state->available)
      .text("image", image)
      .text("ready", fmt::format("{}/{}", state->ready, state->wanted))
      .number("readyReplicas", state->ready)
      .number("replicas", state->wanted)
      .number("updatedReplicas", state->updated)
      .str();
}

class Conditions {
 public:
  Conditions(const Observed& observed, const Before& before) : observed_(observed), before_(before) {}

  void add(const char* type, bool holds, std::string_view reason, const std::string& message) {
    const std::string status = holds ? "True" : "False";
    const auto* old = before_.find(type);
    const bool same = old != nullptr && old->status == status && !old->since.empty();
    conditions_.json(ObjectText{}
                         .text("lastTransitionTime", same ? old->since : base::format_time(observed_.now))
                         .json("message", said(message))
                         .number("observedGeneration", observed_.app.generation)
                         .json("reason", said(reason))
                         .text("status", status)
                         .text("type", type)
                         .str());
  }

  [[nodiscard]] JsonText take() { return conditions_.str(); }

 private:
  const Observed& observed_;
  const Before& before_;
  ListText conditions_;
};

JsonText revision_text(const Observed& observed, const History& history, const Revision& revision) {
  const auto obstacle = not_restorable(observed, history, revision);
  return ObjectText{}
      .json("cause", said(revision.cause))
      .text("createdAt", base::format_time(revision.created))
      .text("notRestorableReason", obstacle)
      .number("number", revision.number)
      .text("outcome", to_string(revision.outcome))
      .text("reason", revision.reason)
      .flag("restorable", obstacle.empty())
      .json("rollbackOf", revision.rollback_of ? std::to_string(*revision.rollback_of) : "")
      .str();
}

/// Empty where there is none.
JsonText failure_text(const History& history) {
  for (const auto& revision : history.newest_first()) {
    if (revision.outcome != Outcome::failed) continue;
    auto json = Json::parse(revision.failure, nullptr, false);
    if (!json.is_object()) json = Json{{"reason", revision.reason}};
    json["revision"] = revision.number;
    return kube::canonical(json);
  }
  return {};
}

JsonText plan_text(const PendingPlan& plan) {
  JsonText changes;
  for (const auto& change : plan.changes) {
    changes += changes.empty() ? '[' : ',';
    changes += ObjectText{}.text("from", change.from).json("path", said(change.path)).text("to", change.to).str();
  }
  changes += changes.empty() ? "[]" : "]";
  return ObjectText{}.json("changes", changes).json("hash", said(plan.hash)).str();
}

JsonText conditions_text(const Observed& observed, const Verdict& verdict, const Before& before) {
  Conditions conditions(observed, before);
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

JsonText number_text(std::int64_t number) { return number > 0 ? std::to_string(number) : ""; }

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
  const auto before = before_of(observed.status);
  const auto* ready = before.find("Ready");
  const auto reason = ready == nullptr ? std::string{} : ready->reason;
  const auto at = before.tiers.find(tier);
  const auto shown = at == before.tiers.end() ? ShownTier{} : at->second;
  const bool same_wanted = shown.replicas == state->wanted;
  const bool scaling = reason == "Progressing" && !before.in_rollout;
  serving.starting = !serving.any && (!same_wanted || scaling);
  serving.short_of = same_wanted && (shown.available > state->available || reason == "Degraded");
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
  const auto before = before_of(status);
  const auto* ready = before.find("Ready");
  return ready == nullptr ? std::string{} : ready->reason;
}

JsonText show_status(const Observed& observed, const History& history, const Verdict& verdict) {
  const auto* good = history.last_good();
  JsonText revisions;
  for (const auto& revision : history.newest_first()) {
    revisions += revisions.empty() ? '[' : ',';
    revisions += revision_text(observed, history, revision);
  }
  if (!revisions.empty()) revisions += ']';
  return ObjectText{}
      .json("activeRevision", number_text(verdict.active))
      .json("backend", tier_status(observed, history, Tier::backend))
      .json("conditions", conditions_text(observed, verdict, before_of(observed.status)))
      .json("failure", failure_text(history))
      .json("frontend", tier_status(observed, history, Tier::frontend))
      .json("lastGoodRevision", good == nullptr ? "" : std::to_string(good->number))
      .number("observedGeneration", observed.app.generation)
      .json("plan", verdict.plan ? plan_text(*verdict.plan) : "")
      .json("revisions", revisions)
      .text("step", verdict.step)
      .json("targetRevision", number_text(verdict.target))
      .str();
}

}  // namespace todoapp
