// An app as the plugin speaks of it: what its status says, and the two fields of its spec that a user of the plugin
// sets.
//
// Law: read from the app's object alone, so that whoever may read the app may ask about it; what the status leaves out
// is empty or 0 here. Nothing of it is trusted to be fit for a terminal: `plain` of text.hpp is between.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/model/object.hpp"
#include "todoapp/status.hpp"

namespace kubectl {

struct ConditionView {
  std::string status;  ///< empty where the condition is not there
  std::string reason;
  std::string message;
  std::string since;

  [[nodiscard]] bool holds() const { return status == "True"; }
};

struct TierView {
  std::string image;
  std::int64_t replicas{0};
  std::int64_t updated{0};
  std::int64_t ready{0};
};

struct RevisionView {
  std::int64_t number{0};
  std::string created;
  std::string cause;
  std::string outcome;  ///< empty while that is open
  std::string reason;
  std::int64_t rollback_of{0};  ///< 0 for none
  bool restorable{false};
  std::string obstacle;  ///< why it is not
  std::string content;   ///< the hash of what it holds; empty until `note_content`
};

struct FailureView {
  std::int64_t revision{0};
  std::string tier;
  std::string pod;
  std::string container;
  std::string reason;
  std::optional<std::int64_t> exit_code;
  std::int64_t restarts{0};
  std::string message;
  std::string at;
};

struct AppView {
  std::string name;
  std::string namespace_;
  std::int64_t generation{0};
  std::int64_t observed_generation{0};  ///< 0 where no operator has looked at it
  bool deleting{false};
  bool suspended{false};
  std::int64_t pinned{0};  ///< spec.rollback.toRevision, 0 where it is unset
  ConditionView ready;
  ConditionView reconciling;
  ConditionView stalled;
  std::int64_t active{0};  ///< revision numbers, 0 for none
  std::int64_t target{0};
  std::int64_t last_good{0};
  std::string step;
  std::array<TierView, todoapp::all_tiers.size()> tiers;
  std::vector<RevisionView> revisions;  ///< newest first
  std::optional<FailureView> failure;
  std::optional<todoapp::PendingPlan> plan;

  [[nodiscard]] const TierView& tier(todoapp::Tier which) const { return tiers.at(static_cast<std::size_t>(which)); }
  [[nodiscard]] const RevisionView* find(std::int64_t number) const;
  [[nodiscard]] std::int64_t newest() const { return revisions.empty() ? 0 : revisions.front().number; }
  /// "shop/todo".
  [[nodiscard]] std::string key() const { return namespace_ + "/" + name; }
};

/// What to keep of an app's object, so that `view_of` finds all that it reads.
[[nodiscard]] kube::Pruning app_pruning();
/// Error: invalid, where the object is not what the CRD says.
[[nodiscard]] base::Result<AppView> view_of(const kube::Object& app);
/// The same from the text of a whole object.
[[nodiscard]] base::Result<AppView> read_view(std::string_view json);

/// Adds what a record, a ControllerRevision, says of a revision's content.
void note_content(AppView& app, const kube::Object& record);

/// Where an app stands, for whoever waits for it.
enum class State : std::uint8_t {
  ready,      ///< all that the present spec asks for is done
  stalled,    ///< only a user can go on
  under_way,  ///< anything else: also what waits for an approval, or for an operator
};
[[nodiscard]] State state_of(const AppView& app);

/// Whether the spec was changed and no operator has looked at it since.
[[nodiscard]] bool unseen(const AppView& app);
inline constexpr std::string_view unseen_words = "the spec was changed, and no operator has looked at it since";

/// Whether the failure that is on record is why the app is as it is now. Else it is an earlier one: it is shown for as
/// long as its revision is kept, also while the app waits for something else.
[[nodiscard]] bool failure_matters(const AppView& app);

/// The reason of Ready as the core knows it; none where there is none, or one of a newer operator.
[[nodiscard]] std::optional<todoapp::Reason> reason_of(const AppView& app);

}  // namespace kubectl
