// What the cache keeps of an object: its identity, a few annotations and labels, the state that decisions look at, and,
// only until it was compared with what is wanted, the body itself.
//
// Law: an Object is a value; it owns its strings and nothing of the buffer it was read from. Limits: of annotations and
// labels only those under the prefix of a `Pruning` are kept (the prefix is cut off the key), so that a few hundred
// bytes hold a child.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace kube {

/// Small sorted map: a handful of short keys, held in one block.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The value under `key`, or nullptr.
[[nodiscard]] const std::string* find(const Pairs& pairs, std::string_view key);

struct Condition {
  std::string type;
  std::string status;  ///< "True", "False", "Unknown"
  std::string reason;
  std::string message;
  std::optional<base::WallTime> since;    ///< lastTransitionTime
  std::optional<base::WallTime> updated;  ///< lastUpdateTime, which only Deployments have

  friend bool operator==(const Condition&, const Condition&) = default;
};

[[nodiscard]] const Condition* find(const std::vector<Condition>& conditions, std::string_view type);

struct DeploymentState {
  std::int64_t observed_generation{0};
  std::int32_t wanted{1};  ///< spec.replicas
  std::int32_t replicas{0};
  std::int32_t updated{0};
  std::int32_t ready{0};
  std::int32_t available{0};
  bool paused{false};
  std::vector<Condition> conditions;

  friend bool operator==(const DeploymentState&, const DeploymentState&) = default;
};

struct JobState {
  std::int32_t active{0};
  std::int32_t succeeded{0};
  std::int32_t failed{0};
  std::vector<Condition> conditions;

  friend bool operator==(const JobState&, const JobState&) = default;
};

struct Object {
  std::string name;
  std::string namespace_;
  std::string uid;
  std::string resource_version;
  std::int64_t generation{0};
  base::WallTime created{};
  bool deleting{false};
  std::string controller_uid;  ///< of the owner reference with `controller: true`; empty where there is none
  Pairs annotations;
  Pairs labels;
  std::variant<std::monostate, DeploymentState, JobState> state;

  /// The parts that an intent is compared with, as JSON text: `{"metadata":{"labels":..,"annotations":..,
  /// "ownerReferences":..},"spec":..,...}` without `status` and without what a server fills in for itself (uid,
  /// resourceVersion, generation, creationTimestamp, managedFields). Let go once `verified`.
  std::shared_ptr<const std::string> body;
  std::uint64_t fingerprint{0};  ///< of that text, kept when it is let go; 0 where the kind keeps none
  /// Set by the store's user when `body` was found to contain all that an intent of this hash asks for.
  std::string verified_intent;
  std::uint64_t verified_fingerprint{0};

  /// The status as JSON text; kept only where the Pruning says so.
  std::shared_ptr<const std::string> status;

  /// Texts are compared, not where they lie.
  friend bool operator==(const Object& one, const Object& other);
};

/// What is kept of the objects of one kind.
struct Pruning {
  std::string prefix{};  ///< of annotations and labels kept; empty keeps none
  Pairs also{};          ///< whole annotation keys kept as well, and what to call them here
  bool keep_body{false};
  bool keep_status{false};
  /// The body is the text of `spec` alone: for the app's own kind, whose metadata is the user's and is never compared.
  bool body_is_spec{false};
  /// Bodies only of objects that have a controller: where a kind is watched whole, most of it is others'.
  bool controlled_body{false};
};

}  // namespace kube
