// What a ControllerRevision's `data` holds: a content, rendered, as text and back.
// Law: what was written comes back as it was, in every version; secret values are not part of a content.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// Canonical JSON.
[[nodiscard]] JsonText content_text(const Content& content);

/// Reads a whole ControllerRevision. Error: invalid.
[[nodiscard]] base::Result<Content> decode_content(std::string_view controller_revision_json);

}  // namespace todoapp
