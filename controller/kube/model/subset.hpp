// Does a live object already hold all that an intent sets?
//
// Law: every field of the intent is in the live object with the same value; what the server added counts for nothing.
// null in an intent sets nothing; {}, [] and "" equal absence (but for maps of strings, where "" is a value). Lists
// that the API merges by key (containers, volumes, env, ports,
// ...) are matched by that key and may hold more in the live object; all others are compared element by element.
// A selector is one value: what somebody adds to it counts.
// Quantities (resources, sizeLimit, averageValue) are compared as amounts; int-or-string values strictly.
// Limits: the order of a keyed list is not looked at; what was taken *out* of an intent is not seen here (the hash of
// the last applied intent tells that).
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace kube {

[[nodiscard]] bool is_subset(const nlohmann::json& intent, const nlohmann::json& live);

}  // namespace kube
