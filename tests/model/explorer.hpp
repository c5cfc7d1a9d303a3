// Visits every state of the small cluster that can be reached, nearest first, and asks the laws at each: 2 to 5 at
// every step, law 1 by letting each state come to rest twice, in fair weather and in bad.
//
// Law: breadth first, so that the first counterexample is a shortest one. Bounded by the scenario's budgets, and by a
// number of states where those do not end it (then the report says that it was cut). The seed orders the steps out of a
// state: it decides which states a cut leaves out, and nothing else.
// Limits: states are told apart by 128 bits of hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/cluster.hpp"

namespace todoapp::model {

struct Report {
  std::string scenario;
  std::size_t states{0};
  std::size_t steps{0};
  std::size_t depth{0};
  std::size_t decisions{0};  ///< different observations that `reconcile` was asked about
  std::size_t rests{0};      ///< different states in which nothing happens any more
  double seconds{0};
  bool cut{false};
  std::optional<Violation> violation;
  std::vector<std::string> trace;  ///< from the beginning to the violation

  [[nodiscard]] std::string words() const;
};

class Explorer {
 public:
  Explorer(const Scenario& scenario, std::uint32_t seed);
  Report run();

 private:
  struct Key {
    std::uint64_t one, other;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const { return key.one; }
  };
  struct Node {
    std::uint32_t parent;
    Step step;
  };
  static Key key_of(const State& state);
  std::optional<State> start();
  bool visit(const State& state, std::uint32_t parent, Step step);
  bool comes_to_rest(const State& from, Weather weather, std::uint32_t node);
  void tell(Violation violation, std::uint32_t node, const std::vector<Step>& then, std::optional<Weather> weather);

  Cluster cluster_;
  std::uint32_t seed_;
  State first_;
  std::vector<Node> nodes_;
  std::unordered_set<Key, Hash> known_;
  std::unordered_set<Key, Hash> calm_[2];
  Report report_;
};

/// With TODOAPP_MODEL_STATES, TODOAPP_MODEL_MORE (added to every budget) and TODOAPP_MODEL_SEED; prints what it came
/// to.
[[nodiscard]] Report explore(Scenario scenario);

}  // namespace todoapp::model
