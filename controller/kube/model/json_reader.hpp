// The one place where JSON text is opened for reading, and the small steps every reader of it takes. Private to
// kube/model: it brings simdjson along.
//
// Law: `open` checks the whole text before anything is read from it (simdjson's on-demand reader alone would pass over
// what it skips unseen). Every step throws `Malformed` with the member's name, never with its value; the readers'
// public functions turn it into an Error.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/model/object.hpp"

namespace kube {

namespace ondemand = simdjson::ondemand;

struct Malformed {
  std::string what;
};

class JsonReader {
 public:
  JsonReader(std::size_t max_depth, std::size_t keep_bytes) : max_depth_(max_depth), keep_bytes_(keep_bytes) {}

  /// The outermost object; good until the next call.
  ondemand::object open(std::string_view text);
  /// Gives the buffers back where they have become large.
  void close();
  [[nodiscard]] std::size_t held_bytes() const { return capacity_; }

 private:
  void reserve(std::size_t size);

  std::size_t max_depth_;
  std::size_t keep_bytes_;
  std::size_t capacity_{0};
  std::unique_ptr<char[]> buffer_;
  simdjson::dom::parser check_;
  ondemand::parser walk_;
  ondemand::document document_;
};

/// A member that is `null` counts as absent, as it does for Go.
[[nodiscard]] bool is_null(ondemand::value& value);

[[nodiscard]] std::string read_text(ondemand::value value, std::string_view path);
[[nodiscard]] std::int64_t read_integer(ondemand::value value, std::string_view path);
[[nodiscard]] std::int32_t read_count(ondemand::value value, std::string_view path);
[[nodiscard]] bool read_flag(ondemand::value value, std::string_view path);
[[nodiscard]] base::WallTime read_time(ondemand::value value, std::string_view path);
[[nodiscard]] ondemand::object read_object(ondemand::value value, std::string_view path);
[[nodiscard]] ondemand::array read_array(ondemand::value value, std::string_view path);
[[nodiscard]] std::vector<Condition> read_conditions(ondemand::value value, std::string_view path);

/// The text between a value's first and last byte.
[[nodiscard]] std::string_view trim(std::string_view raw);

/// Calls `visit(key, value)` for each member that is not null.
template <class Visit>
void for_each_member(ondemand::object object, Visit&& visit) {
  for (ondemand::field field : object) {
    const std::string_view key = field.unescaped_key();
    if (!is_null(field.value())) visit(key, field.value());
  }
}

/// Runs one reading between open and close, and ends every exception here.
template <class Read>
auto reading(JsonReader& reader, std::string_view text, const std::string& act, Read&& read)
    -> base::Result<decltype(read(ondemand::object{}))> {
  struct Close {
    JsonReader& reader;
    ~Close() { reader.close(); }
  } const close{reader};
  try {
    return read(reader.open(text));
  } catch (const Malformed& malformed) {
    return base::fail(base::ErrorCode::invalid, act, malformed.what);
  } catch (const simdjson::simdjson_error& error) {
    return base::fail(base::ErrorCode::invalid, act, error.what());
  }
}

}  // namespace kube
