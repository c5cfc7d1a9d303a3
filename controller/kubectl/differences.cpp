#include "kubectl/differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "kube/model/subset.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

const Json nothing;  // null

/// A list whose items are known by a member; `parent` is empty where the name alone tells.
struct KeyedList {
  std::string_view parent;
  std::string_view name;
  const char* key;
};

constexpr std::array<KeyedList, 10> keyed_lists{{
    {"", "containers", "name"},
    {"", "initContainers", "name"},
    {"", "volumes", "name"},
    {"", "env", "name"},
    {"", "secrets", "name"},
    {"", "imagePullSecrets", "name"},
    {"", "volumeMounts", "mountPath"},
    {"", "topologySpreadConstraints", "topologyKey"},
    {"containers", "ports", "containerPort"},
    {"spec", "ports", "port"},
}};

/// Where a value stands: its member's name, and the nearest one around that.
struct Place {
  std::string path;
  std::string parent;
  std::string name;
};

const char* key_of(const Place& place) {
  const auto* at = std::find_if(keyed_lists.begin(), keyed_lists.end(), [&](const KeyedList& list) {
    return list.name == place.name && (list.parent.empty() || list.parent == place.parent);
  });
  return at == keyed_lists.end() ? nullptr : at->key;
}

const Json& member(const Json& object, const std::string& key) {
  if (!object.is_object()) return nothing;
  const auto at = object.find(key);
  return at == object.end() ? nothing : *at;
}

/// The items by their key; empty where some item has none, or two have the same.
std::map<std::string, const Json*> by_key(const Json& list, const char* key) {
  std::map<std::string, const Json*> items;
  for (const auto& item : list) {
    const auto& value = member(item, key);
    if (value.is_null()) return {};
    auto name = value.is_string() ? value.get<std::string>() : value.dump();
    if (item.value("protocol", "TCP") != "TCP") name += "/" + item["protocol"].get<std::string>();
    if (!items.emplace(std::move(name), &item).second) return {};
  }
  return items;
}

std::string joined(const std::string& path, const std::string& key) {
  // A key with a dot in it would read as two.
  if (key.find('.') != std::string::npos) return fmt::format("{}[{}]", path, key);
  return path.empty() ? key : path + "." + key;
}

class Walk {
 public:
  void look(const Place& place, const Json& live, const Json& before, const Json& wanted) {
    if (wanted.is_object() && (live.is_object() || live.is_null())) return look_at_object(place, live, before, wanted);
    const auto* key = wanted.is_array() ? key_of(place) : nullptr;
    if (key != nullptr && (live.is_array() || live.is_null())) {
      const auto items = by_key(wanted, key);
      if (items.size() == wanted.size()) return look_at_items(place, live, before, items, key);
    }
    if (wanted.is_null()) {
      // What is not wanted any more, as far as it was ours.
      if (!before.is_null() && !live.is_null()) take_away(place, live, before);
      return;
    }
    if (!holds(place, wanted, live)) add(place.path, live, wanted);
  }

  std::vector<Difference> found;

 private:
  void look_at_object(const Place& place, const Json& live, const Json& before, const Json& wanted) {
    std::set<std::string> keys;
    for (const auto* each : {&before, &wanted}) {
      if (!each->is_object()) continue;
      for (const auto& entry : each->items()) keys.insert(entry.key());
    }
    for (const auto& key : keys) {
      look({joined(place.path, key), place.name, key}, member(live, key), member(before, key), member(wanted, key));
    }
  }

  void look_at_items(const Place& place, const Json& live, const Json& before,
                     const std::map<std::string, const Json*>& wanted, const char* key) {
    const auto lives = by_key(live, key), past = by_key(before, key);
    const auto in = [](const auto& items, const std::string& name) -> const Json& {
      const auto at = items.find(name);
      return at == items.end() ? nothing : *at->second;
    };
    std::set<std::string> names;
    for (const auto* items : {&past, &wanted}) {
      for (const auto& item : *items) names.insert(item.first);
    }
    for (const auto& name : names) {
      // Members of an item stand, for their meaning, right below the list.
      look({fmt::format("{}[{}]", place.path, name), place.parent, place.name}, in(lives, name), in(past, name),
           in(wanted, name));
    }
  }

  void take_away(const Place& place, const Json& live, const Json& before) {
    if (before.is_object() && live.is_object()) {
      for (const auto& [key, value] : before.items()) {
        const auto& there = member(live, key);
        if (!there.is_null()) take_away({joined(place.path, key), place.name, key}, there, value);
      }
      return;
    }
    const bool empty =
        live.is_structured() ? live.empty() : live.is_string() && live.get_ref<const std::string&>().empty();
    if (!empty) add(place.path, live, nothing);
  }

  static bool holds(const Place& place, const Json& wanted, const Json& live) {
    const auto around = [&](const Json& value) {
      auto inner = Json::object();
      if (!value.is_null()) inner[place.name] = value;
      return (place.parent.empty() ? inner : Json{{place.parent, inner}}).dump();
    };
    return kube::is_subset(around(wanted), around(live));
  }

  void add(const std::string& path, const Json& from, const Json& to) {
    const auto text = [](const Json& value) { return value.is_null() ? std::string() : value.dump(); };
    found.push_back({path, text(from), text(to)});
  }
};

}  // namespace

std::vector<Difference> differences(std::string_view live, std::string_view before, std::string_view wanted) {
  Walk walk;
  walk.look({}, Json::parse(live), Json::parse(before), Json::parse(wanted));
  return std::move(walk.found);
}

}  // namespace kubectl
