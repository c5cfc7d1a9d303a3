// Todos to and from JSON. Pure. Law: whatever docker/backend/openapi.yaml allows is taken, all else is refused with
// what is wrong with which field; all that is wrong is said at once.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "http.hpp"
#include "problem.hpp"
#include "todo.hpp"

namespace todo {

/// `schema` is the version whose fields are known. The answer says why not: 400 for what is not JSON, else 422.
[[nodiscard]] std::variant<NewTodo, HttpAnswer> read_new_todo(std::string_view body, int schema);
[[nodiscard]] std::variant<TodoEdit, HttpAnswer> read_todo_edit(std::string_view body, int schema);

[[nodiscard]] std::string write_todo(const Todo& todo);
[[nodiscard]] std::string write_page(const TodoPage& page);

}  // namespace todo
