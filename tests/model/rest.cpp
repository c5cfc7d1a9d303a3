#include "model/rest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "todoapp/names.hpp"

namespace todoapp::model {
namespace {

constexpr int most_steps_after_restart = 40;

class Rest {
 public:
  Rest(Cluster& cluster, const State& state, Weather weather)
      : cluster_(cluster),
        state_(state),
        weather_(weather),
        app_(app_of(cluster.scenario(), state.app)),
        newest_(newest_record(cluster.bodies(), state)),
        pinned_(state.app.pin == 0 ? nullptr : record_of(cluster.bodies(), state, state.app.pin)) {}

  std::optional<std::string> wrong() {
    const auto& decision = cluster_.decide(state_);
    if (!decision.requests.empty()) {
      return "at rest the operator would go on: " + cluster_.decisions().words_of(decision.requests.front());
    }
    if (decision.wait != no_timer) return "at rest, and the operator would look again";
    if (newest_ == nullptr) return "at rest without a revision";
    if (auto wrong = unlike(decision.reason)) return fmt::format("{}: {}", decision.reason, *wrong);
    if (auto wrong = missing()) return wrong;
    return restarted();
  }

 private:
  [[nodiscard]] bool asked() const {
    return pinned_ != nullptr ? newest_->content_hash == pinned_->content_hash : holds(*newest_, app_);
  }

  /// All pods are of that revision, and up.
  [[nodiscard]] bool serves(const Revision& record) const {
    std::size_t tiers = 0;
    for (const auto& thing : state_.objects) {
      if (cluster_.bodies().kind(thing) != Kind::deployment) continue;
      const auto tier = tier_of(cluster_.bodies().name(thing));
      if (cluster_.bodies().at(thing).template_hash != record.template_of(tier)) return false;
      if (thing.phase != Phase::serving || !thing.is(seen)) return false;
      ++tiers;
    }
    return tiers == all_tiers.size();
  }

  /// What is asked for failed before, and nothing gives leave to try again.
  [[nodiscard]] bool quarantined() const {
    for (const auto& thing : state_.objects) {
      const auto& record = cluster_.bodies().at(thing).record;
      if (record && record->outcome == Outcome::failed && holds(*record, app_)) return true;
    }
    return false;
  }

  /// In what the state is not what its reason says.
  [[nodiscard]] std::optional<std::string> unlike(const std::string& reason) const {
    const bool good = newest_->outcome == Outcome::succeeded && serves(*newest_);
    if (reason == "Succeeded" || reason == "RolledBackOnRequest") {
      if (!asked()) return "another content is asked for";
      if (!good) return "the newest revision does not serve";
      if ((reason == "RolledBackOnRequest") != (pinned_ != nullptr)) return "the pin says otherwise";
      return std::nullopt;
    }
    if (reason == "RevisionNotFound") {
      if (state_.app.pin == 0 || pinned_ != nullptr) return "the revision is there, or none is asked for";
      return std::nullopt;
    }
    if (reason == "RolledBack") {
      if (pinned_ != nullptr || asked() || !quarantined()) return "what is asked for is not in quarantine";
      if (!good) return "what was rolled back to does not serve";
      return std::nullopt;
    }
    if (weather_ == Weather::bad && newest_->outcome == Outcome::succeeded && asked() && !good) {
      // Pods that came up once do not any more. (Without a status nobody knows that they did.)
      if (reason == "Degraded" || (reason == "Progressing" && !cluster_.scenario().status)) return std::nullopt;
    }
    if (reason == "RolloutFailed" || reason == "InstallFailed" || reason == "RollbackFailed") return unlike_failure();
    if (reason == "SchemaBarrier") {
      for (const auto& thing : state_.objects) {
        const auto& record = cluster_.bodies().at(thing).record;
        if (record && record->schema_reached > 0) return std::nullopt;
      }
      return "no migration has reached any schema";
    }
    return "no reason to be at rest";
  }

  [[nodiscard]] std::optional<std::string> unlike_failure() const {
    if (newest_->outcome != Outcome::failed) return "the newest revision did not fail";
    if (serves(*newest_)) return "the pods of the failed revision serve";
    if (weather_ == Weather::fair && !never_began()) return "nothing keeps the pods from coming up";
    return std::nullopt;
  }

  /// The pods that were to come first are still those of before: a revision that failed touches none any more.
  [[nodiscard]] bool never_began() const {
    const auto first = newest_->rollback_of ? Tier::frontend : Tier::backend;
    return std::any_of(state_.objects.begin(), state_.objects.end(), [&](const Thing& thing) {
      return cluster_.bodies().kind(thing) == Kind::deployment && tier_of(cluster_.bodies().name(thing)) == first &&
             cluster_.bodies().at(thing).template_hash != newest_->template_of(first);
    });
  }

  /// A child that is gone or changed.
  [[nodiscard]] std::optional<std::string> missing() const {
    const auto& bodies = cluster_.bodies();
    std::size_t services = 0;
    for (const auto& thing : state_.objects) {
      const auto kind = bodies.kind(thing);
      if (kind == Kind::service) ++services;
      const bool kept = kind == Kind::service || kind == Kind::deployment;
      if (kept && bodies.at(thing).tampered) return bodies.name(thing) + " stays as somebody else changed it";
    }
    if (services != all_tiers.size()) return "a Service is not there";
    if (newest_->outcome != Outcome::succeeded) return std::nullopt;
    for (const auto& name : newest_->uses) {
      const bool there = std::any_of(state_.objects.begin(), state_.objects.end(),
                                     [&](const Thing& thing) { return bodies.name(thing) == name; });
      if (!there) return name + " is used, and not there";
    }
    return std::nullopt;
  }

  /// A process that begins now writes nothing, either. (It may read: of an app that was rolled back the spec does not
  /// tell what runs.)
  std::optional<std::string> restarted() {
    auto state = state_;
    state.budget.faults = 1;
    cluster_.take(state, {Step::Type::crash});
    for (int count = 0; count < most_steps_after_restart; ++count) {
      const auto* request = cluster_.next_request(state.work);
      if (request != nullptr && is_write(*request)) {
        return "a restart makes the operator " + cluster_.decisions().words_of(*request);
      }
      const auto step = cluster_.fair(state, weather_);
      if (!step) return std::nullopt;
      cluster_.take(state, *step);
    }
    return "a restart never comes to rest";
  }

  Cluster& cluster_;
  const State& state_;
  Weather weather_;
  App app_;
  const Revision* newest_;
  const Revision* pinned_;
};

}  // namespace

std::optional<std::string> wrong_at_rest(Cluster& cluster, const State& state, Weather weather) {
  return Rest(cluster, state, weather).wrong();
}

}  // namespace todoapp::model
