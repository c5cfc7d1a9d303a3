// The query of a list: "completed=false&q=milk&sort=-dueDate&limit=20&offset=40". Pure. Law: a parameter that is
// unknown, given twice or not as it must be is refused by name; all that is wrong is said at once.
#pragma once

#include <string_view>
#include <variant>

#include "problem.hpp"
#include "todo.hpp"

namespace todo {

/// `schema` is the version whose fields are known.
[[nodiscard]] std::variant<ListQuery, FieldErrors> read_list_query(std::string_view query, int schema);

}  // namespace todo
