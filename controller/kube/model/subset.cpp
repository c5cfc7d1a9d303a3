#include "kube/model/subset.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "kube/model/quantity.hpp"

namespace kube {
namespace {

using nlohmann::json;

/// Where a value stands: its member's name, and the name of the nearest member around that.
struct Place {
  std::string_view parent;
  std::string_view name;
};

/// A list that the API merges by key. `parent` is empty where the name alone tells.
struct KeyedList {
  std::string_view parent;
  std::string_view name;
  std::array<std::string_view, 2> keys;
};

// As the API's own types say (patchMergeKey, x-kubernetes-list-map-keys). Ports of a NetworkPolicy and metrics of an
// autoscaler are not here: those lists are atomic.
constexpr std::array<KeyedList, 16> keyed_lists{{
    {"", "containers", {"name", ""}},
    {"", "initContainers", {"name", ""}},
    {"", "volumes", {"name", ""}},
    {"", "env", {"name", ""}},
    {"", "imagePullSecrets", {"name", ""}},
    {"", "volumeMounts", {"mountPath", ""}},
    {"", "volumeDevices", {"devicePath", ""}},
    {"", "ownerReferences", {"uid", ""}},
    {"", "topologySpreadConstraints", {"topologyKey", "whenUnsatisfiable"}},
    {"", "conditions", {"type", ""}},
    {"", "hostAliases", {"ip", ""}},
    {"", "resizePolicy", {"resourceName", ""}},
    {"", "claims", {"name", ""}},
    {"containers", "ports", {"containerPort", "protocol"}},
    {"initContainers", "ports", {"containerPort", "protocol"}},
    {"spec", "ports", {"port", "protocol"}},
}};

/// Fields whose Go type is a plain bool or int with `omitempty`: false or 0 is sent back as nothing at all.
constexpr std::array<std::string_view, 11> omitted_when_zero{
    "readOnly",           "hostNetwork", "hostPID", "hostIPC",         "stdin",
    "stdinOnce",          "tty",         "paused",  "minReadySeconds", "publishNotReadyAddresses",
    "initialDelaySeconds"};

const KeyedList* keyed_list(const Place& place) {
  const auto* at = std::find_if(keyed_lists.begin(), keyed_lists.end(), [&](const KeyedList& list) {
    return list.name == place.name && (list.parent.empty() || list.parent == place.parent);
  });
  return at == keyed_lists.end() ? nullptr : at;
}

/// Maps of the user's own names and strings: nothing is left out of them or spelt anew.
constexpr std::array<std::string_view, 6> string_maps{"data",        "stringData",  "labels",
                                                      "annotations", "matchLabels", "nodeSelector"};

/// Objects that the API takes as one value: one member more selects other things.
constexpr std::array<std::string_view, 5> atomic_objects{"selector", "podSelector", "namespaceSelector",
                                                         "labelSelector", "nodeSelector"};

bool in_string_map(const Place& place) {
  return std::find(string_maps.begin(), string_maps.end(), place.parent) != string_maps.end();
}

bool is_quantity(const Place& place) {
  if (in_string_map(place)) return false;
  return place.parent == "limits" || place.parent == "requests" || place.name == "sizeLimit" ||
         place.name == "averageValue";
}

bool says_nothing(const json& intent, const Place& place) {
  if (intent.is_null()) return true;
  if (in_string_map(place)) return false;
  if (intent.is_string()) return intent.get_ref<const std::string&>().empty();
  if (intent.is_structured()) return intent.empty();
  const bool zero = intent == json(false) || (intent.is_number() && intent == json(0));
  return zero && std::find(omitted_when_zero.begin(), omitted_when_zero.end(), place.name) != omitted_when_zero.end();
}

const json* member(const json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

bool same_key(const json& one, const json& other, std::string_view key) {
  static const json tcp = "TCP";
  const json* first = member(one, key);
  const json* second = member(other, key);
  if (key == "protocol") {
    if (first == nullptr) first = &tcp;
    if (second == nullptr) second = &tcp;
  }
  return first != nullptr && second != nullptr && *first == *second;
}

bool holds(const json& intent, const json& live, const Place& place);

bool holds_object(const json& intent, const json& live, const Place& place) {
  if (!live.is_object()) return false;
  const bool atomic = std::find(atomic_objects.begin(), atomic_objects.end(), place.name) != atomic_objects.end();
  if (atomic && live.size() > intent.size()) return false;
  return std::all_of(intent.items().begin(), intent.items().end(), [&](const auto& item) {
    const Place inner{place.name, item.key()};
    const json* counterpart = member(live, item.key());
    return counterpart == nullptr ? says_nothing(item.value(), inner) : holds(item.value(), *counterpart, inner);
  });
}

bool holds_keyed(const json& intent, const json& live, const Place& place, const KeyedList& list) {
  return std::all_of(intent.begin(), intent.end(), [&](const json& wanted) {
    return std::any_of(live.begin(), live.end(), [&](const json& candidate) {
      return same_key(wanted, candidate, list.keys[0]) &&
             (list.keys[1].empty() || same_key(wanted, candidate, list.keys[1])) && holds(wanted, candidate, place);
    });
  });
}

bool holds_array(const json& intent, const json& live, const Place& place) {
  if (!live.is_array()) return false;
  if (const KeyedList* list = keyed_list(place)) return holds_keyed(intent, live, place, *list);
  return std::equal(intent.begin(), intent.end(), live.begin(), live.end(),
                    [&](const json& one, const json& other) { return holds(one, other, place); });
}

/// A quantity may be written as a number too: `cpu: 1`.
std::string amount(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

bool holds(const json& intent, const json& live, const Place& place) {
  if (intent.is_null()) return true;
  if (intent.is_object()) return holds_object(intent, live, place);
  if (intent.is_array()) return holds_array(intent, live, place);
  if (is_quantity(place) && !live.is_structured()) return same_quantity(amount(intent), amount(live));
  return intent.type() == live.type() || (intent.is_number() && live.is_number()) ? intent == live : false;
}

}  // namespace

bool is_subset(const json& intent, const json& live) { return holds(intent, live, {}); }

}  // namespace kube
