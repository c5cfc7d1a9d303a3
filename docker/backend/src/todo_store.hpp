// Todos in a database: the SQL. Law: each of these is one statement, so each sees and leaves a whole; concurrent edits
// of different fields both stay. No state, no clock: the connection and the time are arguments. `schema` is the version
// whose columns are named.
#pragma once

#include <optional>
#include <string>

#include "database.hpp"
#include "todo.hpp"

namespace todo {

class TodoStore {
 public:
  TodoStore(Database& database, int schema) : database_(database), schema_(schema) {}

  [[nodiscard]] Result<TodoPage> list(const ListQuery& query);
  [[nodiscard]] Result<Todo> create(const NewTodo& given, const std::string& now);
  /// Nothing where there is no such todo; so below.
  [[nodiscard]] Result<std::optional<Todo>> get(std::int64_t id);
  /// A todo that is completed already keeps the time of its completion.
  [[nodiscard]] Result<std::optional<Todo>> edit(std::int64_t id, const TodoEdit& edit, const std::string& now);
  [[nodiscard]] Result<bool> remove(std::int64_t id);

 private:
  [[nodiscard]] std::string columns() const;
  [[nodiscard]] std::string time_column(const std::string& name) const;

  Database& database_;
  int schema_;
};

}  // namespace todo
