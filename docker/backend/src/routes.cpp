#include "routes.hpp"

namespace todo {

RouteMatch match_path(std::string_view path) {
  constexpr std::string_view todos = "/api/todos";
  if (path == "/health") return {Route::health};
  if (path == "/ready") return {Route::ready};
  if (path == "/metrics") return {Route::metrics};
  if (!path.starts_with(todos)) return {};
  path.remove_prefix(todos.size());
  if (path.empty()) return {Route::todos};
  if (path.front() != '/') return {};
  path.remove_prefix(1);
  const auto slash = path.find('/');
  const auto id = path.substr(0, slash);
  if (id.empty()) return {};
  if (slash == std::string_view::npos) return {Route::todo, id};
  const auto verb = path.substr(slash + 1);
  if (verb == "complete") return {Route::complete, id};
  if (verb == "reopen") return {Route::reopen, id};
  return {};
}

const char* label(Route route) {
  switch (route) {
    case Route::todos:
      return "/api/todos";
    case Route::todo:
      return "/api/todos/{id}";
    case Route::complete:
      return "/api/todos/{id}/complete";
    case Route::reopen:
      return "/api/todos/{id}/reopen";
    case Route::health:
      return "/health";
    case Route::ready:
      return "/ready";
    case Route::metrics:
      return "/metrics";
    case Route::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view allowed_methods(Route route) {
  switch (route) {
    case Route::todos:
      return "GET, HEAD, POST";
    case Route::todo:
      return "GET, HEAD, PATCH, DELETE";
    case Route::complete:
    case Route::reopen:
      return "POST";
    case Route::health:
    case Route::ready:
    case Route::metrics:
      return "GET, HEAD";
    case Route::unknown:
      return "";
  }
  return "";
}

bool is_allowed(Route route, std::string_view method) {
  auto rest = allowed_methods(route);
  while (!rest.empty()) {
    const auto name = rest.substr(0, rest.find(','));
    if (name == method) return true;
    rest.remove_prefix(std::min(rest.size(), name.size() + 2));
  }
  return false;
}

}  // namespace todo
