// From a state to what the product decides in it: builds what `reconcile` is given, and keeps what it answered.
//
// Law: `reconcile` is pure, so it is asked once for each observation; a thousand states that look alike from inside the
// operator share one answer. Of the answer, requests to the API server remain as small numbers.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/bodies.hpp"
#include "model/memories.hpp"
#include "model/scenario.hpp"
#include "model/state.hpp"

namespace todoapp::model {

/// One action, small. Events and the next look are not among them.
struct Request {
  enum class Type : std::uint8_t {
    apply,
    record,
    outcome,
    remove,
    status,
    read_secret,
    read_record,
    list_pods,
    verify
  };
  Type type{Type::apply};
  std::uint8_t slot{0};
  std::uint8_t uid{0};       ///< precondition; 0 where the object must not exist
  std::uint8_t rollback{0};  ///< of `record`: it rolls back
  std::uint16_t what{0};     ///< body, marks or status; of `verify`: the body that was compared
  BodyId seen{0};            ///< of `outcome`: the record that was judged, marks and all; a precondition
  friend bool operator==(const Request&, const Request&) = default;
};
[[nodiscard]] bool is_write(const Request& request);

struct Decision {
  std::vector<Request> requests;
  MemoryId memory{0};
  std::uint16_t wait{no_timer};  ///< seconds until the next look
  bool reads{false};
  bool applies{false};
  std::string reason;
};

/// The tables of one run.
struct Tables {
  explicit Tables(const Scenario& scenario);

  const Scenario& scenario;
  Bodies bodies;
  Memories memories;
  std::vector<JsonText> statuses;
  std::vector<StringMap> marks;
};

/// The app as users left it.
[[nodiscard]] App app_of(const Scenario& scenario, const AppView& view);
/// A Secret of the user's, which pods read live.
inline constexpr std::string_view source_name = "todo-db";
inline constexpr std::string_view source_key = "url";
[[nodiscard]] std::string source_value(const AppView& view);
[[nodiscard]] std::string uid_text(std::uint8_t uid);

class Decisions {
 public:
  explicit Decisions(Tables& tables) : tables_(tables), decisions_(1) {}

  PlanId of(const State& state);
  [[nodiscard]] const Decision& at(PlanId id) const { return decisions_[id]; }
  [[nodiscard]] std::size_t asked() const { return by_view_.size(); }
  [[nodiscard]] std::string words_of(const Request& request) const;

 private:
  PlanId keep(Decision decision);
  Decision decide(const State& state);
  void add(Decision& decision, const Action& action, const State& state);

  Tables& tables_;
  std::deque<Decision> decisions_;
  std::unordered_map<std::string, PlanId> by_view_;
  std::unordered_map<std::string, PlanId> by_text_;
};

}  // namespace todoapp::model
