// Files as `kubectl apply -f` takes them: YAML or JSON, one document or several, to objects as JSON.
//
// Law: pure; a plain word becomes what kubectl makes of it (`yes` a bool, `1.0` a number), a quoted one is a string.
// Limits: at most `most_nodes` values in a file, so that aliases cannot blow it up; merge keys are not followed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "todoapp/types.hpp"

namespace kubectl {

/// One object of a file, without a judgement of it.
struct Manifest {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string namespace_;  ///< empty where the file names none
  todoapp::JsonText json;
};

inline constexpr std::size_t most_nodes = 100'000;

/// `file` is for errors. The items of a List are objects of their own; empty documents are none. Error: invalid.
[[nodiscard]] base::Result<std::vector<Manifest>> read_manifests(std::string_view text, std::string_view file);

/// What `kubectl apply` would send for an object that it manages: a JSON merge patch of what is wanted and not there,
/// and of what it applied before and is not wanted any more. All three are whole objects.
[[nodiscard]] todoapp::JsonText apply_patch(std::string_view applied_before, std::string_view wanted,
                                            std::string_view live);

}  // namespace kubectl
