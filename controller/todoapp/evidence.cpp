#include "todoapp/evidence.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "kube/model/canonical_json.hpp"
#include "todoapp/names.hpp"
#include "todoapp/sealing.hpp"

namespace todoapp {
namespace {

constexpr std::string_view mask = "***";
/// Shorter values would mask half of any text, and guard nothing.
constexpr std::size_t shortest_masked = 4;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto start = text.find_first_not_of(blank);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(blank) - start + 1);
}

/// What to look for: a program logs a value without the line feed at its end, or a line of it; longer ones first, or a
/// value that begins with another would be masked in part.
std::vector<std::string> pieces_of(const std::vector<std::string>& values) {
  std::vector<std::string> pieces;
  for (const auto& value : values) {
    for (std::size_t start = 0; start <= value.size();) {
      const auto end = std::min(value.find('\n', start), value.size());
      const auto line = trimmed(std::string_view(value).substr(start, end - start));
      if (line.size() >= shortest_masked) pieces.emplace_back(line);
      start = end + 1;
    }
  }
  std::sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return pieces;
}

/// A kubelet keeps the end of a log only, which may begin within a value.
void mask_cut_start(std::string& text, const std::vector<std::string>& pieces) {
  for (const auto& piece : pieces) {
    for (auto length = piece.size() - 1; length >= shortest_masked; --length) {
      if (!text.starts_with(std::string_view(piece).substr(piece.size() - length))) continue;
      text.replace(0, length, mask);
      return;
    }
  }
}

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
  const auto guarded = pieces_of(values);
  mask_cut_start(text, guarded);
  for (const auto& value : guarded) {
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
