// What a schema cannot say about a spec. Law: pure; each problem names the field and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "todoapp/types.hpp"

namespace todoapp {

/// The most that config may hold, common and a tier's own together: a revision record holds it.
inline constexpr std::size_t max_config_bytes = 256 * 1024;

/// Sentences for people, empty where the spec is valid: "spec.config: holds 300 KiB, at most 256 KiB fit into a
/// revision; move large files into a ConfigMap volume".
[[nodiscard]] std::vector<std::string> problems_of(const App& app);

}  // namespace todoapp
