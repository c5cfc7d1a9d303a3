#include "operator/http_server.health.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace shell {

HttpAnswer Health::answer(const HttpQuestion& question) const {
  std::string lines;
  bool passed = true;
  for (const auto& [name, check] : checks_) {
    const auto reason = check();
    passed = passed && !reason;
    lines += reason ? fmt::format("[-]{} failed: {}\n", name, *reason) : fmt::format("[+]{} ok\n", name);
  }
  if (passed && !question.has("verbose")) return {.body = "ok"};
  const auto name = std::string_view(question.path).substr(question.path.starts_with('/') ? 1 : 0);
  return {.status = passed ? 200U : 500U,
          .body = fmt::format("{}{} check {}\n", lines, name, passed ? "passed" : "failed")};
}

HttpHandler make_health_handler(const Health& health) {
  return make_handler([&health](const HttpQuestion& question) { return health.answer(question); });
}

HttpHandler make_handler(std::function<HttpAnswer(const HttpQuestion&)> answer) {
  return [answer = std::move(answer)](const HttpQuestion& question, const HttpRespond& respond) {
    respond(answer(question));
  };
}

HttpHandler make_routes(std::map<std::string, HttpHandler> routes) {
  return [routes = std::move(routes)](const HttpQuestion& question, HttpRespond respond) {
    if (const auto route = routes.find(question.path); route != routes.end()) {
      return route->second(question, std::move(respond));
    }
    respond({.status = 404, .body = "there is nothing at this path\n"});
  };
}

}  // namespace shell
