// Which path is which. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace todo {

enum class Route : std::uint8_t { todos, todo, complete, reopen, health, ready, metrics, unknown };

struct RouteMatch {
  Route route{Route::unknown};
  std::string_view id{};  ///< the part of the path that names a todo, not looked at yet
};

[[nodiscard]] RouteMatch match_path(std::string_view path);

/// The path with "{id}" in it: a label of metrics, so there are few of them.
[[nodiscard]] const char* label(Route route);

/// "GET, HEAD, POST", for the header `Allow`; empty for no route.
[[nodiscard]] std::string_view allowed_methods(Route route);
[[nodiscard]] bool is_allowed(Route route, std::string_view method);

}  // namespace todo
