// Results and errors. Law: an error says what its receiver is to do (`code`), which act failed (`act`), and what was
// said about it (`detail`); it never turns into "nothing to do". Exceptions end at the transport and at the codecs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

namespace base {

/// What the receiver of an error does about it. Closed on purpose: a new cause maps onto one of these.
enum class ErrorCode : std::uint8_t {
  retry,           ///< passing: try again with back-off, not before `retry_after`
  relist,          ///< what was read can no longer be followed from there: list again
  conflict,        ///< somebody else wrote first: observe again, then decide again
  not_found,       ///< the object (or the API) is not there
  already_exists,  ///< an object of that name is there: perhaps ours, look
  forbidden,       ///< not allowed, or over quota: tell the user, back off
  invalid,         ///< refused for what it says: only a user can go on
  gone,            ///< the resource version is too old: list again from the newest
  stopped,         ///< we are shutting down, or the call was cancelled
};

[[nodiscard]] const char* to_string(ErrorCode code);

struct Error {
  ErrorCode code{ErrorCode::retry};
  std::string act;     ///< "create Deployment shop/todo-backend"
  std::string detail;  ///< the server's or the library's own words
  std::optional<std::chrono::milliseconds> retry_after{};

  friend bool operator==(const Error&, const Error&) = default;
};

/// "ACT: DETAIL", for logs and conditions.
[[nodiscard]] std::string to_string(const Error& error);

template <class T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

[[nodiscard]] Failure fail(ErrorCode code, std::string act, std::string detail);

}  // namespace base
