// The numbered versions of the database's schema. Law: a step that was released never changes; a new version is a new
// step at the end. `compatible_from` is the lowest version whose programs still work on this one, so that an upgrade
// and its rollback need no moment without a program.
#pragma once

#include <string_view>
#include <vector>

#include "database.hpp"

namespace todo {

struct SchemaStep {
  int version{0};
  int compatible_from{0};
  std::string_view adds{};  ///< in words
  std::vector<std::string_view> sqlite{};
  std::vector<std::string_view> postgresql{};
};
using SchemaSteps = std::vector<SchemaStep>;

/// In order of their versions, from 1 on without a gap.
[[nodiscard]] const SchemaSteps& schema_steps();
[[nodiscard]] int newest_schema();

/// What the database says of itself: 0 where it has no schema yet.
struct SchemaFound {
  int version{0};
  int compatible_from{0};

  friend bool operator==(const SchemaFound&, const SchemaFound&) = default;
};

[[nodiscard]] Result<SchemaFound> read_schema(Database& database);

/// Whether a program made for `needed` works there.
[[nodiscard]] bool fits(const SchemaFound& found, int needed);

/// What to do where it does not, in words.
[[nodiscard]] std::string explain_misfit(const SchemaFound& found, int needed);

}  // namespace todo
