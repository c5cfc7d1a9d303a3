// The decision: Observed -> Plan.
//
// Law: pure; classify first, choose second, and deciding never mutates. An app is never left without a verdict: each
// pass ends in a status that says what is going on, and an error is never "nothing to do". The same observation gives
// the same plan; the plan for a settled app is empty.
#pragma once

#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"

namespace todoapp {

[[nodiscard]] Plan reconcile(const Observed& observed);

}  // namespace todoapp
