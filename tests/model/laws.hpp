// The laws of behaviour.md that a single write can break: 2 to 5. (Law 1 is about runs: see explorer.*.)
//
// Law: judged by what the API server holds and by what happened before, never by what the operator believes.
#pragma once

#include <optional>
#include <string>

#include "model/bodies.hpp"
#include "model/scenario.hpp"
#include "model/state.hpp"

namespace todoapp::model {

struct Violation {
  int law{0};
  std::string what;
};

/// The newest record that the API server holds, or nullptr.
[[nodiscard]] const Revision* newest_record(const Bodies& bodies, const State& state);
/// The record of that number, or nullptr.
[[nodiscard]] const Revision* record_of(const Bodies& bodies, const State& state, std::int64_t number);
/// The newest that succeeded, or nullptr.
[[nodiscard]] const Revision* last_good_record(const Bodies& bodies, const State& state);
/// The record holds what the spec asks for: the same images.
[[nodiscard]] bool holds(const Revision& record, const App& app);

/// Of a Deployment.
[[nodiscard]] Tier tier_of(const std::string& name);

class Laws {
 public:
  Laws(const Scenario& scenario, Bodies& bodies) : scenario_(scenario), bodies_(bodies) {}

  /// Laws 2 and 3: a record was made.
  void recorded(State& state, const Revision& record);
  /// Law 2: annotations of a record were set.
  void marked(State& state, const Revision& before, const StringMap& marks);
  /// The operator deleted a record.
  void removed(State& state, const Revision& record);
  /// Law 4: a Deployment was made or changed; `before` is nullptr where it is new.
  void rolled(State& state, const Body* before, const Body& after);
  /// Law 5: a process that no longer leads wrote.
  void wrote_without_leading(const std::string& what);

  /// What was broken since it was last asked.
  [[nodiscard]] std::optional<Violation> take();

 private:
  void broken(int law, std::string what);
  void rolled_back(const State& state, const Revision& record);
  void rolled_to_other_template(const State& state, const Body& after, Tier tier);
  [[nodiscard]] bool is_held(const State& state, const Revision& record) const;
  [[nodiscard]] bool comes_right(const State& state, const Revision& record, Tier tier) const;
  void overlay_changed(State& state, const Body& before, const Body& after, Tier tier);

  const Scenario& scenario_;
  Bodies& bodies_;
  std::optional<Violation> violation_;
};

}  // namespace todoapp::model
