// One connection to a database, whichever it is. Law: one thread at a time; `connect` before each piece of work, for
// `run` never connects by itself (half of a transaction must not go on in another connection). Law: values are
// parameters, never part of the statement. Limits: every call ends within the limits that the connection was made with.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "result.hpp"

namespace todo {

enum class Dialect : std::uint8_t { sqlite, postgresql };

[[nodiscard]] constexpr const char* to_string(Dialect dialect) {
  return dialect == Dialect::sqlite ? "sqlite" : "postgresql";
}

using Value = std::variant<std::nullptr_t, std::int64_t, bool, std::string>;
using Values = std::vector<Value>;
/// Each cell as text; a boolean is "1" or "0" with SQLite, "t" or "f" with PostgreSQL.
using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

struct DatabaseLimits {
  std::chrono::milliseconds connect{3'000};
  std::chrono::milliseconds statement{5'000};  ///< waiting for locks included
};

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  [[nodiscard]] virtual Dialect dialect() const = 0;

  /// Makes sure that there is a connection that has not ended yet as far as can be seen without asking.
  [[nodiscard]] virtual Result<void> connect() = 0;

  /// One statement; its parameters are $1, $2, ..., first named in that order.
  [[nodiscard]] virtual Result<Rows> run(std::string_view sql, const Values& values = {}) = 0;
};

/// Makes a connection that is not connected yet; called from the thread that will use it.
using DatabaseMaker = std::function<std::unique_ptr<Database>()>;

/// All of it or nothing. Writers of SQLite take turns from the beginning on, so none fails in its middle.
[[nodiscard]] Result<void> in_transaction(Database& database, const std::function<Result<void>()>& work);

}  // namespace todo
