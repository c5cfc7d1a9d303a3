#include "commands.hpp"

#include <fmt/format.h>

#include <utility>

#include "codec.hpp"
#include "problem.hpp"
#include "query.hpp"
#include "text.hpp"
#include "todo_store.hpp"

namespace todo {
namespace {

using Read = std::variant<Command, HttpAnswer>;

/// "application/json", with parameters or without.
bool is_json(std::string_view content_type) {
  const auto type = ascii_lower(trim_spaces(content_type.substr(0, content_type.find(';'))));
  return type == "application/json";
}

HttpAnswer not_json() { return problem(415, "the content type must be application/json"); }

HttpAnswer no_such_todo(std::string_view id) {
  // What stands in the path may be anything.
  return problem(404, whole_number(id, 1, id_most)
                          ? fmt::format("there is no todo {}", id)
                          : std::string("there is no such todo: ids are whole numbers from 1 on"));
}

Read read_list(const HttpQuestion& question, int schema) {
  auto query = read_list_query(question.query, schema);
  if (const auto* errors = std::get_if<FieldErrors>(&query)) return field_problem(400, *errors);
  return ListTodos{std::get<ListQuery>(std::move(query))};
}

Read read_create(const HttpQuestion& question, int schema) {
  if (!is_json(question.content_type)) return not_json();
  auto given = read_new_todo(question.body, schema);
  if (auto* refused = std::get_if<HttpAnswer>(&given)) return std::move(*refused);
  return CreateTodo{std::get<NewTodo>(std::move(given))};
}

Read read_edit(std::int64_t id, const HttpQuestion& question, int schema) {
  if (!is_json(question.content_type)) return not_json();
  auto given = read_todo_edit(question.body, schema);
  if (auto* refused = std::get_if<HttpAnswer>(&given)) return std::move(*refused);
  return EditTodo{id, std::get<TodoEdit>(std::move(given))};
}

Read read_completion(std::int64_t id, bool completed) { return EditTodo{id, TodoEdit{.completed = completed}}; }

HttpAnswer one_todo(const std::optional<Todo>& found, std::int64_t id) {
  if (!found) return no_such_todo(std::to_string(id));
  return {.body = write_todo(*found)};
}

class Runner {
 public:
  Runner(Database& database, int schema, const std::string& now) : store_(database, schema), now_(now) {}

  Result<HttpAnswer> operator()(const ListTodos& list) {
    return store_.list(list.query).map([](const TodoPage& page) { return HttpAnswer{.body = write_page(page)}; });
  }

  Result<HttpAnswer> operator()(const CreateTodo& create) {
    return store_.create(create.todo, now_).map([](const Todo& made) {
      return HttpAnswer{
          .status = 201, .body = write_todo(made), .headers = {{"Location", fmt::format("/api/todos/{}", made.id)}}};
    });
  }

  Result<HttpAnswer> operator()(const GetTodo& get) {
    return store_.get(get.id).map([&](const std::optional<Todo>& found) { return one_todo(found, get.id); });
  }

  Result<HttpAnswer> operator()(const EditTodo& edit) {
    return store_.edit(edit.id, edit.edit, now_).map([&](const std::optional<Todo>& found) {
      return one_todo(found, edit.id);
    });
  }

  Result<HttpAnswer> operator()(const DeleteTodo& remove) {
    return store_.remove(remove.id).map([&](bool removed) {
      return removed ? HttpAnswer{.status = 204, .content_type = ""} : no_such_todo(std::to_string(remove.id));
    });
  }

 private:
  TodoStore store_;
  const std::string& now_;
};

}  // namespace

HttpAnswer method_not_allowed(Route route) {
  auto answer = problem(405, fmt::format("this path has {}", allowed_methods(route)));
  answer.headers.emplace_back("Allow", allowed_methods(route));
  return answer;
}

std::variant<Command, HttpAnswer> read_command(const HttpQuestion& question, const RouteMatch& match, int schema) {
  if (!is_allowed(match.route, question.method)) return method_not_allowed(match.route);
  if (match.route == Route::todos) {
    return question.method == "POST" ? read_create(question, schema) : read_list(question, schema);
  }
  const auto id = whole_number(match.id, 1, id_most);
  if (!id) return no_such_todo(match.id);
  if (match.route == Route::complete || match.route == Route::reopen) {
    return read_completion(*id, match.route == Route::complete);
  }
  if (question.method == "PATCH") return read_edit(*id, question, schema);
  if (question.method == "DELETE") return DeleteTodo{*id};
  return GetTodo{*id};
}

Result<HttpAnswer> run_command(const Command& command, Database& database, int schema, const std::string& now) {
  if (auto connected = database.connect(); !connected) return tl::unexpected(connected.error());
  return std::visit(Runner(database, schema, now), command);
}

}  // namespace todo
