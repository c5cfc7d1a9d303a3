// The body of an object of the app, and how it becomes an intent. Private to desired/.
// Law: every intent leaves through `finish`, which alone knows whose the objects are and how they are hashed and
// marked.
#pragma once

#include <string>

#include "todoapp/types.hpp"

namespace todoapp::desired {

struct Body {
  Kind kind{Kind::deployment};
  std::string name;
  StringMap labels;
  StringMap annotations{};  ///< besides the mark `applied`
  JsonText data{};          ///< of a ConfigMap or Secret
  bool immutable{false};
  JsonText spec{};
  std::string type{};  ///< of a Secret
};

/// The list that says whose an object is.
[[nodiscard]] JsonText owner_references(const App& app);

[[nodiscard]] std::string short_hash_of(const std::string& text);

[[nodiscard]] Intent finish(const App& app, const Body& body);
/// The same, where `data` goes into the body and not into its hash.
[[nodiscard]] Intent finish_with_secret(const App& app, Body body, JsonText data);

}  // namespace todoapp::desired
