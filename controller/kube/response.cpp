#include "kube/response.hpp"

#include <simdjson.h>

#include <chrono>
#include <optional>
#include <utility>

namespace kube {
namespace {

/// What we read of a Status object. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
struct Status {
  int code{0};
  std::string reason;
  std::string message;
  std::optional<std::chrono::seconds> retry_after;
  bool version_too_large{false};
};

std::string text_of(simdjson::dom::element object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

void read_details(simdjson::dom::element details, Status& status) {
  std::int64_t seconds = 0;
  if (details["retryAfterSeconds"].get(seconds) == simdjson::SUCCESS && seconds > 0) {
    status.retry_after = std::chrono::seconds(seconds);
  }
  simdjson::dom::array causes;
  if (details["causes"].get(causes) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element cause : causes) {
    if (text_of(cause, "reason") == "ResourceVersionTooLarge") status.version_too_large = true;
  }
}

/// Nothing where the body is no Status: a proxy in between, or a server that is coming up, answers in plain text.
std::optional<Status> read_status(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  if (text_of(root, "kind") != "Status") return std::nullopt;

  Status status;
  std::int64_t code = 0;
  if (root["code"].get(code) == simdjson::SUCCESS && code >= 100 && code <= 599) status.code = static_cast<int>(code);
  status.reason = text_of(root, "reason");
  status.message = text_of(root, "message");
  simdjson::dom::element details;
  if (root["details"].get(details) == simdjson::SUCCESS) read_details(details, status);
  return status;
}

/// At most `max_detail` bytes, and no half of a UTF-8 character at the end.
std::string bounded(std::string_view text) {
  if (text.size() <= max_detail) return std::string(text);
  std::size_t end = max_detail;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

base::ErrorCode code_of(int http_status, const Status& status) {
  using base::ErrorCode;
  if (status.version_too_large || status.message.find("Too large resource version") != std::string::npos) {
    return ErrorCode::relist;
  }
  switch (http_status) {
    case 401:  // the token is read again before the next request
    case 408:
    case 429:
      return ErrorCode::retry;
    case 403:
      return ErrorCode::forbidden;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return status.reason == "AlreadyExists" ? ErrorCode::already_exists : ErrorCode::conflict;
    case 410:
      return ErrorCode::gone;
    default:
      break;
  }
  return http_status >= 300 && http_status < 500 ? ErrorCode::invalid : ErrorCode::retry;
}

base::Error make_error(int http_status, const Status& status, std::string_view body, std::string act) {
  base::Error error;
  error.code = code_of(http_status, status);
  error.act = std::move(act);
  if (http_status >= 300 && http_status < 400) {
    error.detail = "refused to follow a redirect (HTTP " + std::to_string(http_status) + "); is this an API server?";
    return error;
  }
  error.detail = bounded(status.message.empty() ? body : std::string_view(status.message));
  if (error.detail.empty()) error.detail = "HTTP " + std::to_string(http_status);
  if (error.code == base::ErrorCode::retry) error.retry_after = status.retry_after;
  return error;
}

}  // namespace

base::Error error_of(const ResponseHead& head, std::string_view body, std::string act) {
  Status status = read_status(body).value_or(Status{});
  // The header counts where the object says nothing: API Priority and Fairness sends both, a proxy only the header.
  if (!status.retry_after && head.retry_after) status.retry_after = head.retry_after;
  return make_error(head.status, status, body, std::move(act));
}

base::Error error_of_status(std::string_view status_object, std::string act) {
  const std::optional<Status> status = read_status(status_object);
  if (!status) {
    return base::Error{base::ErrorCode::relist, std::move(act), "the watch sent an error that is no Status", {}};
  }
  return make_error(status->code, *status, status_object, std::move(act));
}

base::Result<Response> require_success(Response response, std::string act) {
  if (response.head.status >= 200 && response.head.status < 300) return response;
  return base::Failure(error_of(response.head, response.body, std::move(act)));
}

}  // namespace kube
