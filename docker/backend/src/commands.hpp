// From a request to what is to be done with todos, and from what was done to the answer. `read_command` is pure and
// runs on the loop; `run_command` runs where a database may be waited for.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "database.hpp"
#include "http.hpp"
#include "routes.hpp"
#include "todo.hpp"

namespace todo {

struct ListTodos {
  ListQuery query{};
  friend bool operator==(const ListTodos&, const ListTodos&) = default;
};
struct CreateTodo {
  NewTodo todo{};
  friend bool operator==(const CreateTodo&, const CreateTodo&) = default;
};
struct GetTodo {
  std::int64_t id{0};
  friend bool operator==(const GetTodo&, const GetTodo&) = default;
};
struct EditTodo {
  std::int64_t id{0};
  TodoEdit edit{};
  friend bool operator==(const EditTodo&, const EditTodo&) = default;
};
struct DeleteTodo {
  std::int64_t id{0};
  friend bool operator==(const DeleteTodo&, const DeleteTodo&) = default;
};
using Command = std::variant<ListTodos, CreateTodo, GetTodo, EditTodo, DeleteTodo>;

/// Nothing to read where the route has no such method: 405. `match` is one of the routes of todos.
[[nodiscard]] std::variant<Command, HttpAnswer> read_command(const HttpQuestion& question, const RouteMatch& match,
                                                             int schema);

/// The answer to a method that the route does not have.
[[nodiscard]] HttpAnswer method_not_allowed(Route route);

/// The error is for the log; `database_problem` makes an answer of it.
[[nodiscard]] Result<HttpAnswer> run_command(const Command& command, Database& database, int schema,
                                             const std::string& now);

}  // namespace todo
