// Intents against what the caches show: which objects to write, and why.
// Law: an object whose mark says that this intent was applied, and whose body was found to hold all of it, costs
// nothing. An object that differs in a field that the operator owns is drift and is applied again, whole.
#pragma once

#include <vector>

#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// The actions that make one object as intended: none, one Apply (replicas handed over before it, where they
/// are an autoscaler's now) or ReplacePorts, or a MarkVerified.
[[nodiscard]] std::vector<Action> bring_in_line(const Observed& observed, const Intent& intent);

/// Whether the object still is what it was when it was last compared, so that nothing has to be known to leave it
/// alone.
[[nodiscard]] bool untouched(const kube::Object& object);

/// Autoscalers, budgets, policies and Ingresses that the spec no longer asks for.
[[nodiscard]] std::vector<Action> remove_unasked(const Observed& observed, const std::vector<Intent>& intents);

/// Names that an app claims whatever its content: what a stranger must not hold.
[[nodiscard]] std::vector<Stranger> claimed_names(const App& app);

}  // namespace todoapp
