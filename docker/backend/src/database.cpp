#include "database.hpp"

namespace todo {

Result<void> in_transaction(Database& database, const std::function<Result<void>()>& work) {
  const auto begun = database.run(database.dialect() == Dialect::sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
  if (!begun) return tl::unexpected(begun.error());
  if (auto done = work(); !done) {
    // Where that fails too, the connection is gone and the database takes back what was done by itself.
    (void)database.run("ROLLBACK");
    return done;
  }
  if (const auto ended = database.run("COMMIT"); !ended) {
    (void)database.run("ROLLBACK");
    return tl::unexpected(ended.error());
  }
  return {};
}

}  // namespace todo
