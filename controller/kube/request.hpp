// Builds the requests of the Kubernetes API: method, path, query, headers' worth, body.
//
// Law: pure, no I/O; equal arguments give equal requests, query parameters in one fixed order, so that tests compare
// whole requests. Every name and every value is percent-encoded here and nowhere else. Who writes is always said
// (`fieldManager`), and an apply is strict and forced: the fields we speak of are ours.
// Limits: bodies are JSON; a deadline other than the default is the caller's to set on the request it gets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kube/model/object_key.hpp"
#include "kube/model/resource.hpp"
#include "kube/transport.hpp"

namespace kube {

/// The name under which our fields are owned on the server.
inline constexpr std::string_view field_manager = "todoapp-operator";

/// What the answer is to hold: whole objects, or their metadata alone (`PartialObjectMetadata`).
enum class Accept : std::uint8_t { object, metadata };

struct ListOptions {
  int limit{0};  ///< 0 for all at once
  std::string continue_token{};
  std::string resource_version{};
  std::string resource_version_match{};  ///< "NotOlderThan" or "Exact"; only beside a resource version
  std::string label_selector{};
  std::string field_selector{};
};

struct WatchOptions {
  std::string resource_version{};
  bool send_initial_events{false};  ///< WatchList: the present state first, then a bookmark that says so
  bool bookmarks{true};
  std::chrono::seconds timeout{0};  ///< after which the server ends the watch; 0 leaves it to the server
  std::string label_selector{};
  std::string field_selector{};
  std::chrono::milliseconds idle{150'000};  ///< the longest silence: two bookmark periods and a half
};

struct WriteOptions {
  std::string_view subresource{};  ///< "status", or none
  bool dry_run{false};
  Accept accept{Accept::object};
  std::string_view manager{field_manager};
};

struct DeleteOptions {
  std::string_view propagation{"Background"};  ///< or "Foreground", "Orphan"
  std::string uid{};                           ///< delete only the object of this uid
  std::string resource_version{};              ///< and only in this version
  bool dry_run{false};
};

[[nodiscard]] Request make_get(const Resource& resource, const ObjectKey& key, Accept accept = Accept::object);
/// An empty `namespace_` lists all namespaces.
[[nodiscard]] Request make_list(const Resource& resource, std::string_view namespace_, const ListOptions& options,
                                Accept accept = Accept::object);
[[nodiscard]] Request make_watch(const Resource& resource, std::string_view namespace_, const WatchOptions& options,
                                 Accept accept = Accept::object);
[[nodiscard]] Request make_create(const Resource& resource, std::string_view namespace_, std::string body,
                                  const WriteOptions& options = {});
/// Server-side apply: creates what is not there. `body` is JSON, which is YAML too.
[[nodiscard]] Request make_apply(const Resource& resource, const ObjectKey& key, std::string body,
                                 const WriteOptions& options = {});
[[nodiscard]] Request make_json_patch(const Resource& resource, const ObjectKey& key, std::string body,
                                      const WriteOptions& options = {});
[[nodiscard]] Request make_merge_patch(const Resource& resource, const ObjectKey& key, std::string body,
                                       const WriteOptions& options = {});
[[nodiscard]] Request make_update(const Resource& resource, const ObjectKey& key, std::string body,
                                  const WriteOptions& options = {});
[[nodiscard]] Request make_delete(const Resource& resource, const ObjectKey& key, const DeleteOptions& options = {});

/// `text` with everything but RFC 3986's unreserved characters as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace kube
