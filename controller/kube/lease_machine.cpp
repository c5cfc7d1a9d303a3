#include "kube/lease_machine.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/overloaded.hpp"

namespace kube {

using namespace lease_state;

// The record on the wire

base::Result<Lease> read_lease(std::string_view body) {
  try {
    auto json = nlohmann::json::parse(body);
    auto metadata = json.at("metadata");
    metadata.erase("managedFields");
    const auto spec = json.find("spec");
    // Each field may be missing, or null.
    const auto field = [&]<class T>(const char* name, T absent) {
      if (spec == json.end() || !spec->contains(name) || spec->at(name).is_null()) return absent;
      return spec->at(name).template get<T>();
    };
    return Lease{.record = {.holder = field("holderIdentity", std::string()),
                            .duration = std::chrono::seconds{field("leaseDurationSeconds", 0)},
                            .acquired = field("acquireTime", std::string()),
                            .renewed = field("renewTime", std::string()),
                            .transitions = field("leaseTransitions", 0)},
                 .metadata = metadata.dump()};
  } catch (const nlohmann::json::exception& error) {
    return base::fail(base::ErrorCode::invalid, "read Lease", error.what());
  }
}

std::string write_lease(const Lease& lease) {
  const nlohmann::json spec{{"holderIdentity", lease.record.holder},
                            {"leaseDurationSeconds", lease.record.duration.count()},
                            {"acquireTime", lease.record.acquired},
                            {"renewTime", lease.record.renewed},
                            {"leaseTransitions", lease.record.transitions}};
  const nlohmann::json json{{"apiVersion", "coordination.k8s.io/v1"},
                            {"kind", "Lease"},
                            {"metadata", nlohmann::json::parse(lease.metadata)},
                            {"spec", spec}};
  return json.dump();
}

namespace {

bool is_stale(base::ErrorCode code) {
  return code == base::ErrorCode::conflict || code == base::ErrorCode::not_found ||
         code == base::ErrorCode::already_exists;
}

LeaseActions operator+(LeaseActions first, LeaseActions second) {
  first.insert(first.end(), std::make_move_iterator(second.begin()), std::make_move_iterator(second.end()));
  return first;
}

}  // namespace

// The inputs

LeaseActions LeaseMachine::tick(const LeaseNow& now) {
  const auto calling = [&]() -> LeaseActions {
    if (releasing_) return {};  // the call ends by its own deadline
    if (now.mono >= deadline()) return lose("the renew deadline passed");
    return {WaitUntil{deadline()}};
  };
  return std::visit(base::Overloaded{
                        [&](const Standby& state) -> LeaseActions {
                          if (now.mono < state.until) return {WaitUntil{state.until}};
                          state_ = Looking{};
                          return {ReadLease{}};
                        },
                        [&](const Looking&) -> LeaseActions { return {}; },
                        [&](const Taking&) -> LeaseActions { return {}; },
                        [&](const Leading& state) -> LeaseActions {
                          if (now.mono >= deadline()) return lose("the renew deadline passed");
                          if (now.mono < state.until) return {WaitUntil{state.until}};
                          return state.look_first ? check() : renew(now, false);
                        },
                        [&](const Renewing&) { return calling(); },
                        [&](const Checking&) { return calling(); },
                        [&](const Releasing&) -> LeaseActions { return {}; },
                        [&](const Lost&) -> LeaseActions { return {}; },
                        [&](const Ended&) -> LeaseActions { return {}; },
                    },
                    LeaseState{state_});
}

LeaseActions LeaseMachine::read(const base::Result<Lease>& answer, const LeaseNow& now) {
  return std::visit(base::Overloaded{
                        [&](const Looking&) { return looked(answer, now); },
                        [&](const Checking&) { return checked(answer, now); },
                        [&](const Releasing& state) -> LeaseActions {
                          if (!state.reading || !answer || !mine(*answer)) return end();
                          observed_ = *answer;
                          return give_up(now, true);
                        },
                        [&](const Standby&) -> LeaseActions { return {}; },
                        [&](const Taking&) -> LeaseActions { return {}; },
                        [&](const Leading&) -> LeaseActions { return {}; },
                        [&](const Renewing&) -> LeaseActions { return {}; },
                        [&](const Lost&) -> LeaseActions { return {}; },
                        [&](const Ended&) -> LeaseActions { return {}; },
                    },
                    LeaseState{state_});
}

LeaseActions LeaseMachine::wrote(const base::Result<Lease>& answer, const LeaseNow& now) {
  return std::visit(base::Overloaded{
                        [&](const Taking& state) { return taken(answer, state.start, now); },
                        [&](const Renewing& state) { return renewed(answer, state, now); },
                        [&](const Releasing& state) -> LeaseActions {
                          if (answer || state.again || !is_stale(answer.error().code)) return end();
                          return read_to_give_up();
                        },
                        [&](const Standby&) -> LeaseActions { return {}; },
                        [&](const Looking&) -> LeaseActions { return {}; },
                        [&](const Leading&) -> LeaseActions { return {}; },
                        [&](const Checking&) -> LeaseActions { return {}; },
                        [&](const Lost&) -> LeaseActions { return {}; },
                        [&](const Ended&) -> LeaseActions { return {}; },
                    },
                    LeaseState{state_});
}

LeaseActions LeaseMachine::release(const LeaseNow& now) {
  releasing_ = true;
  return std::visit(
      base::Overloaded{
          [&](const Standby&) { return end(); },
          [&](const Looking&) { return end(); },
          [&](const Leading& state) { return state.look_first ? read_to_give_up() : give_up(now, false); },
          // Their answer tells whether we hold it, and by which resourceVersion.
          [&](const Taking&) -> LeaseActions { return {}; },
          [&](const Renewing&) -> LeaseActions { return {}; },
          [&](const Checking&) -> LeaseActions { return {}; },
          [&](const Releasing&) -> LeaseActions { return {}; },
          [&](const Lost&) -> LeaseActions { return {Released{}}; },
          [&](const Ended&) -> LeaseActions { return {Released{}}; },
      },
      LeaseState{state_});
}

bool LeaseMachine::may_write(base::MonoTime now) const {
  const auto until = may_write_until();
  return until && now < *until;
}

std::optional<base::MonoTime> LeaseMachine::may_write_until() const {
  if (!renewed_at_ || releasing_) return std::nullopt;
  return deadline();
}

// The answers

LeaseActions LeaseMachine::looked(const base::Result<Lease>& answer, const LeaseNow& now) {
  if (answer) {
    auto actions = observe(*answer, now);
    return std::move(actions) + (takeable(now.mono) ? take(now) : stand_by(now));
  }
  if (answer.error().code != base::ErrorCode::not_found) return stand_by(now);
  observed_.reset();
  return take(now);
}

LeaseActions LeaseMachine::taken(const base::Result<Lease>& answer, base::MonoTime start, const LeaseNow& now) {
  // A lost answer may hide a success: then the next look finds our own name.
  if (!answer) return releasing_ ? end() : stand_by(now);
  auto actions = observe(*answer, now);
  if (releasing_) return std::move(actions) + give_up(now, false);
  if (now.mono >= start + settings_.renew_deadline) return std::move(actions) + stand_by(now);
  renewed_at_ = start;
  actions.emplace_back(BecameLeader{});
  return std::move(actions) + lead(now, false);
}

LeaseActions LeaseMachine::renewed(const base::Result<Lease>& answer, const Renewing& renewing, const LeaseNow& now) {
  LeaseActions actions;
  if (answer) {
    actions = observe(*answer, now);
    renewed_at_ = renewing.start;
  }
  if (releasing_) return std::move(actions) + (answer ? give_up(now, false) : read_to_give_up());
  if (now.mono >= deadline()) return lose("the renew deadline passed");
  if (answer) return std::move(actions) + lead(now, false);
  const bool stale = is_stale(answer.error().code);
  return stale && !renewing.looked ? check() : lead(now, stale);
}

LeaseActions LeaseMachine::checked(const base::Result<Lease>& answer, const LeaseNow& now) {
  if (releasing_) {
    if (!answer || !mine(*answer)) return end();
    observed_ = *answer;
    return give_up(now, true);
  }
  if (answer) {
    auto actions = observe(*answer, now);
    if (!mine(*answer) && !answer->record.holder.empty()) {
      return std::move(actions) + lose("the lease is held by " + answer->record.holder);
    }
    return now.mono >= deadline() ? lose("the renew deadline passed") : std::move(actions) + renew(now, true);
  }
  if (now.mono >= deadline()) return lose("the renew deadline passed");
  if (answer.error().code != base::ErrorCode::not_found) return lead(now, true);
  // Somebody deleted it. Whoever makes it first has it; a refusal is looked into at once.
  observed_.reset();
  return renew(now, false);
}

LeaseActions LeaseMachine::observe(const Lease& lease, const LeaseNow& now) {
  if (!observed_ || observed_->record != lease.record) changed_at_ = now.mono;
  observed_ = lease;
  if (lease.record.holder == reported_) return {};
  reported_ = lease.record.holder;
  if (reported_.empty()) return {};
  return {ObservedLeader{reported_}};
}

bool LeaseMachine::takeable(base::MonoTime now) const {
  const auto& record = observed_->record;
  if (record.holder.empty() || mine(*observed_)) return true;
  const std::chrono::milliseconds duration = record.duration.count() > 0 ? record.duration : settings_.lease_duration;
  return now >= changed_at_ + duration;
}

// The moves: each sets the state and says what is to be done

LeaseActions LeaseMachine::stand_by(const LeaseNow& now) {
  const std::chrono::duration<double, std::milli> wait = settings_.retry_period * (1.0 + settings_.jitter * now.random);
  const auto until = now.mono + std::chrono::duration_cast<std::chrono::milliseconds>(wait);
  state_ = Standby{until};
  return {WaitUntil{until}};
}

LeaseActions LeaseMachine::take(const LeaseNow& now) {
  state_ = Taking{now.mono};
  return {write_held(now)};
}

LeaseActions LeaseMachine::renew(const LeaseNow& now, bool looked) {
  state_ = Renewing{now.mono, looked};
  return {write_held(now), WaitUntil{deadline()}};
}

LeaseActions LeaseMachine::check() {
  state_ = Checking{};
  return {ReadLease{}, WaitUntil{deadline()}};
}

LeaseActions LeaseMachine::lead(const LeaseNow& now, bool look_first) {
  const auto until = std::min(now.mono + settings_.retry_period, deadline());
  state_ = Leading{until, look_first};
  return {WaitUntil{until}};
}

LeaseActions LeaseMachine::lose(std::string why) {
  state_ = Lost{};
  renewed_at_.reset();
  return {LostLeadership{std::move(why)}};
}

LeaseActions LeaseMachine::give_up(const LeaseNow& now, bool again) {
  state_ = Releasing{false, again};
  const auto time = base::format_micro_time(now.wall);
  const LeaseRecord free{.holder = "",
                         .duration = std::chrono::seconds{1},
                         .acquired = time,
                         .renewed = time,
                         .transitions = observed_->record.transitions};
  return {UpdateLease{write_lease({free, observed_->metadata})}};
}

LeaseActions LeaseMachine::read_to_give_up() {
  state_ = Releasing{true, false};
  return {ReadLease{}};
}

LeaseActions LeaseMachine::end() {
  state_ = Ended{};
  renewed_at_.reset();
  return {Released{}};
}

/// The Lease as ours: made, taken over or renewed, by what was observed last.
LeaseAction LeaseMachine::write_held(const LeaseNow& now) const {
  const auto time = base::format_micro_time(now.wall);
  LeaseRecord record{.holder = settings_.identity,
                     .duration = std::chrono::ceil<std::chrono::seconds>(settings_.lease_duration),
                     .acquired = time,
                     .renewed = time,
                     .transitions = 0};
  if (!observed_) {
    const nlohmann::json metadata{{"name", settings_.name}, {"namespace", settings_.namespace_}};
    return CreateLease{write_lease({record, metadata.dump()})};
  }
  record.transitions = observed_->record.transitions + (mine(*observed_) ? 0 : 1);
  if (mine(*observed_)) record.acquired = observed_->record.acquired;
  return UpdateLease{write_lease({record, observed_->metadata})};
}

}  // namespace kube
