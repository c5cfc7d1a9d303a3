// Does a live object already hold all that an intent sets?
//
// Law: every field of the intent is in the live object with the same value; what the server added counts for nothing.
// null in an intent sets nothing; {}, [] and "" equal absence (but for maps of strings, where "" is a value). Lists
// that the API merges by key (containers, volumes, env, ports,
// ...) are matched by that key and may hold more in the live object; all others are compared element by element.
// A selector is one value: what somebody adds to it counts.
// Quantities (resources, sizeLimit, averageValue) are compared as amounts; int-or-string values strictly.
// Texts that are no JSON hold nothing and equal themselves only.
// Limits: the order of a keyed list is not looked at; what was taken *out* of an intent is not seen here (the hash of
// the last applied intent tells that).
#pragma once

#include <cstdint>
#include <string_view>

namespace kube {

[[nodiscard]] bool is_subset(std::string_view intent, std::string_view live);

/// How much of an object its cached body shows.
enum class Shows : std::uint8_t { whole, metadata };

/// The same for an intent as it is applied and the body that a cache keeps of the object (`Object::body`): what tells
/// which object it is does not stand in a body, and is not looked for.
[[nodiscard]] bool body_holds(std::string_view body, std::string_view intent, Shows shows);

/// The same value, whatever the order of members and the white space.
[[nodiscard]] bool same_json(std::string_view one, std::string_view other);

}  // namespace kube
