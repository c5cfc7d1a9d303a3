#include "model/explorer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <random>

#include "model/rest.hpp"

namespace todoapp::model {
namespace {

/// A run to rest takes some fifty steps; whoever needs this many goes round in circles.
constexpr std::size_t most_steps_to_rest = 500;
constexpr std::size_t most_told_steps = 50;
constexpr std::uint32_t no_parent = 0xFFFFFFFF;

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 32U;
  value *= 0x9E3779B97F4A7C15U;
  value ^= value >> 29U;
  value *= 0xBF58476D1CE4E5B9U;
  return value ^ value >> 32U;
}

std::uint64_t hash_of(const std::string& text, std::uint64_t seed) {
  std::uint64_t hash = mix(seed ^ text.size());
  for (std::size_t at = 0; at < text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, std::min(sizeof word, text.size() - at));
    hash = mix(hash ^ word) + (hash << 1U);
  }
  return mix(hash);
}

std::size_t setting(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
}

}  // namespace

std::string Report::words() const {
  auto text = fmt::format("{}: {} states, {} steps, depth {}, {} decisions, {} ends, {:.1f} s{}", scenario, states,
                          steps, depth, decisions, rests, seconds, cut ? "; cut by the bound of states" : "");
  if (!violation) return text;
  text += fmt::format("\nlaw {} is broken: {}", violation->law, violation->what);
  for (const auto& line : trace) text += "\n  " + line;
  return text;
}

Explorer::Explorer(const Scenario& scenario, std::uint32_t seed) : cluster_(scenario), seed_(seed) {
  report_.scenario = scenario.name;
}

Explorer::Key Explorer::key_of(const State& state) {
  const auto text = state.key();
  return {hash_of(text, 1), hash_of(text, 0x5851F42D4C957F2DU)};
}

/// The state to begin with, or nothing where not even that can be reached.
std::optional<State> Explorer::start() {
  auto state = cluster_.beginning();
  const auto budget = state.budget;
  if (!cluster_.scenario().installed) return state;
  state.budget = {};
  first_ = state;
  if (!comes_to_rest(state, Weather::fair, no_parent)) return std::nullopt;
  while (const auto step = cluster_.fair(state, Weather::fair)) cluster_.take(state, *step);
  state.budget = budget;
  return state;
}

Report Explorer::run() {
  const auto began = std::chrono::steady_clock::now();
  std::mt19937 random(seed_);
  std::deque<std::pair<State, std::uint32_t>> frontier;
  if (auto state = start()) {
    first_ = *state;
    if (visit(*state, no_parent, {})) frontier.emplace_back(*std::move(state), 0);
  }
  std::size_t level_ends = 1;
  while (!frontier.empty() && !report_.violation) {
    const auto [state, node] = std::move(frontier.front());
    frontier.pop_front();
    if (node >= level_ends) {
      ++report_.depth;
      level_ends = nodes_.size();
    }
    auto steps = cluster_.possible(state);
    std::shuffle(steps.begin(), steps.end(), random);
    for (const auto step : steps) {
      ++report_.steps;
      auto next = state;
      if (auto violation = cluster_.take(next, step)) {
        tell(*std::move(violation), node, {step}, std::nullopt);
        break;
      }
      if (nodes_.size() >= cluster_.scenario().most_states) {
        report_.cut = true;
        continue;
      }
      const auto number = static_cast<std::uint32_t>(nodes_.size());
      if (visit(next, node, step)) frontier.emplace_back(std::move(next), number);
      if (report_.violation) break;
    }
  }
  report_.states = nodes_.size();
  report_.decisions = cluster_.decisions().asked();
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return report_;
}

/// Whether the state is new, and keeps law 1.
bool Explorer::visit(const State& state, std::uint32_t parent, Step step) {
  if (!known_.insert(key_of(state)).second) return false;
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({parent, step});
  return comes_to_rest(state, Weather::fair, number) && comes_to_rest(state, Weather::bad, number);
}

bool Explorer::comes_to_rest(const State& from, Weather weather, std::uint32_t node) {
  auto& calm = calm_[static_cast<std::size_t>(weather)];
  auto state = from;
  state.budget = {};
  state.lagging = 0;
  state.behind.clear();
  state.behind_app = {};
  std::vector<Key> path;
  std::vector<Step> steps;
  const auto fails = [&](Violation violation) {
    tell(std::move(violation), node, steps, weather);
    return false;
  };
  while (steps.size() < most_steps_to_rest) {
    const auto key = key_of(state);
    const auto step = calm.contains(key) ? std::nullopt : cluster_.fair(state, weather);
    if (!step && !calm.contains(key)) {
      if (auto wrong = wrong_at_rest(cluster_, state, weather)) return fails({1, *std::move(wrong)});
      ++report_.rests;
      path.push_back(key);
    }
    if (!step) {
      calm.insert(path.begin(), path.end());
      return true;
    }
    path.push_back(key);
    steps.push_back(*step);
    if (auto violation = cluster_.take(state, *step)) return fails(*std::move(violation));
  }
  return fails({1, "the app never comes to rest"});
}

void Explorer::tell(Violation violation, std::uint32_t node, const std::vector<Step>& then,
                    std::optional<Weather> weather) {
  std::vector<Step> steps;
  for (auto at = node; at != no_parent && at != 0; at = nodes_[at].parent) steps.push_back(nodes_[at].step);
  std::reverse(steps.begin(), steps.end());
  auto state = first_;
  auto& trace = report_.trace;
  const auto follow = [&](const std::vector<Step>& path) {
    for (const auto step : path) {
      if (trace.size() >= most_told_steps) return;
      trace.push_back(cluster_.words_of(state, step));
      cluster_.take(state, step);
    }
  };
  follow(steps);
  if (weather) {
    trace.emplace_back(*weather == Weather::fair ? "-- from here on nothing goes wrong:"
                                                 : "-- from here on nothing goes wrong but bad contents:");
    state.budget = {};
  }
  follow(then);
  report_.violation = std::move(violation);
}

Report explore(Scenario scenario) {
  scenario.most_states = setting("TODOAPP_MODEL_STATES", scenario.most_states);
  const auto more = static_cast<std::uint8_t>(setting("TODOAPP_MODEL_MORE", 0));
  for (auto* budget :
       {&scenario.budget.edits, &scenario.budget.faults, &scenario.budget.lags, &scenario.budget.failures}) {
    if (*budget > 0) *budget = static_cast<std::uint8_t>(*budget + more);
  }
  auto report = Explorer(scenario, static_cast<std::uint32_t>(setting("TODOAPP_MODEL_SEED", 1))).run();
  std::cout << report.words() << std::endl;
  return report;
}

}  // namespace todoapp::model
