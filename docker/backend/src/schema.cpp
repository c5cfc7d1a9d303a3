#include "schema.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace todo {

const SchemaSteps& schema_steps() {
  static const SchemaSteps steps{
      {.version = 1,
       .compatible_from = 1,
       .adds = "todos",
       // AUTOINCREMENT: the id of a deleted todo is never given again, as with PostgreSQL.
       .sqlite = {R"(CREATE TABLE todos (
                       id INTEGER PRIMARY KEY AUTOINCREMENT,
                       title TEXT NOT NULL,
                       notes TEXT NOT NULL DEFAULT '',
                       completed INTEGER NOT NULL DEFAULT 0 CHECK (completed IN (0, 1)),
                       created_at TEXT NOT NULL,
                       updated_at TEXT NOT NULL,
                       completed_at TEXT))",
                  "CREATE INDEX todos_by_created_at ON todos (created_at, id)"},
       .postgresql = {R"(CREATE TABLE todos (
                           id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                           title TEXT NOT NULL,
                           notes TEXT NOT NULL DEFAULT '',
                           completed BOOLEAN NOT NULL DEFAULT false,
                           created_at TIMESTAMPTZ(3) NOT NULL,
                           updated_at TIMESTAMPTZ(3) NOT NULL,
                           completed_at TIMESTAMPTZ(3)))",
                      "CREATE INDEX todos_by_created_at ON todos (created_at, id)"}},
      // Programs of version 1 neither name the column nor need it.
      {.version = 2,
       .compatible_from = 1,
       .adds = "a due date of each todo",
       .sqlite = {"ALTER TABLE todos ADD COLUMN due_date TEXT",
                  "CREATE INDEX todos_by_due_date ON todos (due_date, id)"},
       .postgresql = {"ALTER TABLE todos ADD COLUMN due_date DATE",
                      "CREATE INDEX todos_by_due_date ON todos (due_date, id)"}},
  };
  return steps;
}

int newest_schema() { return schema_steps().back().version; }

Result<SchemaFound> read_schema(Database& database) {
  // Whether the table is there is asked first: in PostgreSQL a failure would end the transaction that asks. And it is
  // asked of the catalog, for to_regclass may remember from before this transaction that there is none.
  const auto known = database.run(
      database.dialect() == Dialect::sqlite
          ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'todo_schema_versions'"
          : "SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'todo_schema_versions' AND pg_table_is_visible(oid)");
  if (!known) return tl::unexpected(known.error());
  if (known->empty()) return SchemaFound{};
  const auto rows =
      database.run("SELECT version, compatible_from FROM todo_schema_versions ORDER BY version DESC LIMIT 1");
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return SchemaFound{};
  const auto number = [&](std::size_t at) { return std::atoi(rows->front().at(at).value_or("0").c_str()); };
  return SchemaFound{.version = number(0), .compatible_from = number(1)};
}

bool fits(const SchemaFound& found, int needed) {
  return found.version == needed || (found.version > needed && found.compatible_from <= needed);
}

std::string explain_misfit(const SchemaFound& found, int needed) {
  if (found.version < needed) {
    return fmt::format(
        "the database has {}, this program needs schema version {}: run `todo-backend migrate`",
        found.version == 0 ? std::string("no schema yet") : fmt::format("schema version {}", found.version), needed);
  }
  return fmt::format(
      "the database has schema version {}, on which only programs made for version {} or later work; this one is made "
      "for version {}: run a newer program",
      found.version, found.compatible_from, needed);
}

}  // namespace todo
