#include "todo_store.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "text.hpp"

namespace todo {
namespace {

constexpr int due_date_schema = 2;

std::int64_t number(const std::optional<std::string>& cell) {
  return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}

bool flag(const std::optional<std::string>& cell) { return cell == "1" || cell == "t"; }

/// The cells of `columns`, from `at` on.
Todo read_todo(const Row& row, std::size_t at = 0) {
  return {.id = number(row.at(at)),
          .title = row.at(at + 1).value_or(""),
          .notes = row.at(at + 2).value_or(""),
          .completed = flag(row.at(at + 3)),
          .due_date = row.at(at + 4),
          .created_at = row.at(at + 5).value_or(""),
          .updated_at = row.at(at + 6).value_or(""),
          .completed_at = row.at(at + 7)};
}

Value text_or_null(const std::optional<std::string>& text) { return text ? Value(*text) : Value(nullptr); }

/// What stands behind ORDER BY. Both databases compare titles byte by byte after A to Z were made small, whatever their
/// locales say, so that they give the same order.
std::string order_of(const ListQuery& query, Dialect dialect) {
  const auto* direction = query.descending ? "DESC" : "ASC";
  switch (query.sort) {
    case SortKey::created_at:
      return fmt::format("created_at {}, id {}", direction, direction);
    case SortKey::updated_at:
      return fmt::format("updated_at {}, id {}", direction, direction);
    case SortKey::title:
      return fmt::format("{} {}, id {}",
                         dialect == Dialect::sqlite ? "title COLLATE NOCASE" : "lower(title COLLATE \"C\")", direction,
                         direction);
    case SortKey::due_date:
      return fmt::format("due_date IS NULL, due_date {}, id {}", direction, direction);
  }
  return "id";
}

/// SQLite's LIKE takes A to Z for a to z by itself.
std::string holds_pattern(Dialect dialect, int parameter) {
  const auto* form =
      dialect == Dialect::sqlite ? "({} LIKE ${} ESCAPE '!')" : "(lower({} COLLATE \"C\") LIKE ${} ESCAPE '!')";
  return fmt::format("({} OR {})", fmt::format(fmt::runtime(form), "title", parameter),
                     fmt::format(fmt::runtime(form), "notes", parameter));
}

Result<std::optional<Todo>> first_todo(const Result<Rows>& rows) {
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return std::optional<Todo>{};
  return read_todo(rows->front());
}

}  // namespace

std::string TodoStore::time_column(const std::string& name) const {
  if (database_.dialect() == Dialect::sqlite) return name;
  return fmt::format(R"(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))", name);
}

std::string TodoStore::columns() const {
  return fmt::format("id, title, notes, completed, {}, {}, {}, {}", schema_ < due_date_schema ? "NULL" : "due_date",
                     time_column("created_at"), time_column("updated_at"), time_column("completed_at"));
}

Result<TodoPage> TodoStore::list(const ListQuery& query) {
  Values values;
  const auto parameter = [&](Value value) {
    values.push_back(std::move(value));
    return static_cast<int>(values.size());
  };
  std::string found = "true";
  if (!query.search.empty()) {
    found = holds_pattern(database_.dialect(), parameter(like_pattern(ascii_lower(query.search))));
  }
  // The counts and the page are of one moment, and the counts are there even where the page is empty.
  std::string chosen = found;
  if (query.completed) chosen += fmt::format(" AND {}", *query.completed ? "completed" : "NOT completed");
  const auto order = order_of(query, database_.dialect());
  const int limit = parameter(query.limit);
  const int offset = parameter(query.offset);
  const auto rows = database_.run(
      fmt::format("SELECT counts.active, counts.completed, page.* "
                  "FROM (SELECT coalesce(sum(CASE WHEN completed THEN 0 ELSE 1 END), 0) AS active, "
                  "coalesce(sum(CASE WHEN completed THEN 1 ELSE 0 END), 0) AS completed FROM todos WHERE {}) AS counts "
                  "LEFT JOIN (SELECT {}, row_number() OVER (ORDER BY {}) AS place FROM todos WHERE {} ORDER BY {} "
                  "LIMIT ${} OFFSET ${}) AS page ON true ORDER BY place",
                  found, columns(), order, chosen, order, limit, offset),
      values);
  if (!rows) return tl::unexpected(rows.error());
  TodoPage page{.limit = query.limit, .offset = query.offset};
  for (const auto& row : *rows) {
    page.active = number(row.at(0));
    page.completed = number(row.at(1));
    if (row.at(2)) page.items.push_back(read_todo(row, 2));
  }
  page.total = !query.completed ? page.active + page.completed : *query.completed ? page.completed : page.active;
  return page;
}

Result<Todo> TodoStore::create(const NewTodo& given, const std::string& now) {
  std::string names = "title, notes, completed, created_at, updated_at, completed_at";
  std::string places = "$1, $2, $3, $4, $5, $6";
  Values values{given.title, given.notes, given.completed, now, now, given.completed ? Value(now) : Value(nullptr)};
  if (schema_ >= due_date_schema) {
    names += ", due_date";
    places += ", $7";
    values.push_back(text_or_null(given.due_date));
  }
  const auto rows =
      database_.run(fmt::format("INSERT INTO todos ({}) VALUES ({}) RETURNING {}", names, places, columns()), values);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return fail(Trouble::failed, "an insert returned nothing");
  return read_todo(rows->front());
}

Result<std::optional<Todo>> TodoStore::get(std::int64_t id) {
  return first_todo(database_.run(fmt::format("SELECT {} FROM todos WHERE id = $1", columns()), {id}));
}

Result<std::optional<Todo>> TodoStore::edit(std::int64_t id, const TodoEdit& edit, const std::string& now) {
  Values values{now};
  std::string sets = "updated_at = $1";
  const bool completion_alone = edit.completed && !edit.title && !edit.notes && !edit.due_date;
  if (completion_alone) {
    // To complete what is completed changes nothing. On the right side of a SET stand the values from before.
    sets = fmt::format("updated_at = CASE WHEN {}completed THEN updated_at ELSE $1 END", *edit.completed ? "" : "NOT ");
  }
  const auto set = [&](std::string_view name, Value value) {
    values.push_back(std::move(value));
    sets += fmt::format(", {} = ${}", name, values.size());
  };
  if (edit.title) set("title", *edit.title);
  if (edit.notes) set("notes", *edit.notes);
  if (edit.due_date && schema_ >= due_date_schema) set("due_date", text_or_null(*edit.due_date));
  if (edit.completed) {
    set("completed", *edit.completed);
    sets += *edit.completed ? ", completed_at = coalesce(completed_at, $1)" : ", completed_at = NULL";
  }
  values.emplace_back(id);
  return first_todo(database_.run(
      fmt::format("UPDATE todos SET {} WHERE id = ${} RETURNING {}", sets, values.size(), columns()), values));
}

Result<bool> TodoStore::remove(std::int64_t id) {
  const auto rows = database_.run("DELETE FROM todos WHERE id = $1 RETURNING id", {id});
  if (!rows) return tl::unexpected(rows.error());
  return !rows->empty();
}

}  // namespace todo
