// A request and its answer as values: what the HTTP server hands over and takes back.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace todo {

struct HttpQuestion {
  std::string method{};        ///< as sent: "GET"
  std::string path{};          ///< as sent, not decoded: "/api/todos"
  std::string query{};         ///< as sent, without the question mark
  std::string content_type{};  ///< that header's value
  std::string body{};
};

struct HttpAnswer {
  unsigned status{200};
  std::string content_type{"application/json"};
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};

  friend bool operator==(const HttpAnswer&, const HttpAnswer&) = default;
};

/// The first call counts, later ones are nothing. From the loop's thread only.
using HttpRespond = std::function<void(HttpAnswer)>;
using HttpHandler = std::function<void(const HttpQuestion&, HttpRespond)>;

/// What is told of each answer, those that the server gave by itself included.
struct HttpExchange {
  std::string method{};
  std::string path{};  ///< empty where the request could not be read so far
  unsigned status{200};
  std::chrono::nanoseconds took{};
};

}  // namespace todo
