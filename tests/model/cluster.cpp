#include "model/cluster.hpp"

#include <fmt/format.h>

#include "todoapp/names.hpp"

namespace todoapp::model {

using Type = Step::Type;

Cluster::Cluster(const Scenario& scenario)
    : scenario_(scenario), tables_(scenario_), decisions_(tables_), laws_(scenario_, tables_.bodies) {}

State Cluster::beginning() const {
  State state;
  state.budget = scenario_.budget;
  return state;
}

void Cluster::fault(State& state, Step step) {
  --state.budget.faults;
  if (step.type == Type::answer_lost) lose_answer(state);
  if (step.type == Type::request_lost) fail(state);
  if (step.type == Type::refused) refuse(state);
  if (step.type == Type::crash) crash(state);
  if (step.type == Type::take_over) take_over(state);
}

std::optional<Violation> Cluster::take(State& state, Step step) {
  const auto bit = static_cast<std::uint16_t>(1U << step.which);
  switch (step.type) {
    case Type::begin:
      begin(state);
      break;
    case Type::go_on:
      go_on(state);
      break;
    case Type::wake:
      pass_time(state, std::chrono::seconds{state.timer});
      break;
    case Type::answer_lost:
    case Type::request_lost:
    case Type::refused:
    case Type::crash:
    case Type::take_over:
      fault(state, step);
      break;
    case Type::old_goes_on:
      old_goes_on(state);
      break;
    case Type::stall:
      --state.budget.lags;
      state.stalled = static_cast<std::uint16_t>(state.stalled | bit);
      break;
    case Type::catch_up:
      catch_up(state, step.which);
      break;
    case Type::fall_behind:
      --state.budget.lags;
      fall_behind(state, step.which);
      break;
    case Type::time_out:
      --state.budget.failures;
      pass_time(state, std::chrono::seconds{1800});
      break;
    case Type::edit:
    case Type::pin:
    case Type::retry:
    case Type::restart:
    case Type::rotate:
    case Type::remove:
    case Type::tamper:
      user_step(state, step);
      break;
    case Type::observe:
    case Type::observe_late:
    case Type::available:
    case Type::late:
    case Type::crash_pods:
    case Type::lose_pods:
    case Type::job_done:
    case Type::job_failed:
      controller_step(state, step);
      break;
  }
  return laws_.take();
}

namespace {

std::string kind_words(std::uint8_t which) {
  return which < all_kinds.size() ? std::string(to_string(static_cast<Kind>(which))) : "TodoAppDeployment";
}

}  // namespace

std::string Cluster::words_of(const State& state, Step step) const {
  const auto* request = next_request(state.work);
  const auto doing = request == nullptr ? std::string("nothing") : decisions_.words_of(*request);
  const auto name = [&] { return tables_.bodies.slot(step.which).name; };
  switch (step.type) {
    case Type::begin:
      return "operator: decides";
    case Type::go_on:
      return "operator: " + doing;
    case Type::wake:
      return fmt::format("time: {} s pass, and the operator looks again", state.timer);
    case Type::answer_lost:
      return "operator: " + doing + "; the answer is lost";
    case Type::request_lost:
      return "operator: " + doing + "; the request is lost";
    case Type::refused:
      return "operator: " + doing + "; the API server refuses it";
    case Type::crash:
      return request == nullptr ? "operator: crashes" : "operator: crashes before: " + doing;
    case Type::take_over:
      return "operator: the standby takes over" + (request == nullptr ? std::string{} : " before: " + doing);
    case Type::old_goes_on:
      return "operator: the process that led before goes on";
    case Type::stall:
      return "watch: the leader hears no more of kind " + kind_words(step.which);
    case Type::catch_up:
      return "watch: the leader catches up with kind " + kind_words(step.which);
    case Type::fall_behind:
      return "watch: the standby hears no more of kind " + kind_words(step.which);
    case Type::observe:
      return "cluster: " + name() + " is observed";
    case Type::observe_late:
      return "cluster: " + name() + " is observed, the old verdict stays";
    case Type::available:
      return "cluster: " + name() + " becomes available";
    case Type::late:
      return "cluster: " + name() + " misses its progress deadline";
    case Type::crash_pods:
      return "cluster: the pods of " + name() + " crash again and again";
    case Type::lose_pods:
      return "cluster: " + name() + " loses its pods";
    case Type::job_done:
      return "cluster: " + name() + " completes";
    case Type::job_failed:
      return "cluster: " + name() + " fails";
    case Type::time_out:
      return "time: the absolute time-out passes";
    case Type::edit:
      return fmt::format("user: asks for content {}", static_cast<char>('A' + step.which));
    case Type::pin:
      return step.which == 0 ? "user: takes rollback.toRevision away"
                             : fmt::format("user: pins revision {}", step.which);
    case Type::retry:
      return "user: sets a new retry token";
    case Type::restart:
      return "user: sets a new restart token";
    case Type::rotate:
      return "user: changes the value in their Secret";
    case Type::remove:
      return "user: deletes " + name();
    case Type::tamper:
      return "user: changes " + name();
  }
  return {};
}

}  // namespace todoapp::model
