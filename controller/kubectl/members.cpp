#include "kubectl/members.hpp"

#include <nlohmann/json.hpp>

namespace kubectl {

nlohmann::json parse_or_empty(const std::shared_ptr<const std::string>& text) {
  return text == nullptr || text->empty() ? nlohmann::json::object() : nlohmann::json::parse(*text);
}

nlohmann::json member(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nlohmann::json::object() : *at;
}

}  // namespace kubectl
