// What is set from outside: the environment, for what holds while the program serves (a secret stands in no command
// line), and the command line for what is to be done. Pure but for the question whether /data is there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "database.hpp"
#include "logging.hpp"
#include "result.hpp"

namespace todo {

struct Settings {
  std::string host{};  ///< an address; empty for every one
  std::uint16_t port{8000};
  std::string database_path{};
  std::string database_url{};  ///< PostgreSQL where it is not empty. Never to be logged
  bool path_is_fallback{false};
  LogLevel log_level{LogLevel::info};
  int schema{0};            ///< the version that the program works as
  bool migrate_self{true};  ///< before it serves
  int connections{4};
  std::chrono::seconds drain{1};  ///< how long new connections are still taken after SIGTERM

  [[nodiscard]] Dialect dialect() const { return database_url.empty() ? Dialect::sqlite : Dialect::postgresql; }
  /// The database in words that may be shown.
  [[nodiscard]] std::string database_name() const { return database_url.empty() ? database_path : "postgresql"; }
};

struct ServeCommand {};
struct MigrateCommand {
  int target{0};
  std::chrono::seconds wait{30};  ///< for a database that does not answer yet
};
struct ShowText {
  std::string text;
};
struct Invocation {
  Settings settings{};
  std::variant<ServeCommand, MigrateCommand> command{};
};

/// A variable of the environment; nothing where it is not set. One that is empty counts as not set.
using Environment = std::function<std::optional<std::string>(const char*)>;

/// Error: invalid, with all that is wrong, without any value of a secret.
[[nodiscard]] Result<Settings> read_settings(const Environment& environment, bool has_data_folder);

/// Error: invalid, what is wrong and how it is used.
[[nodiscard]] Result<std::variant<Invocation, ShowText>> read_invocation(const std::vector<std::string>& arguments,
                                                                         const Environment& environment,
                                                                         bool has_data_folder);

}  // namespace todo
