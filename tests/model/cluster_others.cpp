// Everybody else in the small cluster: time, controllers, pods, users. And what may happen next.
#include <algorithm>

#include "model/cluster.hpp"
#include "todoapp/names.hpp"

namespace todoapp::model {
namespace {

using std::chrono::seconds;
using Type = Step::Type;

constexpr seconds whole_time_out{1800};
constexpr seconds past_deadline{700};
/// The operator waits for what is left of the deadline.
constexpr seconds about_the_deadline{500};
constexpr std::uint8_t unknown_revision = 30;

template <class Number>
std::uint8_t small(Number number) {
  return static_cast<std::uint8_t>(number);
}

void grow(Things& things, const Bodies& bodies, std::uint8_t age) {
  for (auto& thing : things) {
    if (bodies.kind(thing) == Kind::controller_revision) thing.age = std::max(thing.age, age);
  }
}

bool moves(const Thing& tier) {
  return tier.phase == Phase::rolling || tier.phase == Phase::late || tier.phase == Phase::crashing;
}

/// A request that could also be lost, refused or answered to nobody.
bool can_fail(const Request* request) { return request != nullptr && is_write(*request); }

}  // namespace

void Cluster::pass_time(State& state, seconds time) {
  state.memory = tables_.memories.after(state.memory, time);
  const auto age = time >= whole_time_out ? 2 : time >= about_the_deadline ? 1 : 0;
  for (auto* things : {&state.objects, &state.cache, &state.behind}) grow(*things, tables_.bodies, small(age));
  state.timer = no_timer;
  state.queued = true;
}

void Cluster::controller_step(State& state, Step step) {
  auto& thing = *find(state.objects, step.which);
  switch (step.type) {
    case Type::observe:
    case Type::observe_late:
      thing.set(seen);
      if (thing.is(turning)) {
        const bool old = thing.phase == Phase::serving || (moves(thing) && thing.is(old_pods));
        thing.phase = step.type == Type::observe_late ? Phase::late : Phase::rolling;
        thing.set(old_pods, old);
        thing.set(turning, false);
        if (step.type == Type::observe) thing.set(old_verdict, false);
      }
      break;
    case Type::available:
      thing.phase = Phase::serving;
      thing.set(old_pods, false);
      thing.set(old_verdict, false);
      break;
    case Type::late:
      pass_time(state, past_deadline);
      thing.phase = Phase::late;
      thing.set(old_verdict, false);
      break;
    case Type::crash_pods:
      thing.phase = Phase::crashing;
      break;
    case Type::lose_pods:
      thing.phase = Phase::lost;
      break;
    case Type::job_done:
      thing.phase = Phase::complete;
      break;
    case Type::job_failed:
      thing.phase = Phase::failed;
      break;
    default:
      break;
  }
  const bool fails = step.type == Type::late || step.type == Type::crash_pods || step.type == Type::lose_pods ||
                     step.type == Type::job_failed;
  if (fails && state.budget.failures > 0) --state.budget.failures;
  changed(state, tables_.bodies.kind(thing));
}

void Cluster::user_step(State& state, Step step) {
  --state.budget.edits;
  auto& app = state.app;
  if (step.type == Type::remove || step.type == Type::tamper) {
    const auto kind = tables_.bodies.slot(step.which).kind;
    if (step.type == Type::remove) {
      erase(state.objects, step.which);
    } else {
      auto& thing = *find(state.objects, step.which);
      thing.body = tables_.bodies.tampered(thing.body);
      if (kind == Kind::secret) thing.version = ++state.secret_writes;
    }
    return changed(state, kind);
  }
  if (step.type == Type::edit) app.content = step.which;
  if (step.type == Type::pin) app.pin = step.which;
  if (step.type == Type::edit || step.type == Type::pin) ++app.generation;
  if (step.type == Type::retry) ++app.retry;
  if (step.type == Type::restart) ++app.restart;
  if (step.type == Type::rotate) {
    ++app.source;
    state.past.rotation = 1U << static_cast<unsigned>(Tier::frontend) | 1U << static_cast<unsigned>(Tier::backend);
  }
  if ((state.stalled & app_bit) != 0) return;
  state.cached_app = app;
  state.queued = true;
}

std::vector<kube::Pod> Cluster::pods(const State& state) const {
  std::vector<kube::Pod> pods;
  for (const auto& thing : state.objects) {
    if (tables_.bodies.kind(thing) != Kind::deployment || thing.phase != Phase::crashing) continue;
    const auto& body = tables_.bodies.at(thing);
    kube::ContainerStatus container;
    container.name = "it";
    container.restart_count = 2;
    container.state = kube::Waiting{"CrashLoopBackOff", "back-off"};
    container.last_state = kube::Terminated{1, "Error", "", now()};
    kube::Pod pod;
    pod.name = tables_.bodies.name(thing) + "-pod";
    pod.labels = body.pod_labels;
    pod.phase = "Running";
    pod.created = now();
    pod.containers.push_back(std::move(container));
    pods.push_back(std::move(pod));
  }
  return pods;
}

/// The operator knows that its records lag: they are taken to come before it gives up waiting, so no time passes.
bool Cluster::awaits_records(const State& state) const {
  return (state.stalled & bit_of(Kind::controller_revision)) != 0 && tables_.memories.at(state.memory).behind;
}

// --- What may happen next.

std::vector<Step> Cluster::possible(const State& state) const {
  std::vector<Step> steps;
  const auto* request = next_request(state.work);
  if (request != nullptr) {
    steps.push_back({Type::go_on});
  } else if (state.queued) {
    steps.push_back({Type::begin});
  } else if (state.timer != no_timer && tables_.memories.at(state.memory).pod_looks <= scenario_.looks) {
    if (!awaits_records(state)) steps.push_back({Type::wake});
  }
  if (state.old_work.plan != 0) steps.push_back({Type::old_goes_on});
  add_faults(state, steps);
  // Between the actions of a plan nobody's doings matter to it but those of who takes away what it is about.
  if (request == nullptr) {
    add_cluster(state, steps);
    add_users(state, steps);
  }
  add_vandals(state, steps);
  return steps;
}

void Cluster::add_faults(const State& state, std::vector<Step>& steps) const {
  const auto* request = next_request(state.work);
  const auto& allowed = scenario_.allowed;
  if (state.budget.faults > 0) {
    steps.push_back({Type::crash});
    if (can_fail(request)) steps.push_back({Type::answer_lost});
    if (request != nullptr) steps.push_back({Type::request_lost});
    const bool refusable = can_fail(request) && request->type != Request::Type::status;
    if (allowed.refusals && refusable) steps.push_back({Type::refused});
    if (allowed.take_overs && state.old_work.plan == 0) steps.push_back({Type::take_over});
  }
  for (std::uint8_t which = 0; which <= all_kinds.size(); ++which) {
    const auto bit = static_cast<std::uint16_t>(1U << which);
    if ((state.stalled & bit) != 0 && request == nullptr) steps.push_back({Type::catch_up, which});
    if ((scenario_.may_stall & bit) == 0 || state.budget.lags == 0) continue;
    if ((state.stalled & bit) == 0 && bit != app_bit && request == nullptr) steps.push_back({Type::stall, which});
    const bool old_views = allowed.take_overs && !scenario_.shell.renews;
    if (old_views && state.budget.faults > 0 && (state.lagging & bit) == 0) {
      steps.push_back({Type::fall_behind, which});
    }
  }
}

void Cluster::add_cluster(const State& state, std::vector<Step>& steps) const {
  for (const auto& thing : state.objects) {
    const auto kind = tables_.bodies.kind(thing);
    if (kind == Kind::deployment) add_tier(state, thing, steps);
    if (kind == Kind::job && thing.phase == Phase::running) {
      steps.push_back({Type::job_done, thing.slot});
      if (state.budget.failures > 0) steps.push_back({Type::job_failed, thing.slot});
    }
  }
  const auto* newest = newest_record(tables_.bodies, state);
  if (newest == nullptr || newest->outcome != Outcome::none || state.budget.failures == 0) return;
  if (awaits_records(state)) return;
  const auto* thing =
      find(state.objects, small(std::find_if(state.objects.begin(), state.objects.end(), [&](const Thing& one) {
                                  return tables_.bodies.name(one) == newest->name;
                                })->slot));
  if (thing != nullptr && thing->age < 2) steps.push_back({Type::time_out});
}

void Cluster::add_tier(const State& state, const Thing& tier, std::vector<Step>& steps) const {
  if (!tier.is(seen)) {
    steps.push_back({Type::observe, tier.slot});
    // Going back to pods that are still there moves none, and the verdict stays.
    if (tier.is(turning) && tier.phase == Phase::late) steps.push_back({Type::observe_late, tier.slot});
    return;
  }
  if (moves(tier) || tier.phase == Phase::lost) steps.push_back({Type::available, tier.slot});
  if (state.budget.failures == 0) return;
  const bool undecided = tier.phase == Phase::rolling || (tier.phase == Phase::late && tier.is(old_verdict));
  if (undecided && !awaits_records(state)) steps.push_back({Type::late, tier.slot});
  if (tier.phase == Phase::rolling || tier.phase == Phase::serving) steps.push_back({Type::crash_pods, tier.slot});
  if (tier.phase == Phase::serving) steps.push_back({Type::lose_pods, tier.slot});
}

void Cluster::add_users(const State& state, std::vector<Step>& steps) const {
  if (state.budget.edits == 0) return;
  const auto& allowed = scenario_.allowed;
  if (allowed.edits) {
    for (std::size_t content = 0; content < scenario_.contents.size(); ++content) {
      if (content != state.app.content) steps.push_back({Type::edit, small(content)});
    }
  }
  if (allowed.pins && state.app.pin != 0) steps.push_back({Type::pin, 0});
  if (allowed.pins && state.app.pin == 0) {
    for (const auto& thing : state.objects) {
      if (const auto& record = tables_.bodies.at(thing).record) steps.push_back({Type::pin, small(record->number)});
    }
    steps.push_back({Type::pin, unknown_revision});
  }
  if (allowed.retries) steps.push_back({Type::retry});
  if (allowed.restarts) steps.push_back({Type::restart});
  if (allowed.rotates) steps.push_back({Type::rotate});
}

/// Who deletes or changes children. Records and Jobs are left to the operator.
void Cluster::add_vandals(const State& state, std::vector<Step>& steps) const {
  if (state.budget.edits == 0) return;
  for (const auto& thing : state.objects) {
    const auto kind = tables_.bodies.kind(thing);
    if (kind == Kind::controller_revision || kind == Kind::job) continue;
    if (scenario_.allowed.removals) steps.push_back({Type::remove, thing.slot});
    if (scenario_.allowed.tampering && !tables_.bodies.at(thing).tampered) steps.push_back({Type::tamper, thing.slot});
  }
}

bool Cluster::comes_up(const Thing& thing, Weather weather) const {
  if (weather == Weather::fair) return true;
  const auto& text = tables_.bodies.at(thing).text;
  for (std::size_t content = 0; content < scenario_.contents.size(); ++content) {
    if ((scenario_.bad >> content & 1U) == 0) continue;
    for (const auto tier : all_tiers) {
      const auto& image = scenario_.contents[content].spec.tier(tier).image;
      if (image != scenario_.contents.front().spec.tier(tier).image && text.find(image) != std::string::npos)
        return false;
    }
  }
  return true;
}

std::optional<Step> Cluster::fair(const State& state, Weather weather) const {
  if (next_request(state.work) != nullptr) return Step{Type::go_on};
  if (state.old_work.plan != 0) return Step{Type::old_goes_on};
  for (std::uint8_t which = 0; which <= all_kinds.size(); ++which) {
    if ((state.stalled >> which & 1U) != 0) return Step{Type::catch_up, which};
  }
  if (state.queued) return Step{Type::begin};
  for (const auto& thing : state.objects) {
    const auto kind = tables_.bodies.kind(thing);
    if (kind == Kind::job && thing.phase == Phase::running) {
      return Step{comes_up(thing, weather) ? Type::job_done : Type::job_failed, thing.slot};
    }
    if (kind != Kind::deployment) continue;
    if (!thing.is(seen)) return Step{Type::observe, thing.slot};
    const bool up = comes_up(thing, weather);
    if (thing.phase == Phase::lost || (moves(thing) && up)) return Step{Type::available, thing.slot};
    const bool undecided = thing.phase == Phase::rolling || (thing.phase == Phase::late && thing.is(old_verdict));
    if (undecided && !up) return Step{Type::late, thing.slot};
  }
  if (state.timer != no_timer) return Step{Type::wake};
  return std::nullopt;
}

}  // namespace todoapp::model
