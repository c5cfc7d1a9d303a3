// Answers of the API server to values of the shell. Law: exceptions end here; an error never quotes a Secret's value.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "kube/model/object.hpp"
#include "todoapp/observed.hpp"

namespace shell {

struct SecretAnswer {
  kube::Object object;
  todoapp::SecretValues values;
};

/// A whole Secret, its values decoded; of the object only its metadata, for a cache lives longer than the pass that
/// needs the values. Error: invalid.
[[nodiscard]] base::Result<SecretAnswer> read_secret(std::string_view text);

}  // namespace shell
