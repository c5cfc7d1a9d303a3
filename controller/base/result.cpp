#include "base/result.hpp"

#include <utility>

namespace base {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::retry:
      return "retry";
    case ErrorCode::relist:
      return "relist";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::gone:
      return "gone";
    case ErrorCode::stopped:
      return "stopped";
  }
  return "unknown";
}

std::string to_string(const Error& error) { return error.detail.empty() ? error.act : error.act + ": " + error.detail; }

Failure fail(ErrorCode code, std::string act, std::string detail) {
  return Failure{Error{code, std::move(act), std::move(detail), std::nullopt}};
}

}  // namespace base
