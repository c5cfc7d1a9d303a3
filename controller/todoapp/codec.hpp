// The app's JSON to values. Law: exceptions end here; a field of the wrong type is an error that names its path. Fields
// that are absent take the schema's default. Limits: reads a spec only; status is written, never read back for
// decisions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// A tier with the schema's defaults and no image.
[[nodiscard]] TierSpec default_tier(Tier tier);

/// `json` is the text of `.spec`. Error: invalid, with the path of the field ("spec.backend.port: ...").
[[nodiscard]] base::Result<Spec> decode_spec(std::string_view json);

/// Every path that the codec reads, "frontend.service.nodePort", lists as "secrets[].name"; a path that is handed
/// through unread ends in ".*" ("frontend.affinity.*"). A test holds them against the CRD's schema.
[[nodiscard]] const std::vector<std::string>& known_spec_paths();

}  // namespace todoapp
