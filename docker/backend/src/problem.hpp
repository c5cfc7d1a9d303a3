// Answers that say what is wrong: problems of RFC 9457. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http.hpp"
#include "result.hpp"

namespace todo {

/// One thing that is wrong with one field or parameter: {"title", "must not be blank"}.
struct FieldError {
  std::string field;
  std::string detail;

  friend bool operator==(const FieldError&, const FieldError&) = default;
};
using FieldErrors = std::vector<FieldError>;

[[nodiscard]] std::string_view reason_phrase(unsigned status);

[[nodiscard]] HttpAnswer problem(unsigned status, std::string_view detail, const FieldErrors& errors = {});

/// The detail is made of the errors.
[[nodiscard]] HttpAnswer field_problem(unsigned status, const FieldErrors& errors);

/// "Not now": with `Retry-After`.
[[nodiscard]] HttpAnswer unavailable(std::string_view detail);

/// What a client is told of an error of the database: never its own words.
[[nodiscard]] HttpAnswer database_problem(const Error& error);

}  // namespace todo
