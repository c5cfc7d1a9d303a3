// The app as the core knows it, out of the object that the API server has.
//
// Law: pure. What a user asks for by annotations (retry, approve, restart, rotate, a change cause) is read here and
// nowhere else.
#pragma once

#include <string>

#include "kube/model/object.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// What has to be kept of an app's metadata, for `app_of`. Its body is wanted too: `keep_body`, `body_is_spec`.
[[nodiscard]] kube::Pruning app_metadata_pruning();

/// `spec_error` is set, and the spec left empty, where the body is no spec.
[[nodiscard]] App app_of(const kube::Object& object, std::string& spec_error);

}  // namespace todoapp
