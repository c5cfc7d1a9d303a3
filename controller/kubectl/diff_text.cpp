#include "kubectl/diff_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "kubectl/output.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

constexpr const char* last_applied = "kubectl.kubernetes.io/last-applied-configuration";

std::string value_text(const todoapp::JsonText& json) {
  const auto value = Json::parse(json);
  return plain(value.is_string() ? value.get<std::string>() : json);
}

void add_whole(std::string& text, const todoapp::JsonText& json, const Style& style) {
  const auto yaml = structured(json, Output::yaml);
  for (const auto& line : plain_lines(yaml ? *yaml : json)) {
    text += painted(style, Ink::good, "  + " + line) + "\n";
  }
}

/// Of an app, what is a user's.
Json own_part(const todoapp::JsonText& text) {
  if (text.empty()) return Json::object();
  auto app = Json::parse(text);
  Json part{{"metadata", Json::object()}, {"spec", app.value("spec", Json::object())}};
  for (const char* key : {"labels", "annotations"}) {
    auto map = app["metadata"].value(key, Json::object());
    map.erase(last_applied);
    if (!map.empty()) part["metadata"][key] = std::move(map);
  }
  if (part["metadata"].empty()) part.erase("metadata");
  return part;
}

const char* word_of(Fate fate) {
  switch (fate) {
    case Fate::made:
      return "new";
    case Fate::changed:
      return "changed";
    case Fate::deleted:
      return "deleted";
  }
  return "";
}

}  // namespace

std::string field_text(const Difference& field, const Style& style) {
  const auto path = plain(field.path);
  if (field.from.empty()) {
    return painted(style, Ink::good, fmt::format("  + {}: {}", path, value_text(field.to))) + "\n";
  }
  if (field.to.empty()) {
    return painted(style, Ink::bad, fmt::format("  - {}: {}", path, value_text(field.from))) + "\n";
  }
  const auto change = fmt::format("  ~ {}: {} -> {}", path, value_text(field.from), value_text(field.to));
  return painted(style, Ink::busy, change) + "\n";
}

std::string title_of(const kube::Resource& resource, const std::string& name) {
  auto kind = resource.kind;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return resource.group.empty() ? fmt::format("{}/{}", kind, name)
                                : fmt::format("{}.{}/{}", kind, resource.group, name);
}

ObjectDiff app_diff(const std::string& title, const todoapp::JsonText& live, const todoapp::JsonText& after) {
  const auto wanted = own_part(after).dump();
  if (live.empty()) return {.title = title, .fate = Fate::made, .fields = {}, .whole = wanted};
  const auto there = own_part(live).dump();
  return {.title = title, .fate = Fate::changed, .fields = differences(there, there, wanted), .whole = {}};
}

std::string diff_text(const std::string& key, const std::vector<std::string>& notes,
                      const std::vector<ObjectDiff>& objects, const std::vector<SealedAnew>& sealed,
                      const Style& style) {
  std::string text;
  for (const auto& note : notes) text += painted(style, Ink::faint, fmt::format("# {}: {}", key, plain(note))) + "\n";
  for (const auto& object : objects) {
    text += painted(style, Ink::bold, fmt::format("{}  {}", plain(object.title), word_of(object.fate))) + "\n";
    for (const auto& field : object.fields) text += field_text(field, style);
    if (!object.whole.empty()) add_whole(text, object.whole, style);
  }
  for (const auto& each : sealed) {
    std::string names;
    for (const auto& name : each.variables) names += (names.empty() ? "" : ", ") + name;
    text += painted(style, Ink::bold, fmt::format("sealed secret of {}  new", todoapp::to_string(each.tier))) + "\n";
    text += painted(style, Ink::good, fmt::format("  + {} (values are not shown)", plain(names))) + "\n";
  }
  return text;
}

}  // namespace kubectl
