// What the operator would do if an app became another one: decided and rendered by the operator's own core.
//
// Law: pure; records are asked for by a function of the caller's. No value of a Secret is asked for: sealed Secrets
// keep their names where the spec asks for the same ones, and those that would be made anew are named by their
// variables. Limits: the end of it all is told, not the steps of the rollout; what the operator does by itself, without
// a change of the app, is no part of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/model/object.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/types.hpp"

namespace kubectl {

/// What is in the cluster, as far as decisions go.
struct Situation {
  todoapp::JsonText live;             ///< the app as it is, whole; empty where there is none
  todoapp::JsonText after;            ///< the app as it would be, whole, with the server's defaults
  std::vector<kube::Object> records;  ///< the app's ControllerRevisions, and its Deployments below
  std::vector<kube::Object> deployments;
};

/// An object of the app's as the operator would apply it, without its own marks.
struct Planned {
  todoapp::Kind kind{todoapp::Kind::deployment};
  std::string name;
  todoapp::JsonText before;  ///< as it applies it now; empty where it does not
  todoapp::JsonText after;   ///< empty where it would be deleted
};

/// A sealed Secret that would be made: the variables, never a value.
struct SealedAnew {
  todoapp::Tier tier{todoapp::Tier::frontend};
  std::vector<std::string> variables;
};

struct Forecast {
  std::vector<std::string> notes;  ///< sentences: the revision that would be recorded, what it would wait for
  std::vector<Planned> objects;
  std::vector<SealedAnew> sealed;
  std::vector<std::string> sources;  ///< Secrets of the user's that the spec names
  std::string owner;                 ///< uid of the live app
};

using ReadContent = std::function<base::Result<todoapp::Content>(std::int64_t revision)>;

/// How records and Deployments are to be decoded for a Situation.
[[nodiscard]] kube::Pruning record_pruning();

/// Error: invalid where an app is none; else what `read_content` said.
[[nodiscard]] base::Result<Forecast> forecast(const Situation& situation, const ReadContent& read_content);

/// The placeholder for a name that is made of values.
[[nodiscard]] std::string unknown_secret_name(std::string_view app, todoapp::Tier tier);

}  // namespace kubectl
