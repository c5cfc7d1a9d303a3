// YAML files of this repository as JSON values, for tests that read the CRD's schema and the golden apps.
// Law: a quoted scalar is text, a plain one is what JSON would make of it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <string>

namespace todoapp::test {

inline nlohmann::json json_of(const YAML::Node& node) {
  if (node.IsMap()) {
    auto map = nlohmann::json::object();
    for (const auto& entry : node) map[entry.first.as<std::string>()] = json_of(entry.second);
    return map;
  }
  if (node.IsSequence()) {
    auto list = nlohmann::json::array();
    for (const auto& entry : node) list.push_back(json_of(entry));
    return list;
  }
  if (node.IsNull()) return nullptr;
  const auto text = node.as<std::string>();
  if (node.Tag() == "!") return text;  // what yaml-cpp calls a quoted scalar
  const auto plain = nlohmann::json::parse(text, nullptr, false);
  return plain.is_number() || plain.is_boolean() || plain.is_null() ? plain : nlohmann::json(text);
}

/// `path` is relative to the repository.
inline nlohmann::json load_yaml(const std::string& path) {
  return json_of(YAML::LoadFile(std::string(TODOAPP_SOURCE_DIR) + "/" + path));
}

}  // namespace todoapp::test
