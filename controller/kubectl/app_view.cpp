#include "kubectl/app_view.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kube/model/decode.hpp"
#include "kubectl/members.hpp"
#include "todoapp/names.hpp"
#include "todoapp/revision.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

ConditionView read_condition(const Json& status, const char* type) {
  for (const auto& each : status.value("conditions", Json::array())) {
    if (each.value("type", "") != type) continue;
    return {each.value("status", ""), each.value("reason", ""), each.value("message", ""),
            each.value("lastTransitionTime", "")};
  }
  return {};
}

TierView read_tier(const Json& tier) {
  return {.image = tier.value("image", ""),
          .replicas = tier.value("replicas", std::int64_t{0}),
          .updated = tier.value("updatedReplicas", std::int64_t{0}),
          .ready = tier.value("readyReplicas", std::int64_t{0})};
}

RevisionView read_one_revision(const Json& revision) {
  return {.number = revision.at("number").get<std::int64_t>(),
          .created = revision.value("createdAt", ""),
          .cause = revision.value("cause", ""),
          .outcome = revision.value("outcome", ""),
          .reason = revision.value("reason", ""),
          .rollback_of = revision.value("rollbackOf", std::int64_t{0}),
          .restorable = revision.value("restorable", false),
          .obstacle = revision.value("notRestorableReason", ""),
          .content = {}};
}

FailureView read_failure(const Json& failure) {
  FailureView view{.revision = failure.value("revision", std::int64_t{0}),
                   .tier = failure.value("tier", ""),
                   .pod = failure.value("pod", ""),
                   .container = failure.value("container", ""),
                   .reason = failure.value("reason", ""),
                   .exit_code = {},
                   .restarts = failure.value("restarts", std::int64_t{0}),
                   .message = failure.value("message", ""),
                   .at = failure.value("at", "")};
  if (const auto at = failure.find("exitCode"); at != failure.end()) view.exit_code = at->get<std::int64_t>();
  return view;
}

todoapp::PendingPlan read_plan(const Json& plan) {
  todoapp::PendingPlan view{.hash = plan.value("hash", ""), .changes = {}};
  for (const auto& each : plan.value("changes", Json::array())) {
    view.changes.push_back({each.value("path", ""), each.value("from", ""), each.value("to", "")});
  }
  return view;
}

AppView read_parts(const kube::Object& object) {
  const auto spec = parse_or_empty(object.body);
  const auto status = parse_or_empty(object.status);
  AppView app;
  app.name = object.name;
  app.namespace_ = object.namespace_;
  app.generation = object.generation;
  app.deleting = object.deleting;
  app.suspended = spec.value("suspend", false);
  app.pinned = member(spec, "rollback").value("toRevision", std::int64_t{0});
  // The CRD's default says -1.
  app.observed_generation = std::max(std::int64_t{0}, status.value("observedGeneration", std::int64_t{0}));
  app.ready = read_condition(status, "Ready");
  app.reconciling = read_condition(status, "Reconciling");
  app.stalled = read_condition(status, "Stalled");
  app.active = status.value("activeRevision", std::int64_t{0});
  app.target = status.value("targetRevision", std::int64_t{0});
  app.last_good = status.value("lastGoodRevision", std::int64_t{0});
  app.step = status.value("step", "");
  for (const auto tier : todoapp::all_tiers) {
    const std::string name(todoapp::to_string(tier));
    app.tiers.at(static_cast<std::size_t>(tier)) = read_tier(member(status, name.c_str()));
  }
  for (const auto& each : status.value("revisions", Json::array())) app.revisions.push_back(read_one_revision(each));
  if (const auto at = status.find("failure"); at != status.end()) app.failure = read_failure(*at);
  if (const auto at = status.find("plan"); at != status.end()) app.plan = read_plan(*at);
  return app;
}

}  // namespace

const RevisionView* AppView::find(std::int64_t number) const {
  const auto at = std::find_if(revisions.begin(), revisions.end(), [&](const auto& r) { return r.number == number; });
  return at == revisions.end() ? nullptr : &*at;
}

kube::Pruning app_pruning() { return {.keep_body = true, .keep_status = true, .body_is_spec = true}; }

base::Result<AppView> view_of(const kube::Object& app) {
  try {
    return read_parts(app);
  } catch (const Json::exception& error) {
    return base::fail(base::ErrorCode::invalid, "read app " + app.namespace_ + "/" + app.name, error.what());
  }
}

base::Result<AppView> read_view(std::string_view json) {
  const auto object = kube::decode_object(json, todoapp::app_resource(), app_pruning());
  if (!object) return base::Failure(object.error());
  return view_of(*object);
}

void note_content(AppView& app, const kube::Object& record) {
  const auto known = todoapp::read_revision(record);
  if (!known) return;
  for (auto& revision : app.revisions) {
    if (revision.number == known->number) revision.content = known->content_hash;
  }
}

State state_of(const AppView& app) {
  if (app.deleting || app.observed_generation < app.generation) return State::under_way;
  if (app.stalled.holds()) return State::stalled;
  return app.ready.holds() && !app.reconciling.holds() ? State::ready : State::under_way;
}

bool unseen(const AppView& app) { return !app.deleting && app.observed_generation < app.generation; }

bool failure_matters(const AppView& app) {
  using todoapp::Reason;
  const auto reason = reason_of(app);
  if (!app.failure || !reason) return false;
  switch (*reason) {
    case Reason::install_failed:
    case Reason::rolled_back:
    case Reason::rollout_failed:
    case Reason::rollback_failed:
    case Reason::schema_barrier:
      return true;
    case Reason::progressing: {
      // On the way back from it.
      const auto* target = app.find(app.target);
      return target != nullptr && target->rollback_of > 0 && target->number == app.failure->revision + 1;
    }
    default:
      return false;
  }
}

std::optional<todoapp::Reason> reason_of(const AppView& app) {
  // The list is closed; its last member ends the walk.
  for (int each = 0; each <= static_cast<int>(todoapp::Reason::environment_failing); ++each) {
    const auto reason = static_cast<todoapp::Reason>(each);
    if (todoapp::to_string(reason) == app.ready.reason) return reason;
  }
  return std::nullopt;
}

}  // namespace kubectl
