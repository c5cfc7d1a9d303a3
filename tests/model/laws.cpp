#include "model/laws.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "model/decisions.hpp"
#include "todoapp/names.hpp"

namespace todoapp::model {
namespace {

constexpr unsigned most_numbers = 32;

/// "retry-2" -> bit 2; no bit for no token.
std::uint8_t token_bit(const std::string& token) {
  const auto at = token.rfind('-');
  unsigned number = 0;
  if (at != std::string::npos) std::from_chars(token.data() + at + 1, token.data() + token.size(), number);
  return number == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(1U << (number % 8));
}

bool may_become(Outcome before, Outcome after) {
  return before == after || before == Outcome::none || (before == Outcome::failed && after == Outcome::succeeded);
}

}  // namespace

const Revision* newest_record(const Bodies& bodies, const State& state) {
  const Revision* newest = nullptr;
  for (const auto& thing : state.objects) {
    const auto& record = bodies.at(thing).record;
    if (record && (newest == nullptr || record->number > newest->number)) newest = &*record;
  }
  return newest;
}

const Revision* record_of(const Bodies& bodies, const State& state, std::int64_t number) {
  for (const auto& thing : state.objects) {
    const auto& record = bodies.at(thing).record;
    if (record && record->number == number) return &*record;
  }
  return nullptr;
}

const Revision* last_good_record(const Bodies& bodies, const State& state) {
  const Revision* good = nullptr;
  for (const auto& thing : state.objects) {
    const auto& record = bodies.at(thing).record;
    if (!record || record->outcome != Outcome::succeeded) continue;
    if (good == nullptr || record->number > good->number) good = &*record;
  }
  return good;
}

bool holds(const Revision& record, const App& app) {
  return part_of(record.parts, "frontend.image") == app.spec.frontend.image &&
         part_of(record.parts, "backend.image") == app.spec.backend.image;
}

Tier tier_of(const std::string& name) { return name.ends_with("-frontend") ? Tier::frontend : Tier::backend; }

void Laws::broken(int law, std::string what) {
  if (!violation_) violation_ = Violation{law, std::move(what)};
}

std::optional<Violation> Laws::take() { return std::exchange(violation_, std::nullopt); }

void Laws::recorded(State& state, const Revision& record) {
  auto& past = state.past;
  if (record.number >= most_numbers) return broken(3, "there is no end of new revisions");
  const auto number_bit = std::uint32_t{1} << static_cast<unsigned>(record.number);
  if ((past.numbers & number_bit) != 0)
    return broken(2, fmt::format("revision number {} is used twice", record.number));
  past.numbers |= number_bit;
  const auto token = token_bit(record.retry);
  const bool fresh_token = token != 0 && (past.tokens & token) == 0;
  past.tokens = static_cast<std::uint8_t>(past.tokens | token);
  if (state.cached_app.pin != 0) return;  // a user may pin what they like
  if (record.rollback_of) return rolled_back(state, record);
  const auto attempts = past.failed[bodies_.content_number(record.content_hash)];
  if (attempts > scenario_.contents.front().spec.upgrade.max_retries && !fresh_token) {
    broken(3, fmt::format("revision {} ({}) is recorded, and its content is quarantined", record.number, record.cause));
  }
}

/// By itself: to the last good revision, once. (Its content may have failed since, as another revision.)
void Laws::rolled_back(const State& state, const Revision& record) {
  const auto* before = newest_record(bodies_, state);
  const auto* good = last_good_record(bodies_, state);
  if (good == nullptr || record.rollback_of != good->number) {
    return broken(3, fmt::format("revision {} rolls back to another than the last good revision", record.number));
  }
  if (before->outcome != Outcome::failed || before->rollback_of) {
    broken(3, fmt::format("revision {} rolls back what did not fail, or was a rollback", record.number));
  }
}

void Laws::marked(State& state, const Revision& before, const StringMap& marks) {
  auto after = before.outcome;
  for (const auto& [name, value] : marks) {
    if (name == mark::outcome) {
      after = Outcome::none;
      for (const auto each : {Outcome::succeeded, Outcome::failed, Outcome::superseded}) {
        if (value == to_string(each)) after = each;
      }
    } else if (name != mark::reason && name != mark::failure && name != mark::schema) {
      broken(2, fmt::format("{} of the recorded revision {} is changed", name, before.number));
    }
  }
  if (!may_become(before.outcome, after)) {
    broken(2, fmt::format("revision {} is recorded as {}, and now it is to be {}", before.number,
                          to_string(before.outcome), after == Outcome::none ? "under way" : to_string(after)));
  }
  auto& failed = state.past.failed[bodies_.content_number(before.content_hash)];
  if (after == Outcome::succeeded) failed = 0;
  if (after == Outcome::failed && before.outcome != Outcome::failed) ++failed;
}

void Laws::removed(State& state, const Revision& record) {
  // A failure may be forgotten with its record once the spec asks for something else.
  if (record.outcome != Outcome::failed || holds(record, app_of(scenario_, state.cached_app))) return;
  state.past.failed[bodies_.content_number(record.content_hash)] = 0;
}

void Laws::rolled(State& state, const Body* before, const Body& after) {
  if (before != nullptr && before->pods == after.pods) return;
  const auto tier = tier_of(bodies_.slot(after.slot).name);
  if (before == nullptr) {
    const auto* newest = newest_record(bodies_, state);
    const auto* good = last_good_record(bodies_, state);
    const bool of_newest = newest != nullptr && newest->template_of(tier) == after.template_hash;
    const bool of_good = newest != nullptr && newest->outcome == Outcome::failed && good != nullptr &&
                         good->template_of(tier) == after.template_hash;
    if (!of_newest && !of_good) broken(4, fmt::format("the {}'s pods are made from an old revision", to_string(tier)));
  } else if (before->template_hash != after.template_hash) {
    rolled_to_other_template(state, after, tier);
  } else {
    overlay_changed(state, *before, after, tier);
  }
  if (before == nullptr || before->overlay_secrets != after.overlay_secrets) {
    state.past.rotation = static_cast<std::uint8_t>(state.past.rotation & ~(1U << static_cast<unsigned>(tier)));
  }
}

void Laws::rolled_to_other_template(const State& state, const Body& after, Tier tier) {
  const auto* newest = newest_record(bodies_, state);
  if (newest != nullptr && newest->template_of(tier) == after.template_hash && newest->outcome == Outcome::none) return;
  if (newest == nullptr || newest->template_of(tier) != after.template_hash) {
    return broken(4, fmt::format("the {}'s pods move to another template than that of the newest revision, {}",
                                 to_string(tier), newest == nullptr ? 0 : newest->number));
  }
  // A failed revision that holds, and whose pods came up after all, is carried to its end.
  if (newest->outcome == Outcome::failed && is_held(state, *newest) && comes_right(state, *newest, tier)) return;
  broken(4, fmt::format("the {}'s pods move to the template of revision {}, which is {} already", to_string(tier),
                        newest->number, to_string(newest->outcome)));
}

/// Nothing follows a failure of that revision by itself: it is not to be rolled back, or cannot be.
bool Laws::is_held(const State& state, const Revision& record) const {
  const auto app = app_of(scenario_, state.cached_app);
  const auto* good = last_good_record(bodies_, state);
  return app.spec.upgrade.on_failure == OnFailure::hold || app.spec.rollback_to || record.rollback_of ||
         good == nullptr || record.compatible_from > good->schema_version;
}

/// The other tier runs that revision, and serves.
bool Laws::comes_right(const State& state, const Revision& record, Tier tier) const {
  const auto other = tier == Tier::frontend ? Tier::backend : Tier::frontend;
  for (const auto& thing : state.objects) {
    if (bodies_.kind(thing) != Kind::deployment || tier_of(bodies_.name(thing)) != other) continue;
    return bodies_.at(thing).template_hash == record.template_of(other) && thing.phase == Phase::serving &&
           thing.is(seen);
  }
  return false;
}

void Laws::overlay_changed(State& state, const Body& before, const Body& after, Tier tier) {
  bool asked = false;
  if (before.overlay_restart != after.overlay_restart) {
    asked = true;
    if (after.overlay_restart != app_of(scenario_, state.app).requests.restart) {
      broken(4, fmt::format("the {}'s pods restart for a token that nobody set", to_string(tier)));
    }
  }
  if (before.overlay_secrets != after.overlay_secrets) {
    asked = true;
    if ((state.past.rotation & (1U << static_cast<unsigned>(tier))) == 0) {
      broken(4, fmt::format("the {}'s pods restart for a secret that did not change", to_string(tier)));
    }
  }
  if (before.overlay_attempt != after.overlay_attempt) {
    asked = true;
    const auto* newest = newest_record(bodies_, state);
    if (newest == nullptr || newest->outcome != Outcome::none ||
        std::to_string(newest->number) != after.overlay_attempt) {
      broken(4, fmt::format("the {}'s pods are made anew, and no retry is under way", to_string(tier)));
    }
  }
  if (!asked) broken(4, fmt::format("the {}'s pods change, and nobody asked for it", to_string(tier)));
}

void Laws::wrote_without_leading(const std::string& what) {
  broken(5, "a process that no longer leads writes: " + what);
}

}  // namespace todoapp::model
