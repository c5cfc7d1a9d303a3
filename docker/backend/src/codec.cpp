#include "codec.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "text.hpp"

namespace todo {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t title_characters_most = 200;
constexpr std::size_t notes_characters_most = 2000;
constexpr int due_date_schema = 2;

/// The fields of one object; collects what is wrong with them.
class FieldReader {
 public:
  FieldReader(const Json& object, int schema) : object_(object), schema_(schema) {}

  void text(const char* name, std::optional<std::string>& out, const std::function<void(std::string&)>& check) {
    const auto* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return wrong(name, "must be text");
    out = value->get<std::string>();
    check(*out);
  }

  void title(std::optional<std::string>& out) {
    text("title", out, [this](std::string& title) {
      if (utf8_length(title).value_or(0) > title_characters_most) {
        wrong("title", fmt::format("must have at most {} characters", title_characters_most));
      } else if (has_control_characters(title)) {
        wrong("title", "must be one line without control characters");
      } else if (trim_spaces(title).empty()) {
        wrong("title", "must not be blank");
      }
      title = std::string(trim_spaces(title));
    });
  }

  void notes(std::optional<std::string>& out) {
    text("notes", out, [this](const std::string& notes) {
      if (utf8_length(notes).value_or(0) > notes_characters_most) {
        wrong("notes", fmt::format("must have at most {} characters", notes_characters_most));
      } else if (has_control_characters(notes, true)) {
        wrong("notes", "must hold no control characters but tabs and line ends");
      }
    });
  }

  void completed(std::optional<bool>& out) {
    const auto* value = find("completed");
    if (value == nullptr) return;
    if (!value->is_boolean()) return wrong("completed", "must be true or false");
    out = value->get<bool>();
  }

  void due_date(std::optional<std::optional<std::string>>& out) {
    const auto* value = find("dueDate");
    if (value == nullptr) return;
    out.emplace();
    if (value->is_null()) return;
    if (!value->is_string() || !is_date(value->get_ref<const std::string&>())) {
      return wrong("dueDate", "must be a date such as 2026-12-31, or null");
    }
    if (schema_ < due_date_schema) return wrong("dueDate", "is not known before schema version 2");
    out->emplace(value->get<std::string>());
  }

  void required(const char* name) {
    if (!object_.contains(name)) wrong(name, "is missing");
  }

  void refuse_others() {
    for (const auto& [name, value] : object_.items()) {
      if (!known_.contains(name)) wrong(name, "is not a field of a todo that can be set");
    }
  }

  [[nodiscard]] const FieldErrors& errors() const { return errors_; }

 private:
  const Json* find(const char* name) {
    known_[name] = true;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  void wrong(const std::string& name, std::string detail) { errors_.push_back({name, std::move(detail)}); }

  const Json& object_;
  int schema_;
  std::map<std::string, bool> known_;
  FieldErrors errors_;
};

/// The object, or why it is none.
std::variant<Json, HttpAnswer> read_object(std::string_view body) {
  if (body.empty()) return problem(400, "the body is empty: it must be a JSON object");
  try {
    auto json = Json::parse(body);
    if (!json.is_object()) return problem(422, "the body must be a JSON object");
    return json;
  } catch (const Json::parse_error& error) {
    return problem(400, fmt::format("the body is not JSON, from byte {} on", error.byte));
  } catch (const Json::exception&) {
    // A number that no type holds.
    return problem(400, "the body is not JSON that can be read");
  }
}

TodoEdit read_fields(FieldReader& fields) {
  TodoEdit edit;
  fields.title(edit.title);
  fields.notes(edit.notes);
  fields.completed(edit.completed);
  fields.due_date(edit.due_date);
  fields.refuse_others();
  return edit;
}

Json optional_text(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json todo_json(const Todo& todo) {
  return {{"id", todo.id},
          {"title", todo.title},
          {"notes", todo.notes},
          {"completed", todo.completed},
          {"dueDate", optional_text(todo.due_date)},
          {"createdAt", todo.created_at},
          {"updatedAt", todo.updated_at},
          {"completedAt", optional_text(todo.completed_at)}};
}

/// Somebody else may have written bytes that are not UTF-8 into the database.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::variant<NewTodo, HttpAnswer> read_new_todo(std::string_view body, int schema) {
  const auto object = read_object(body);
  if (const auto* refused = std::get_if<HttpAnswer>(&object)) return *refused;
  FieldReader fields(std::get<Json>(object), schema);
  fields.required("title");
  auto given = read_fields(fields);
  if (!fields.errors().empty()) return field_problem(422, fields.errors());
  return NewTodo{.title = std::move(*given.title),
                 .notes = given.notes.value_or(""),
                 .completed = given.completed.value_or(false),
                 .due_date = given.due_date.value_or(std::nullopt)};
}

std::variant<TodoEdit, HttpAnswer> read_todo_edit(std::string_view body, int schema) {
  const auto object = read_object(body);
  if (const auto* refused = std::get_if<HttpAnswer>(&object)) return *refused;
  if (std::get<Json>(object).empty()) {
    return problem(422, "the body names nothing to change: title, notes, completed, dueDate");
  }
  FieldReader fields(std::get<Json>(object), schema);
  auto edit = read_fields(fields);
  if (!fields.errors().empty()) return field_problem(422, fields.errors());
  return edit;
}

std::string write_todo(const Todo& todo) { return dump(todo_json(todo)); }

std::string write_page(const TodoPage& page) {
  Json json{{"items", Json::array()}, {"total", page.total}, {"limit", page.limit}, {"offset", page.offset}};
  for (const auto& todo : page.items) json["items"].push_back(todo_json(todo));
  json["counts"] = Json{{"all", page.active + page.completed}, {"active", page.active}, {"completed", page.completed}};
  return dump(json);
}

}  // namespace todo
