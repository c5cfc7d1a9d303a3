// Objects for other programs: `-o json`, `-o yaml`, `-o name`.
//
// Law: pure; what the server said and nothing else, without `managedFields`, as kubectl shows it. YAML is written so
// that every reader of YAML 1.1 or 1.2 takes a string for a string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace kubectl {

enum class Output : std::uint8_t { text, wide, json, yaml, name };

/// Indented JSON, or YAML, with a line end. Error: invalid, where `json` is none.
[[nodiscard]] base::Result<std::string> structured(std::string_view json, Output output);

/// One list of objects, as kubectl shows several: the items of a list that the server sent.
[[nodiscard]] base::Result<std::string> as_list(std::string_view list_json, std::string_view api_version,
                                                std::string_view kind);

/// The items of a list, each as text with its apiVersion and kind. Error: invalid.
[[nodiscard]] base::Result<std::vector<std::string>> items_of(std::string_view list_json, std::string_view api_version,
                                                              std::string_view kind);

}  // namespace kubectl
