#include "problem.hpp"

#include <nlohmann/json.hpp>

namespace todo {

using Json = nlohmann::ordered_json;

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Entity";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

HttpAnswer problem(unsigned status, std::string_view detail, const FieldErrors& errors) {
  Json json{{"title", reason_phrase(status)}, {"status", status}, {"detail", detail}};
  for (const auto& error : errors) {
    json["errors"].push_back(Json{{"field", error.field}, {"detail", error.detail}});
  }
  // Names of fields come from clients: what is not UTF-8 must not become an exception.
  return {.status = status,
          .content_type = "application/problem+json",
          .body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

HttpAnswer field_problem(unsigned status, const FieldErrors& errors) {
  std::string detail;
  for (const auto& error : errors) {
    detail += (detail.empty() ? "" : "; ") + (error.field.empty() ? "" : error.field + " ") + error.detail;
  }
  return problem(status, detail, errors);
}

HttpAnswer unavailable(std::string_view detail) {
  auto answer = problem(503, detail);
  answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

HttpAnswer database_problem(const Error& error) {
  switch (error.trouble) {
    case Trouble::unavailable:
      return unavailable("the database does not answer");
    case Trouble::schema:
      return unavailable("the database's schema is not the one that this program needs");
    case Trouble::failed:
    case Trouble::invalid:
      return problem(500, "the database refused what it was asked; the program's log says why");
  }
  return problem(500, "unknown trouble");
}

}  // namespace todo
