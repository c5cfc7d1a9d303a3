// What an apply would change in an object: field by field, between what lives and what is wanted.
//
// Law: pure. A field counts where it is wanted, or was wanted before and is not any more; whatever else stands in the
// live object belongs to others. Values are compared as the operator compares them (kube/model/subset.hpp), so that a
// server's defaults and its way to write quantities are no difference. Lists that the API merges by key are taken apart
// by that key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "todoapp/types.hpp"

namespace kubectl {

struct Difference {
  std::string path;        ///< "spec.template.spec.containers[backend].image"
  todoapp::JsonText from;  ///< empty where it is not there
  todoapp::JsonText to;    ///< empty where it is taken away
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// All three are JSON objects. `before` is what was wanted last, "{}" where nothing was. In the order of paths.
[[nodiscard]] std::vector<Difference> differences(std::string_view live, std::string_view before,
                                                  std::string_view wanted);

}  // namespace kubectl
