// The small parts that bodies are made of. Private to desired/.
//
// Law: what is empty is left out, so that an intent names only fields that mean something; every body leaves through
// `finish`, which alone knows how an intent is hashed and marked.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "todoapp/types.hpp"

namespace todoapp::desired {

using Json = nlohmann::json;

/// The value that a JsonText holds; null where it holds none.
[[nodiscard]] Json parsed(const JsonText& text);

// Each sets `object[key]`, and leaves it out where there is nothing to set.
void set(Json& object, const char* key, const std::string& text);
void set(Json& object, const char* key, const StringMap& map);
void set(Json& object, const char* key, Json value);
void set_parsed(Json& object, const char* key, const JsonText& text);

/// What every object of the app begins with: kind, name, namespace, labels and owner. `tier` may be null.
[[nodiscard]] Json body_of(const App& app, Kind kind, const std::string& name, const Tier* tier);
/// The annotations of such a body, to be added to.
[[nodiscard]] Json& annotations_of(Json& body);

/// Hashes the body and marks it with that hash.
[[nodiscard]] Intent finish(Kind kind, Json body);
/// The same, where `data` goes into the body and not into its hash.
[[nodiscard]] Intent finish_with_secret(Json body, Json data);

}  // namespace todoapp::desired
