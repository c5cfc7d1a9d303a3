// JSON text exactly as Go's encoding/json writes it: what the API server stores, and so what we must send where it
// compares byte for byte (ControllerRevision.data: else 422 "field is immutable" on every later change).
//
// Law: compact; keys sorted bytewise; `<`, `>`, `&`, U+2028 and U+2029 as \u escapes; floats in Go's shortest form.
// Limits: NaN and infinity, which no JSON text holds, become null.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kube {

[[nodiscard]] std::string canonical(const nlohmann::json& value);

}  // namespace kube
