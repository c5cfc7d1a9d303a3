// What an object is called within its kind: all that a queue holds of it, and how a cache is asked for it.
// Law: a value; two keys are the same object only while its uid is the same, which a key does not know.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace kube {

struct ObjectKey {
  std::string namespace_;  ///< empty for what lies in no namespace
  std::string name;

  friend bool operator==(const ObjectKey&, const ObjectKey&) = default;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

/// "shop/todo", or "todo" for what lies in no namespace.
[[nodiscard]] inline std::string to_string(const ObjectKey& key) {
  return key.namespace_.empty() ? key.name : key.namespace_ + "/" + key.name;
}

}  // namespace kube

template <>
struct std::hash<kube::ObjectKey> {
  [[nodiscard]] std::size_t operator()(const kube::ObjectKey& key) const noexcept {
    const std::size_t first = std::hash<std::string>{}(key.namespace_);
    return std::hash<std::string>{}(key.name) ^ (first + 0x9e3779b9U + (first << 6U) + (first >> 2U));
  }
};
