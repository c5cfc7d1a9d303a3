// The small cluster: an API server, the leader's process with its caches and its plan, a process that led before, the
// Deployment controller, the Job controller, pods, and users. One step changes one thing.
//
// Law: it answers as the API server and the shell do (create-only applies, uid preconditions, look again where a name
// is taken: see operator/execute.cpp), and decides nothing itself. What the leader wrote shows in its cache at once;
// what others did shows at once too, unless that kind's watch is stalled. An event that tells of nothing but the
// leader's own write wakes nobody. Limits, each of which leaves runs out and adds none: one replica a tier; controllers
// and users (but for those who delete or change children) act between passes; records that the operator knows to lag
// come before it gives up waiting for them; nobody deletes records. The lease lies outside the core, so of it there is
// only this: a take-over is one step, and a process that led before asks its fence before each write.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/decisions.hpp"
#include "model/laws.hpp"
#include "model/state.hpp"

namespace todoapp::model {

struct Step {
  enum class Type : std::uint8_t {
    // the leader
    begin,
    go_on,
    wake,
    // faults
    answer_lost,
    request_lost,
    refused,
    crash,
    take_over,
    old_goes_on,
    stall,
    catch_up,
    fall_behind,
    // the cluster
    observe,
    observe_late,
    available,
    late,
    crash_pods,
    lose_pods,
    job_done,
    job_failed,
    time_out,
    // users
    edit,
    pin,
    retry,
    restart,
    rotate,
    remove,
    tamper,
  };
  Type type{Type::begin};
  std::uint8_t which{0};  ///< slot, content, number or kind
  friend bool operator==(const Step&, const Step&) = default;
};

/// What pods and Jobs come to when nothing goes wrong any more.
enum class Weather : std::uint8_t {
  fair,  ///< all come up
  bad,   ///< those of bad contents do not
};

class Cluster {
 public:
  explicit Cluster(const Scenario& scenario);

  [[nodiscard]] State beginning() const;
  /// Everything that may happen next.
  [[nodiscard]] std::vector<Step> possible(const State& state) const;
  /// What happens next where nothing goes wrong and nobody asks for more; nothing where all is at rest.
  [[nodiscard]] std::optional<Step> fair(const State& state, Weather weather) const;
  /// Carries it out; the violation of a law, where it is one.
  std::optional<Violation> take(State& state, Step step);
  [[nodiscard]] std::string words_of(const State& state, Step step) const;

  [[nodiscard]] const Scenario& scenario() const { return scenario_; }
  [[nodiscard]] const Bodies& bodies() const { return tables_.bodies; }
  [[nodiscard]] const Decision& decide(const State& state) { return decisions_.at(decisions_.of(state)); }
  [[nodiscard]] const Decisions& decisions() const { return decisions_; }
  [[nodiscard]] const Request* next_request(const Work& work) const;

 private:
  enum class Answer : std::uint8_t { ok, conflict, not_found, already_exists };

  // --- the API server (cluster_server.cpp)
  Answer commit(State& state, const Request& request);
  Answer apply(State& state, const Request& request);
  Answer record(State& state, const Request& request);
  Answer mark(State& state, const Request& request);
  Answer remove(State& state, const Request& request);
  void make(State& state, Thing thing);
  /// The leader's cache shows of that kind what there is.
  void deliver(State& state, Kind kind) const;
  /// Somebody else than the leader changed something of that kind.
  void changed(State& state, Kind kind) const;

  // --- the operator's processes (cluster_operator.cpp)
  void fault(State& state, Step step);
  void begin(State& state);
  void go_on(State& state);
  void lose_answer(State& state);
  void refuse(State& state);
  void crash(State& state);
  void take_over(State& state);
  void old_goes_on(State& state);
  void pass_by_local(State& state);
  void end_pass(State& state);
  void fail(State& state) const;
  void note(State& state, const Request& request) const;
  bool read(State& state, const Request& request);
  void look_at_occupant(State& state, const Request& request);
  void catch_up(State& state, std::uint8_t which) const;
  void fall_behind(State& state, std::uint8_t which) const;

  // --- everybody else (cluster_others.cpp)
  void pass_time(State& state, std::chrono::seconds time);
  void controller_step(State& state, Step step);
  void user_step(State& state, Step step);
  void add_faults(const State& state, std::vector<Step>& steps) const;
  void add_cluster(const State& state, std::vector<Step>& steps) const;
  void add_tier(const State& state, const Thing& tier, std::vector<Step>& steps) const;
  void add_users(const State& state, std::vector<Step>& steps) const;
  void add_vandals(const State& state, std::vector<Step>& steps) const;
  [[nodiscard]] bool awaits_records(const State& state) const;
  [[nodiscard]] bool comes_up(const Thing& thing, Weather weather) const;
  [[nodiscard]] std::vector<kube::Pod> pods(const State& state) const;

  const Scenario scenario_;
  Tables tables_;
  Decisions decisions_;
  Laws laws_;
};

}  // namespace todoapp::model
