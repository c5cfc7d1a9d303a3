// What `diff` says: one heading for each object that would change, and its fields below.
// Law: pure; whatever came from a cluster or a file goes through `plain`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kube/model/resource.hpp"
#include "kubectl/differences.hpp"
#include "kubectl/forecast.hpp"
#include "kubectl/text.hpp"

namespace kubectl {

enum class Fate : std::uint8_t { made, changed, deleted };

struct ObjectDiff {
  std::string title;  ///< "deployment.apps/todo-backend"
  Fate fate{Fate::changed};
  std::vector<Difference> fields;  ///< of one that is changed
  todoapp::JsonText whole;         ///< of one that is made
};

/// One line, with its end: "  ~ spec.replicas: 1 -> 2", "  + ..." for what is new, "  - ..." for what goes.
[[nodiscard]] std::string field_text(const Difference& field, const Style& style);

/// "deployment.apps/todo-backend", as kubectl names an object.
[[nodiscard]] std::string title_of(const kube::Resource& resource, const std::string& name);

/// The app itself, in both forms that the server sent: what a user may set, nothing of the server's own.
[[nodiscard]] ObjectDiff app_diff(const std::string& title, const todoapp::JsonText& live,
                                  const todoapp::JsonText& after);

/// `key` is the app's; empty text where there are neither notes nor objects.
[[nodiscard]] std::string diff_text(const std::string& key, const std::vector<std::string>& notes,
                                    const std::vector<ObjectDiff>& objects, const std::vector<SealedAnew>& sealed,
                                    const Style& style);

}  // namespace kubectl
