// Members of JSON that may be missing: read as empty objects, so that a view need not ask for each level.
//
// Law: pure. Limits: text that is no JSON throws; what the API server sent has been decoded before.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kubectl {

/// An empty object where there is no text.
[[nodiscard]] nlohmann::json parse_or_empty(const std::shared_ptr<const std::string>& text);

/// The member, or an empty object where it is missing or null.
[[nodiscard]] nlohmann::json member(const nlohmann::json& object, const char* key);

}  // namespace kubectl
