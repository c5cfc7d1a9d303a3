#include "model/decisions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "todoapp/names.hpp"
#include "todoapp/reconcile.hpp"
#include "todoapp/status.hpp"

namespace todoapp::model {
namespace {

using std::chrono::seconds;

/// Ages of records as `now` shows them: just made, past the progress deadline, past the absolute time-out.
constexpr std::array ages{seconds{1}, seconds{700}, seconds{7200}};
constexpr seconds long_ago{100000};

struct Counts {
  std::int32_t replicas, updated, serving;
};

Counts counts_of(const Thing& thing) {
  switch (thing.phase) {
    case Phase::rolling:
    case Phase::late:
    case Phase::crashing:
      return thing.is(old_pods) ? Counts{2, 1, 1} : Counts{1, 1, 0};
    case Phase::serving:
      return {1, 1, 1};
    case Phase::lost:
      return {1, 1, 0};
    case Phase::none:
    case Phase::running:
    case Phase::complete:
    case Phase::failed:
      return {0, 0, 0};
  }
  return {};
}

kube::DeploymentState deployment_state(const Thing& thing) {
  const auto counts = counts_of(thing);
  kube::DeploymentState state{.observed_generation = thing.is(seen) ? 2 : 1,
                              .wanted = 1,
                              .replicas = counts.replicas,
                              .updated = counts.updated,
                              .ready = counts.serving,
                              .available = counts.serving,
                              .paused = false,
                              .conditions = {}};
  if (thing.phase == Phase::late) {
    const auto at = thing.is(old_verdict) ? now() - long_ago : now();
    state.conditions.push_back({"Progressing", "False", "ProgressDeadlineExceeded", "it does not progress", at, at});
  }
  return state;
}

kube::JobState job_state(const Thing& thing) {
  kube::JobState state;
  if (thing.phase == Phase::complete) state.conditions.push_back({"Complete", "True", "", "", now(), {}});
  if (thing.phase == Phase::failed)
    state.conditions.push_back({"Failed", "True", "BackoffLimitExceeded", "", now(), {}});
  return state;
}

kube::Object object_of(const Bodies& bodies, const Thing& thing) {
  auto object = bodies.at(thing).shown;
  const auto kind = bodies.kind(thing);
  object.uid = uid_text(thing.uid);
  // Of all but Secrets the model tells two versions apart by what is in them: no body comes a second time.
  object.resource_version = std::to_string(kind == Kind::secret ? thing.version : thing.body);
  object.generation = 2;
  object.created = now() - ages.at(thing.age);
  // Of two sealed Secrets the newer one counts.
  if (kind == Kind::secret) object.created = now() - long_ago + seconds{thing.version};
  if (kind == Kind::deployment) object.state = deployment_state(thing);
  if (kind == Kind::job) object.state = job_state(thing);
  if (thing.is(verified)) {
    const auto* applied = kube::find(object.annotations, mark::applied);
    object.verified_intent = applied == nullptr ? std::string{} : *applied;
    object.verified_fingerprint = object.fingerprint;
    object.body.reset();
  }
  return object;
}

/// What `reconcile` is given; the objects lie beside it.
struct View {
  std::vector<kube::Object> objects;
  Observed observed;
};

View view_of(const Tables& tables, const State& state) {
  View view;
  std::vector<const Thing*> things;
  for (const auto& thing : state.cache) things.push_back(&thing);
  std::sort(things.begin(), things.end(), [&](const Thing* one, const Thing* other) {
    return tables.bodies.slot(one->slot) < tables.bodies.slot(other->slot);
  });
  view.objects.reserve(things.size());
  for (const auto* thing : things) {
    view.objects.push_back(object_of(tables.bodies, *thing));
    view.observed.owned.push_back({tables.bodies.kind(*thing), &view.objects.back()});
  }
  auto& observed = view.observed;
  observed.app = app_of(tables.scenario, state.cached_app);
  observed.status = tables.statuses[state.cached_app.status];
  for (const auto& variable : observed.app.spec.secrets) {
    if (variable.generated()) continue;
    observed.sources[variable.source_name] = {"uid of a user's", std::to_string(state.cached_app.source)};
  }
  observed.memory = tables.memories.at(state.memory);
  observed.entropy = "entropy " + std::to_string(state.secret_writes);
  observed.process_key = "the key of a process";
  observed.now = now();
  return view;
}

/// What of a state can be seen from inside the leader.
std::string view_key(const State& state) {
  std::string key(reinterpret_cast<const char*>(state.cache.data()), state.cache.size() * sizeof(Thing));
  const auto& app = state.cached_app;
  key.append(reinterpret_cast<const char*>(&app), sizeof app);
  key.append(reinterpret_cast<const char*>(&state.memory), sizeof state.memory);
  key.push_back(static_cast<char>(state.secret_writes));
  return key;
}

bool rollout_under_way(const Tables& tables, const State& state) {
  const Revision* newest = nullptr;
  for (const auto& thing : state.cache) {
    const auto& record = tables.bodies.at(thing).record;
    if (record && (newest == nullptr || record->number > newest->number)) newest = &*record;
  }
  return newest != nullptr && newest->outcome == Outcome::none;
}

std::uint8_t uid_number(const std::string& text) {
  int number = 0;
  if (!text.empty()) std::from_chars(text.data() + 1, text.data() + text.size(), number);
  return static_cast<std::uint8_t>(number);
}

template <class Value>
std::uint16_t number_in(std::vector<Value>& table, const Value& value) {
  const auto at = std::find(table.begin(), table.end(), value);
  if (at == table.end()) {
    if (table.size() >= 0xFFFF) throw std::length_error("a table of the model is full");
    table.push_back(value);
    return static_cast<std::uint16_t>(table.size() - 1);
  }
  return static_cast<std::uint16_t>(at - table.begin());
}

}  // namespace

bool is_write(const Request& request) {
  using Type = Request::Type;
  return request.type != Type::read_secret && request.type != Type::read_record && request.type != Type::list_pods &&
         request.type != Type::verify;
}

Tables::Tables(const Scenario& the_scenario)
    : scenario(the_scenario), memories(the_scenario.contents.at(0).spec.upgrade.soak), statuses{""} {}

App app_of(const Scenario& scenario, const AppView& view) {
  auto app = scenario.contents.at(view.content);
  app.generation = view.generation;
  if (view.pin > 0) app.spec.rollback_to = view.pin;
  if (view.retry > 0) app.requests.retry = "retry-" + std::to_string(view.retry);
  if (view.restart > 0) app.requests.restart = "restart-" + std::to_string(view.restart);
  return app;
}

std::string source_value(const AppView& view) { return "value-" + std::to_string(view.source); }

std::string uid_text(std::uint8_t uid) { return "u" + std::to_string(uid); }

PlanId Decisions::of(const State& state) {
  const auto [at, fresh] = by_view_.try_emplace(view_key(state), 0);
  if (fresh) at->second = keep(decide(state));
  return at->second;
}

PlanId Decisions::keep(Decision decision) {
  std::string text = fmt::format("{} {} {} ", decision.memory, decision.wait, decision.reason);
  for (const auto& request : decision.requests) text.append(reinterpret_cast<const char*>(&request), sizeof request);
  const auto [at, fresh] = by_text_.try_emplace(std::move(text), static_cast<PlanId>(decisions_.size()));
  if (fresh) decisions_.push_back(std::move(decision));
  return at->second;
}

Decision Decisions::decide(const State& state) {
  const auto view = view_of(tables_, state);
  const auto& decide = tables_.scenario.decide;
  auto plan = decide ? decide(view.observed) : reconcile(view.observed);
  if (!tables_.scenario.status) plan.memory.status_written.reset();
  if (!rollout_under_way(tables_, state)) {
    // Nobody asks how a rollout moved that has ended.
    plan.memory.progress.clear();
    plan.memory.pods.reset();
  }
  Decision decision;
  decision.memory = tables_.memories.of(plan.memory);
  decision.reason = plan.reason;
  for (const auto& action : plan.actions) add(decision, action, state);
  return decision;
}

void Decisions::add(Decision& decision, const Action& action, const State& state) {
  using Type = Request::Type;
  auto& bodies = tables_.bodies;
  const auto put = [&](Type type, std::uint8_t slot, std::uint8_t uid = 0, std::uint16_t what = 0) {
    decision.requests.push_back({type, slot, uid, 0, what});
  };
  const auto apply = [&](const Intent& intent, const std::string& uid) {
    put(Type::apply, bodies.slot_of(intent.kind, intent.name), uid_number(uid),
        bodies.of(intent.kind, intent.name, intent.body));
    decision.applies = true;
  };
  if (const auto* one = std::get_if<Apply>(&action)) return apply(one->intent, one->uid);
  if (const auto* one = std::get_if<ReplacePorts>(&action)) return apply(one->intent, one->uid);
  if (const auto* one = std::get_if<CreateRevision>(&action)) {
    put(Type::record, bodies.slot_of(Kind::controller_revision, one->name), 0,
        bodies.of(Kind::controller_revision, one->name, one->body));
    decision.requests.back().rollback = one->rollback.empty() ? 0 : 1;
  } else if (const auto* outcome = std::get_if<RecordOutcome>(&action)) {
    put(Type::outcome, bodies.slot_of(Kind::controller_revision, outcome->name), uid_number(outcome->uid),
        number_in(tables_.marks, outcome->marks));
    decision.requests.back().seen = find(state.cache, decision.requests.back().slot)->body;
  } else if (const auto* removal = std::get_if<Delete>(&action)) {
    put(Type::remove, bodies.slot_of(removal->kind, removal->name), uid_number(removal->uid));
  } else if (const auto* status = std::get_if<WriteStatus>(&action)) {
    if (tables_.scenario.status) put(Type::status, 0, 0, number_in(tables_.statuses, status->status));
  } else if (const auto* verified = std::get_if<MarkVerified>(&action)) {
    // What was compared must be what is marked.
    const auto slot = bodies.slot_of(verified->kind, verified->name);
    const auto* held = find(state.cache, slot);
    if (bodies.at(*held).shown.fingerprint == verified->fingerprint) put(Type::verify, slot, 0, held->body);
  } else if (const auto* secret = std::get_if<ReadSecret>(&action)) {
    put(Type::read_secret, bodies.slot_of(Kind::secret, secret->name));
    decision.reads = true;
  } else if (const auto* record = std::get_if<ReadRevision>(&action)) {
    put(Type::read_record, bodies.slot_of(Kind::controller_revision, record->name));
    decision.reads = true;
  } else if (std::holds_alternative<ListPods>(action)) {
    put(Type::list_pods, 0);
    decision.reads = true;
  } else if (const auto* requeue = std::get_if<RequeueAt>(&action)) {
    const auto wait = std::chrono::ceil<seconds>(requeue->at - now()).count();
    decision.wait = static_cast<std::uint16_t>(std::clamp<std::int64_t>(wait, 0, no_timer - 1));
  } else if (std::holds_alternative<HandOverReplicas>(action)) {
    throw std::logic_error("no scenario has an autoscaler");
  }
}

std::string Decisions::words_of(const Request& request) const {
  using Type = Request::Type;
  const auto name = [&] {
    const auto& slot = tables_.bodies.slot(request.slot);
    return fmt::format("{} {}", to_string(slot.kind), slot.name);
  };
  switch (request.type) {
    case Type::apply:
      return (request.uid == 0 ? "create " : "apply ") + name();
    case Type::record:
      return fmt::format("record {} ({})", name(), tables_.bodies.at(request.what).record->cause);
    case Type::outcome: {
      std::string words = "mark " + name();
      for (const auto& [key, value] : tables_.marks[request.what]) {
        if (key != mark::failure && !value.empty()) words += fmt::format(" {}={}", key, value);
      }
      return words;
    }
    case Type::remove:
      return "delete " + name();
    case Type::status:
      return "show " + shown_reason(tables_.statuses[request.what]);
    case Type::read_secret:
    case Type::read_record:
      return "read " + name();
    case Type::list_pods:
      return "list pods";
    case Type::verify:
      return "find " + name() + " as it should be";
  }
  return {};
}

}  // namespace todoapp::model
