// The operator's processes in the small cluster: what operator/execute.cpp and operator/controller_loop.cpp do with a
// plan, an action at a time.
#include <algorithm>

#include "model/cluster.hpp"
#include "todoapp/names.hpp"

namespace todoapp::model {

const Request* Cluster::next_request(const Work& work) const {
  if (work.plan == 0) return nullptr;
  const auto& requests = decisions_.at(work.plan).requests;
  return work.next < requests.size() ? &requests[work.next] : nullptr;
}

void Cluster::begin(State& state) {
  state.work = {decisions_.of(state), 0};
  state.memory = decisions_.at(state.work.plan).memory;
  state.queued = false;
  state.timer = no_timer;  // a timer of an earlier pass wakes nobody too early: it is left out
  pass_by_local(state);
}

/// What needs no request is done in the same step.
void Cluster::pass_by_local(State& state) {
  for (const auto* request = next_request(state.work); request != nullptr; request = next_request(state.work)) {
    if (request->type != Request::Type::verify) return;
    auto* held = find(state.cache, request->slot);
    if (held != nullptr && held->body == request->what) held->set(verified);
    ++state.work.next;
  }
  end_pass(state);
}

void Cluster::end_pass(State& state) {
  const auto& decision = decisions_.at(state.work.plan);
  if (decision.applies && tables_.memories.at(state.memory).refusal) {
    auto memory = tables_.memories.at(state.memory);
    memory.refusal.reset();
    state.memory = tables_.memories.of(std::move(memory));
  }
  state.work = {};
  if (decision.reads || decision.wait == 0) {
    state.queued = true;
  } else {
    state.timer = decision.wait;
  }
}

/// A passing failure: tried again after a moment.
void Cluster::fail(State& state) const {
  state.work = {};
  state.queued = true;
}

void Cluster::go_on(State& state) {
  const auto request = *next_request(state.work);
  if (!is_write(request)) {
    if (!read(state, request)) return fail(state);
  } else {
    const auto answer = commit(state, request);
    if (answer == Answer::already_exists) return look_at_occupant(state, request);
    if (answer != Answer::ok) return fail(state);
    note(state, request);
  }
  ++state.work.next;
  pass_by_local(state);
}

/// The answer to an own write, in the cache.
void Cluster::note(State& state, const Request& request) const {
  using Type = Request::Type;
  if (request.type == Type::status) {
    if (state.cached_app.generation == state.app.generation) state.cached_app.status = state.app.status;
    return;
  }
  const auto kind = tables_.bodies.slot(request.slot).kind;
  const auto* held = find(state.objects, request.slot);
  if ((state.stalled & bit_of(kind)) == 0) {
    deliver(state, kind);
  } else if (held == nullptr) {
    erase(state.cache, request.slot);
  } else {
    auto answer = *held;
    answer.set(turning, false);
    // The answer tells of metadata only: the status stays what it was.
    if (const auto* before = find(state.cache, request.slot); before != nullptr && before->uid == answer.uid) {
      answer.phase = before->phase;
      const auto& shown = tables_.bodies.at(*before);
      answer.set(seen, before->is(seen) && shown.spec == tables_.bodies.at(answer).spec);
      answer.set(old_pods, before->is(old_pods));
    }
    put(state.cache, answer);
  }
  if (auto* shown = find(state.cache, request.slot); shown != nullptr && request.type == Type::apply)
    shown->set(verified);
}

bool Cluster::read(State& state, const Request& request) {
  auto memory = tables_.memories.at(state.memory);
  const auto& name = tables_.bodies.slot(request.slot).name;
  const auto* held = request.type == Request::Type::list_pods ? nullptr : find(state.objects, request.slot);
  if (request.type == Request::Type::list_pods) {
    memory.pods = PodsSeen{now(), pods(state)};
  } else if (request.type == Request::Type::read_secret && name == source_name) {
    memory.secrets[name] = {std::to_string(state.app.source), {{std::string(source_key), source_value(state.app)}}};
  } else if (held == nullptr) {
    return false;
  } else if (request.type == Request::Type::read_secret) {
    memory.secrets[name] = {std::to_string(held->version), tables_.bodies.at(*held).values};
  } else {
    const auto& body = tables_.bodies.at(*held);
    memory.contents[body.record->number] = body.content;
  }
  state.memory = tables_.memories.of(std::move(memory));
  return true;
}

/// An object of this name is there, and the cache did not show it. It is the app's own, for nobody else is here: the
/// watch will show it, and the next pass sees it.
void Cluster::look_at_occupant(State& state, const Request& request) {
  if (scenario_.shell.looks_again) {
    changed(state, tables_.bodies.slot(request.slot).kind);
    return fail(state);
  }
  // The mutation: what was to be created is taken to be what is there.
  auto occupant = *find(state.objects, request.slot);
  occupant.set(turning, false);
  occupant.body = request.what;
  put(state.cache, occupant);
  ++state.work.next;
  pass_by_local(state);
}

/// The write took place, and nobody was told.
void Cluster::lose_answer(State& state) {
  const auto request = *next_request(state.work);
  const auto answer = commit(state, request);
  if (answer == Answer::ok && request.type == Request::Type::status) {
    if (state.cached_app.generation == state.app.generation) state.cached_app.status = state.app.status;
  } else if (answer == Answer::ok) {
    changed(state, tables_.bodies.slot(request.slot).kind);
  }
  fail(state);
}

void Cluster::refuse(State& state) {
  const auto request = *next_request(state.work);
  const auto& slot = tables_.bodies.slot(request.slot);
  auto memory = tables_.memories.at(state.memory);
  const auto what = std::string(to_string(slot.kind)) + " " + slot.name;
  const auto tries = memory.refusal && memory.refusal->what == what ? memory.refusal->tries + 1 : 1;
  memory.refusal = Refusal{base::ErrorCode::invalid, what, "no", state.cached_app.generation, tries, std::nullopt};
  state.memory = tables_.memories.of(std::move(memory));
  fail(state);
}

/// The process ends, and begins anew with lists of everything.
void Cluster::crash(State& state) {
  state.work = {};
  state.memory = 0;
  state.stalled = 0;
  state.timer = no_timer;
  state.queued = true;
  state.cached_app = state.app;
  state.cache.clear();
  for (auto thing : state.objects) {
    thing.set(turning, false);
    thing.set(verified, false);
    state.cache.push_back(thing);
  }
}

/// The standby leads from now on, and reads all anew; or, the mutation, goes by caches that lag behind.
void Cluster::take_over(State& state) {
  state.old_work = state.work;
  if (scenario_.shell.renews) return crash(state);
  const auto lagging = state.lagging;
  const auto behind = std::move(state.behind);
  const auto behind_app = state.behind_app;
  state.behind.clear();
  state.behind_app = {};
  state.lagging = 0;
  crash(state);
  std::erase_if(state.cache, [&](const Thing& thing) { return (lagging & bit_of(tables_.bodies.kind(thing))) != 0; });
  for (const auto& thing : behind) put(state.cache, thing);
  if ((lagging & app_bit) != 0) state.cached_app = behind_app;
  state.stalled = lagging;
}

/// A process that led before goes on with its plan, and finds out.
void Cluster::old_goes_on(State& state) {
  const auto* request = next_request(state.old_work);
  while (request != nullptr && !is_write(*request)) {
    ++state.old_work.next;
    request = next_request(state.old_work);
  }
  if (request != nullptr && !scenario_.shell.fenced) {
    laws_.wrote_without_leading(decisions_.words_of(*request));
    commit(state, *request);
  }
  state.old_work = {};
}

void Cluster::catch_up(State& state, std::uint8_t which) const {
  const auto bit = static_cast<std::uint16_t>(1U << which);
  state.stalled = static_cast<std::uint16_t>(state.stalled & ~bit);
  if (bit == app_bit) {
    state.queued = state.queued || state.cached_app != state.app;
    state.cached_app = state.app;
    return;
  }
  const auto before = state.cache;
  deliver(state, static_cast<Kind>(which));
  state.queued = state.queued || state.cache != before;
}

void Cluster::fall_behind(State& state, std::uint8_t which) const {
  const auto bit = static_cast<std::uint16_t>(1U << which);
  state.lagging = static_cast<std::uint16_t>(state.lagging | bit);
  if (bit == app_bit) {
    state.behind_app = state.app;
    return;
  }
  for (auto thing : state.objects) {
    if (bit_of(tables_.bodies.kind(thing)) != bit) continue;
    thing.set(turning, false);
    put(state.behind, thing);
  }
}

}  // namespace todoapp::model
