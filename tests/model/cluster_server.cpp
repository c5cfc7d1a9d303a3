// The API server of the small cluster: what writes do to it, and which of them it refuses.
#include <algorithm>

#include "model/cluster.hpp"

namespace todoapp::model {
namespace {

/// A verdict on a rollout is one on an earlier rollout as soon as there is a newer record.
void grow_old(Things& things) {
  for (auto& thing : things) {
    if (thing.phase == Phase::late) thing.set(old_verdict);
  }
}

}  // namespace

Cluster::Answer Cluster::commit(State& state, const Request& request) {
  using Type = Request::Type;
  switch (request.type) {
    case Type::apply:
      return apply(state, request);
    case Type::record:
      return record(state, request);
    case Type::outcome:
      return mark(state, request);
    case Type::remove:
      return remove(state, request);
    case Type::status:
      state.app.status = request.what;
      return Answer::ok;
    case Type::read_secret:
    case Type::read_record:
    case Type::list_pods:
    case Type::verify:
      return Answer::ok;
  }
  return Answer::ok;
}

void Cluster::make(State& state, Thing thing) {
  for (const auto* things : {&state.objects, &state.cache, &state.behind}) {
    const auto* known = find(*things, thing.slot);
    if (known != nullptr) thing.uid = std::max(thing.uid, known->uid);
  }
  ++thing.uid;
  const auto kind = tables_.bodies.kind(thing);
  if (kind == Kind::deployment) thing.set(turning);
  if (kind == Kind::job) thing.phase = Phase::running;
  if (kind == Kind::secret) thing.version = ++state.secret_writes;
  put(state.objects, thing);
}

Cluster::Answer Cluster::apply(State& state, const Request& request) {
  auto* held = find(state.objects, request.slot);
  const auto& after = tables_.bodies.at(request.what);
  if (request.uid == 0) {
    if (held != nullptr) return Answer::already_exists;
    make(state, {.body = request.what, .slot = request.slot});
    if (tables_.bodies.slot(request.slot).kind == Kind::deployment) laws_.rolled(state, nullptr, after);
    return Answer::ok;
  }
  if (held == nullptr || held->uid != request.uid) return Answer::conflict;
  const auto& before = tables_.bodies.at(*held);
  if (tables_.bodies.kind(*held) == Kind::deployment) {
    if (before.spec != after.spec) held->set(seen, false);
    if (before.pods != after.pods) held->set(turning);
    laws_.rolled(state, &before, after);
  }
  held->body = request.what;
  if (tables_.bodies.kind(*held) == Kind::secret) held->version = ++state.secret_writes;
  return Answer::ok;
}

Cluster::Answer Cluster::record(State& state, const Request& request) {
  if (find(state.objects, request.slot) != nullptr) return Answer::already_exists;
  laws_.recorded(state, *tables_.bodies.at(request.what).record);
  grow_old(state.objects);
  grow_old(state.cache);
  make(state, {.body = request.what, .slot = request.slot});
  return Answer::ok;
}

Cluster::Answer Cluster::mark(State& state, const Request& request) {
  auto* held = find(state.objects, request.slot);
  if (held == nullptr) return Answer::not_found;
  if (held->uid != request.uid || held->body != request.seen) return Answer::conflict;
  const auto& marks = tables_.marks[request.what];
  laws_.marked(state, *tables_.bodies.at(*held).record, marks);
  held->body = tables_.bodies.marked(held->body, marks);
  return Answer::ok;
}

Cluster::Answer Cluster::remove(State& state, const Request& request) {
  const auto* held = find(state.objects, request.slot);
  if (held == nullptr) return Answer::ok;
  if (held->uid != request.uid) return Answer::conflict;
  if (const auto& record = tables_.bodies.at(*held).record) laws_.removed(state, *record);
  erase(state.objects, request.slot);
  return Answer::ok;
}

void Cluster::deliver(State& state, Kind kind) const {
  Things fresh;
  fresh.reserve(state.cache.size() + 1);
  for (const auto& held : state.cache) {
    if (tables_.bodies.kind(held) != kind) fresh.push_back(held);
  }
  for (auto thing : state.objects) {
    if (tables_.bodies.kind(thing) != kind) continue;
    const auto* held = find(state.cache, thing.slot);
    const bool same = held != nullptr && held->uid == thing.uid && held->body == thing.body;
    thing.set(turning, false);
    thing.set(verified, same && held->is(verified));
    put(fresh, thing);
  }
  state.cache = std::move(fresh);
}

void Cluster::changed(State& state, Kind kind) const {
  if ((state.stalled & bit_of(kind)) != 0) return;
  deliver(state, kind);
  state.queued = true;
}

}  // namespace todoapp::model
