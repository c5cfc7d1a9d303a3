// The objects of a running revision: what to write, remove or tidy up so that they are as they should be now.
//
// Law: a tier gets the target's template only when its turn has come; until then it keeps the one it has. Live settings
// are kept at once, whatever a rollout does. Limits: the record of a revision is read only where nothing else tells
// what belongs into an object.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "todoapp/plan.hpp"
#include "todoapp/revision.hpp"
#include "todoapp/rollout.hpp"

namespace todoapp {

/// Where contents come from: the spec as it is rendered now, or records that were read.
class Contents {
 public:
  using Read = std::map<std::int64_t, std::shared_ptr<const Content>>;

  Contents(const Wanted& wanted, const Read& read) : wanted_(wanted), read_(read) {}

  /// The content of a revision, or nullptr: then its record has to be read first, and `missing` says so.
  const Content* of(const Revision& revision);
  [[nodiscard]] const std::optional<ReadRevision>& missing() const { return missing_; }
  /// Records that were asked for, or will be: worth remembering.
  [[nodiscard]] const std::set<std::int64_t>& used() const { return used_; }
  void expect(std::int64_t revision) { used_.insert(revision); }

 private:
  const Wanted& wanted_;
  const Read& read_;
  std::optional<ReadRevision> missing_;
  std::set<std::int64_t> used_;
};

/// What comes from the live settings: of a tier its Service, and what the spec asks for of autoscaler and budget.
[[nodiscard]] std::vector<Intent> live_intents(const App& app, Tier tier);
/// The same of the app as a whole: network policy and ingress.
[[nodiscard]] std::vector<Intent> live_intents(const App& app);

using Overlays = std::map<Tier, Overlay>;

/// The migration Job, once no other migration of the app is under way.
[[nodiscard]] std::vector<Action> run_migration(const RolloutView& view);

/// Migrations that came to a good end, whichever revision's, go into their records: Jobs are deleted one day.
[[nodiscard]] std::vector<Action> record_schemas(const History& history);

/// Services, policies, config and Deployments of both tiers. Not to be used where `contents.missing()` afterwards.
[[nodiscard]] std::vector<Action> keep_objects(const RolloutView& view, const Step& step, const Overlays& overlays,
                                               Contents& contents);

/// History beyond its limit, and migration Jobs and sealed objects that neither a kept revision nor `in_use` names.
[[nodiscard]] std::vector<Action> tidy(const Observed& observed, const History& history, const std::string& wanted_hash,
                                       std::set<std::string> in_use);

}  // namespace todoapp
