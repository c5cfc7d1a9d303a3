#include "todoapp/evidence.hpp"

#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "todoapp/names.hpp"
#include "todoapp/sealing.hpp"

namespace todoapp {
namespace {

constexpr std::string_view mask = "***";
/// Shorter values would mask half of any text, and guard nothing.
constexpr std::size_t shortest_masked = 4;

}  // namespace

KnownValues known_values(const Observed& observed) {
  KnownValues known;
  const auto take_from = [&](const std::string& name, const std::string& version) {
    const auto* held = held_values(observed, name, version, known.reads);
    if (held == nullptr) return;
    for (const auto& [key, value] : *held) known.values.push_back(value);
  };
  for (const auto& [name, source] : observed.sources) take_from(name, source.resource_version);
  for (const auto& child : observed.owned) {
    if (child.kind == Kind::secret) take_from(child.object->name, child.object->resource_version);
  }
  return known;
}

JsonText evidence_of(const Cause& cause, base::WallTime at) {
  nlohmann::json json{{"reason", cause.reason}, {"message", cause.message}, {"at", base::format_time(at)}};
  if (cause.tier) json["tier"] = to_string(*cause.tier);
  if (!cause.pod.empty()) json["pod"] = cause.pod;
  if (!cause.container.empty()) json["container"] = cause.container;
  if (cause.exit_code) json["exitCode"] = *cause.exit_code;
  if (cause.restarts > 0) json["restarts"] = cause.restarts;
  return kube::canonical(json);
}

std::string masked(std::string text, const std::vector<std::string>& values, std::size_t bytes) {
  for (const auto& value : values) {
    if (value.size() < shortest_masked) continue;
    for (std::size_t at = 0; (at = text.find(value, at)) != std::string::npos; at += mask.size()) {
      text.replace(at, value.size(), mask);
    }
  }
  if (text.size() <= bytes) return text;
  // The last lines say most; what is cut must not begin inside a character.
  auto start = text.size() - bytes;
  while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) ++start;
  return text.substr(start);
}

}  // namespace todoapp
