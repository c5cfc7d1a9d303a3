#include "kube/model/subset.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kube/model/quantity.hpp"

namespace kube {
namespace {

using simdjson::dom::element;
using Type = simdjson::dom::element_type;

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

bool is_number(element value) {
  return value.type() == Type::INT64 || value.type() == Type::UINT64 || value.type() == Type::DOUBLE;
}

bool is_zero(element value) {
  double number = 1;
  return is_number(value) && !value.get(number) && number == 0;
}

bool is_false(element value) {
  bool flag = true;
  return !value.get(flag) && !flag;
}

std::string_view text_of(element value) {
  std::string_view text;
  return value.get(text) ? std::string_view{} : text;
}

bool is_empty(element value) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (!value.get(object)) return object.size() == 0;
  if (!value.get(array)) return array.size() == 0;
  return value.is_string() && text_of(value).empty();
}

bool says_nothing(element intent, const Place& place) {
  if (intent.is_null()) return true;
  if (in_string_map(place)) return false;
  if (is_empty(intent)) return true;
  return (is_false(intent) || is_zero(intent)) &&
         std::find(omitted_when_zero.begin(), omitted_when_zero.end(), place.name) != omitted_when_zero.end();
}

/// Nothing where it is null, too.
std::optional<element> member(simdjson::dom::object object, std::string_view name) {
  element value;
  if (object.at_key(name).get(value) || value.is_null()) return std::nullopt;
  return value;
}

std::optional<element> member(element object, std::string_view name) {
  simdjson::dom::object members;
  if (object.get(members)) return std::nullopt;
  return member(members, name);
}

bool same_number(element one, element other) {
  std::int64_t first = 0;
  std::int64_t second = 0;
  if (!one.get(first) && !other.get(second)) return first == second;
  double left = 0;
  double right = 1;
  return !one.get(left) && !other.get(right) && left == right;
}

bool same(element one, element other);

bool same_members(simdjson::dom::object one, simdjson::dom::object other) {
  return one.size() == other.size() && std::all_of(one.begin(), one.end(), [&](const auto& field) {
           element counterpart;
           return !other.at_key(field.key).get(counterpart) && same(field.value, counterpart);
         });
}

bool same(element one, element other) {
  if (is_number(one) && is_number(other)) return same_number(one, other);
  if (one.type() != other.type()) return false;
  simdjson::dom::object members;
  simdjson::dom::object other_members;
  if (!one.get(members) && !other.get(other_members)) return same_members(members, other_members);
  simdjson::dom::array list;
  simdjson::dom::array other_list;
  if (!one.get(list) && !other.get(other_list)) {
    return std::equal(list.begin(), list.end(), other_list.begin(), other_list.end(), same);
  }
  return one.is_null() || (one.is_bool() && is_false(one) == is_false(other)) ||
         (one.is_string() && text_of(one) == text_of(other));
}

bool same_key(element one, element other, std::string_view key) {
  const auto first = member(one, key);
  const auto second = member(other, key);
  if (key == "protocol") return (first ? text_of(*first) : "TCP") == (second ? text_of(*second) : "TCP");
  return first && second && same(*first, *second);
}

bool holds(element intent, element live, const Place& place);

bool holds_member(std::string_view key, element intent, simdjson::dom::object live, const Place& place) {
  const Place inner{place.name, key};
  const auto counterpart = member(live, key);
  return counterpart ? holds(intent, *counterpart, inner) : says_nothing(intent, inner);
}

bool holds_object(simdjson::dom::object intent, element value, const Place& place) {
  simdjson::dom::object live;
  if (value.get(live)) return false;
  const bool atomic = std::find(atomic_objects.begin(), atomic_objects.end(), place.name) != atomic_objects.end();
  if (atomic && live.size() > intent.size()) return false;
  return std::all_of(intent.begin(), intent.end(),
                     [&](const auto& field) { return holds_member(field.key, field.value, live, place); });
}

bool holds_keyed(simdjson::dom::array intent, simdjson::dom::array live, const Place& place, const KeyedList& list) {
  return std::all_of(intent.begin(), intent.end(), [&](element wanted) {
    return std::any_of(live.begin(), live.end(), [&](element candidate) {
      return same_key(wanted, candidate, list.keys[0]) &&
             (list.keys[1].empty() || same_key(wanted, candidate, list.keys[1])) && holds(wanted, candidate, place);
    });
  });
}

bool holds_array(simdjson::dom::array intent, element value, const Place& place) {
  simdjson::dom::array live;
  if (value.get(live)) return false;
  if (const KeyedList* list = keyed_list(place)) return holds_keyed(intent, live, place, *list);
  return std::equal(intent.begin(), intent.end(), live.begin(), live.end(),
                    [&](element one, element other) { return holds(one, other, place); });
}

/// A quantity may be written as a number too: `cpu: 1`.
std::string amount(element value) {
  return value.is_string() ? std::string(text_of(value)) : simdjson::to_string(value);
}

bool holds(element intent, element live, const Place& place) {
  if (intent.is_null()) return true;
  simdjson::dom::object members;
  if (!intent.get(members)) return holds_object(members, live, place);
  simdjson::dom::array list;
  if (!intent.get(list)) return holds_array(list, live, place);
  if (is_quantity(place) && !live.is_object() && !live.is_array()) return same_quantity(amount(intent), amount(live));
  return same(intent, live);
}

/// Two texts, opened. The buffers are kept from call to call; each call begins anew.
class Opened {
 public:
  Opened(std::string_view one, std::string_view other) {
    thread_local std::array<simdjson::dom::parser, 2> parsers;
    good_ = !parsers[0].parse(one.data(), one.size()).get(first) &&
            !parsers[1].parse(other.data(), other.size()).get(second);
  }
  explicit operator bool() const { return good_; }

  element first;
  element second;

 private:
  bool good_{false};
};

}  // namespace

bool is_subset(std::string_view intent, std::string_view live) {
  const Opened texts(intent, live);
  return texts && holds(texts.first, texts.second, {});
}

bool body_holds(std::string_view body, std::string_view intent, Shows shows) {
  const Opened texts(intent, body);
  simdjson::dom::object wanted;
  simdjson::dom::object live;
  if (!texts || texts.first.get(wanted) || texts.second.get(live)) return false;
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& field) {
    if (field.key == "apiVersion" || field.key == "kind") return true;
    if (field.key != "metadata") return shows == Shows::metadata || holds_member(field.key, field.value, live, {});
    simdjson::dom::object metadata;
    const auto shown = member(live, "metadata");
    simdjson::dom::object held;
    if (field.value.get(metadata) || !shown || shown->get(held)) return false;
    return std::all_of(metadata.begin(), metadata.end(), [&](const auto& part) {
      return part.key == "name" || part.key == "namespace" ||
             holds_member(part.key, part.value, held, {"", "metadata"});
    });
  });
}

bool same_json(std::string_view one, std::string_view other) {
  if (one == other) return true;
  const Opened texts(one, other);
  return texts && same(texts.first, texts.second);
}

}  // namespace kube
