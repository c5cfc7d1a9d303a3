// Results and errors. Law: an error says what its receiver is to do about it (`trouble`) and what was said (`detail`,
// for logs and operators, never for clients). No detail ever holds a password.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace todo {

enum class Trouble : std::uint8_t {
  unavailable,  ///< the database does not answer, or not now: try again
  schema,       ///< the database has no schema that this program can work with
  failed,       ///< anything else: a bug, or a database that somebody else changed
  invalid,      ///< what a user set or asked for is wrong
};

[[nodiscard]] constexpr const char* to_string(Trouble trouble) {
  switch (trouble) {
    case Trouble::unavailable:
      return "unavailable";
    case Trouble::schema:
      return "schema";
    case Trouble::failed:
      return "failed";
    case Trouble::invalid:
      return "invalid";
  }
  return "unknown";
}

struct Error {
  Trouble trouble{Trouble::failed};
  std::string detail;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Trouble trouble, std::string detail) {
  return tl::unexpected<Error>(Error{trouble, std::move(detail)});
}

}  // namespace todo
