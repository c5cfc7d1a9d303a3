#include "kube/model/object.hpp"

#include <algorithm>
#include <tuple>

namespace kube {
namespace {

bool same_text(const std::shared_ptr<const std::string>& one, const std::shared_ptr<const std::string>& other) {
  return one == other || (one && other && *one == *other);
}

}  // namespace

const std::string* find(const Pairs& pairs, std::string_view key) {
  const auto at = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  return at == pairs.end() ? nullptr : &at->second;
}

const Condition* find(const std::vector<Condition>& conditions, std::string_view type) {
  const auto at = std::find_if(conditions.begin(), conditions.end(), [&](const auto& c) { return c.type == type; });
  return at == conditions.end() ? nullptr : &*at;
}

bool operator==(const Object& one, const Object& other) {
  const auto rest = [](const Object& o) {
    return std::tie(o.name, o.namespace_, o.uid, o.resource_version, o.generation, o.created, o.deleting,
                    o.controller_uid, o.annotations, o.labels, o.state, o.fingerprint, o.verified_intent,
                    o.verified_fingerprint);
  };
  return rest(one) == rest(other) && same_text(one.body, other.body) && same_text(one.status, other.status);
}

}  // namespace kube
