#include "migrate.hpp"

#include <fmt/format.h>

namespace todo {
namespace {

/// Any number would do, as long as it stays the same.
constexpr std::int64_t lock_of_migrations = 7'307'199'746'129;

Result<void> run_all(Database& database, const std::vector<std::string_view>& statements) {
  for (const auto statement : statements) {
    if (const auto done = database.run(statement); !done) return tl::unexpected(done.error());
  }
  return {};
}

/// With SQLite the transaction itself is the lock.
Result<void> take_lock(Database& database) {
  if (database.dialect() == Dialect::sqlite) return {};
  if (const auto locked = database.run("SELECT pg_advisory_xact_lock($1)", {lock_of_migrations}); !locked) {
    return tl::unexpected(locked.error());
  }
  // While a change of a table waits for a long transaction, everybody else waits behind it: not for longer than this.
  return run_all(database, {"SET LOCAL lock_timeout = '10s'"});
}

Result<void> note(Database& database, const SchemaStep& step, std::string_view time) {
  const bool sqlite = database.dialect() == Dialect::sqlite;
  const auto table = fmt::format(
      "CREATE TABLE IF NOT EXISTS todo_schema_versions (version INTEGER PRIMARY KEY, compatible_from INTEGER NOT NULL, "
      "applied_at {} NOT NULL)",
      sqlite ? "TEXT" : "TIMESTAMPTZ(3)");
  if (const auto made = database.run(table); !made) return tl::unexpected(made.error());
  const auto noted =
      database.run("INSERT INTO todo_schema_versions (version, compatible_from, applied_at) VALUES ($1, $2, $3)",
                   {std::int64_t{step.version}, std::int64_t{step.compatible_from}, std::string(time)});
  if (!noted) return tl::unexpected(noted.error());
  return {};
}

/// Applies the step unless somebody else has meanwhile; says what is there then.
Result<SchemaFound> apply(Database& database, const SchemaStep& step, std::string_view time, bool& applied) {
  SchemaFound found;
  const auto done = in_transaction(database, [&]() -> Result<void> {
    if (auto locked = take_lock(database); !locked) return locked;
    const auto read = read_schema(database);
    if (!read) return tl::unexpected(read.error());
    found = *read;
    applied = found.version == step.version - 1;
    if (!applied) return {};
    const auto& statements = database.dialect() == Dialect::sqlite ? step.sqlite : step.postgresql;
    if (auto changed = run_all(database, statements); !changed) return changed;
    found = {.version = step.version, .compatible_from = step.compatible_from};
    return note(database, step, time);
  });
  if (!done) return tl::unexpected(done.error());
  return found;
}

}  // namespace

Result<Migration> migrate(Database& database, const SchemaSteps& steps, int target, std::string_view time) {
  const auto start = read_schema(database);
  if (!start) return tl::unexpected(start.error());
  Migration migration{.from = *start, .to = *start};
  for (const auto& step : steps) {
    if (step.version > target) break;
    if (step.version <= migration.to.version) continue;
    bool applied = false;
    const auto found = apply(database, step, time, applied);
    if (!found) {
      return fail(found.error().trouble, fmt::format("schema version {}: {}", step.version, found.error().detail));
    }
    migration.to = *found;
    if (applied) migration.applied.push_back(step.version);
  }
  return migration;
}

}  // namespace todo
