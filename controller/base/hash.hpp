// Hashes and encodings. Law: everything that names an object or decides "the same or not" goes through here, so that
// two builds of the operator agree. Nothing here may change without a new renderer version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace base {

/// SHA-256 as 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
/// HMAC-SHA-256 as 64 lower-case hex digits; whoever lacks the key learns nothing of `bytes` from it.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);
/// The first ten digits of a hash: what names and labels carry. 40 bits, within one app's few dozen objects.
[[nodiscard]] std::string short_hash(std::string_view hex);
/// For noticing that cached bytes changed, eight of them at a time; never 0, never stored in the cluster, and no guard
/// against whoever looks for two texts with the same one.
[[nodiscard]] std::uint64_t fingerprint(std::string_view bytes);

[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Error: invalid.
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);

}  // namespace base
