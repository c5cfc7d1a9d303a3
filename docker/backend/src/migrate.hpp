// Brings a database's schema to a version. Law: each step is one transaction that looks again which version there is,
// after it has got the one lock of migrations: so any number of them may run at once, and one that is killed leaves a
// version, never a part of one. Law: nothing is ever taken back.
#pragma once

#include <chrono>
#include <vector>

#include "schema.hpp"

namespace todo {

struct Migration {
  SchemaFound from{};
  SchemaFound to{};
  std::vector<int> applied{};  ///< by this call

  friend bool operator==(const Migration&, const Migration&) = default;
};

/// `target` is the version of a step. A database that is further already is left as it is. `time` is noted in it.
[[nodiscard]] Result<Migration> migrate(Database& database, const SchemaSteps& steps, int target,
                                        std::string_view time);

}  // namespace todo
