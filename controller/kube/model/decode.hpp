// Reads what an API server sends into pruned values: one object, one watch event, one page of a list.
//
// Law: the whole text is checked first (UTF-8, brackets, numbers, nothing behind it, at most `max_depth` deep), so what
// is kept is well-formed whatever the peer sends; then one pass picks the members that a Pruning keeps. An error is
// `invalid` and names the member and what is wrong with it, never a value: what is read may be a Secret.
// Limits: a Decoder holds the buffers between calls and gives them back after a text above `keep_bytes`. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/model/object.hpp"
#include "kube/model/resource.hpp"

namespace kube {

enum class WatchEventType : std::uint8_t { added, modified, deleted, bookmark, error };

[[nodiscard]] const char* to_string(WatchEventType type);

struct WatchEvent {
  WatchEventType type{WatchEventType::bookmark};
  Object object;                 ///< of added, modified, deleted
  std::string status;            ///< of error: the text of its Status object, for `error_of_status`
  std::string resource_version;  ///< how far the stream has come; empty for error
  bool initial_events_end{false};

  friend bool operator==(const WatchEvent&, const WatchEvent&) = default;
};

struct ListPage {
  std::vector<Object> objects;
  std::string continue_token;  ///< empty on the last page
  std::string resource_version;

  friend bool operator==(const ListPage&, const ListPage&) = default;
};

class JsonReader;

class Decoder {
 public:
  static constexpr std::size_t keep_bytes = 256UL * 1024UL;
  static constexpr std::size_t max_depth = 128;

  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  /// A whole object, or its `PartialObjectMetadata`. Needs metadata with name and uid.
  [[nodiscard]] base::Result<Object> object(std::string_view text, const Resource& resource, const Pruning& pruning);
  /// One line of a watch: `{"type":..,"object":..}`. Needs a resourceVersion, except in an error.
  [[nodiscard]] base::Result<WatchEvent> event(std::string_view text, const Resource& resource, const Pruning& pruning);
  /// `{"metadata":{"resourceVersion":..,"continue":..},"items":[..]}`.
  [[nodiscard]] base::Result<ListPage> page(std::string_view text, const Resource& resource, const Pruning& pruning);

  /// What is held between calls, about.
  [[nodiscard]] std::size_t held_bytes() const;

 private:
  std::unique_ptr<JsonReader> reader_;
};

/// For the rare answer outside a stream: `Decoder{}.object(...)`.
[[nodiscard]] base::Result<Object> decode_object(std::string_view text, const Resource& resource,
                                                 const Pruning& pruning);

}  // namespace kube
