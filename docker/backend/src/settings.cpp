#include "settings.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "postgresql.hpp"
#include "schema.hpp"
#include "text.hpp"

namespace todo {
namespace {

constexpr const char* footer = R"(Environment:
  HOST                  address to listen on (default: every one)
  PORT                  port to listen on (default: 8000)
  DATABASE_PATH         SQLite's file (default: /data/todos.db; /tmp/todos.db where there is no /data)
  DATABASE_URL          postgresql://...; with it, PostgreSQL is used instead
  DATABASE_CONNECTIONS  connections to the database, 1 to 32 (default: 4)
  AUTO_MIGRATE          whether serve brings the schema up to date by itself (default: true with SQLite, else false)
  SCHEMA_VERSION        work as the release whose newest schema version this was (default: the newest)
  DRAIN_SECONDS         how long connections are still taken after SIGTERM, 0 to 60 (default: 1)
  LOG_LEVEL             trace, debug, info, warn or error (default: info)
)";

/// Reads variables one after another and collects what is wrong with them.
class VariableReader {
 public:
  explicit VariableReader(const Environment& environment) : environment_(environment) {}

  std::optional<std::string> text(const char* name) {
    auto value = environment_(name);
    if (value && value->empty()) value.reset();
    return value;
  }

  std::int64_t number(const char* name, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
    const auto value = text(name);
    if (!value) return otherwise;
    const auto read = whole_number(*value, least, most);
    if (!read) wrong(name, fmt::format("must be a whole number from {} to {}, not \"{}\"", least, most, *value));
    return read.value_or(otherwise);
  }

  bool flag(const char* name, bool otherwise) {
    const auto value = text(name);
    if (!value) return otherwise;
    if (*value != "true" && *value != "false") wrong(name, fmt::format("must be true or false, not \"{}\"", *value));
    return *value == "true";
  }

  LogLevel level(const char* name) {
    const auto value = ascii_lower(text(name).value_or("info"));
    if (value == "trace") return LogLevel::trace;
    if (value == "debug") return LogLevel::debug;
    if (value == "info") return LogLevel::info;
    if (value == "warn" || value == "warning") return LogLevel::warn;
    if (value == "error") return LogLevel::error;
    wrong(name, fmt::format("must be trace, debug, info, warn or error, not \"{}\"", value));
    return LogLevel::info;
  }

  void wrong(const char* name, std::string_view what) {
    errors_ += fmt::format("{}{} {}", errors_.empty() ? "" : "; ", name, what);
  }

  [[nodiscard]] const std::string& errors() const { return errors_; }

 private:
  const Environment& environment_;
  std::string errors_;
};

void read_database(VariableReader& variables, bool has_data_folder, Settings& out) {
  const auto path = variables.text("DATABASE_PATH");
  // A pod without a volume has a read-only root with a writable /tmp: better todos that go with it than no start.
  out.path_is_fallback = !path && !has_data_folder;
  out.database_path = path.value_or(has_data_folder ? "/data/todos.db" : "/tmp/todos.db");
  out.database_url = variables.text("DATABASE_URL").value_or("");
  if (!out.database_url.empty()) {
    if (const auto readable = check_postgresql_url(out.database_url); !readable) {
      variables.wrong("DATABASE_URL", readable.error().detail);
    }
    out.path_is_fallback = false;
  }
}

Result<ShowText> help_or_complaint(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    return ShowText{error.get_name() == "CallForVersion" ? std::string(error.what()) + "\n" : app.help()};
  }
  return fail(Trouble::invalid, fmt::format("{}; see todo-backend --help", error.what()));
}

}  // namespace

Result<Settings> read_settings(const Environment& environment, bool has_data_folder) {
  VariableReader variables(environment);
  Settings out;
  out.host = variables.text("HOST").value_or("");
  boost::system::error_code error;
  boost::asio::ip::make_address(out.host, error);
  if (!out.host.empty() && error) variables.wrong("HOST", "must be an IP address");
  out.port = static_cast<std::uint16_t>(variables.number("PORT", out.port, 0, 65535));
  read_database(variables, has_data_folder, out);
  out.connections = static_cast<int>(variables.number("DATABASE_CONNECTIONS", out.connections, 1, 32));
  out.schema = static_cast<int>(variables.number("SCHEMA_VERSION", newest_schema(), 1, newest_schema()));
  out.migrate_self = variables.flag("AUTO_MIGRATE", out.dialect() == Dialect::sqlite);
  out.drain = std::chrono::seconds(variables.number("DRAIN_SECONDS", out.drain.count(), 0, 60));
  out.log_level = variables.level("LOG_LEVEL");
  if (!variables.errors().empty()) return fail(Trouble::invalid, variables.errors());
  return out;
}

Result<std::variant<Invocation, ShowText>> read_invocation(const std::vector<std::string>& arguments,
                                                           const Environment& environment, bool has_data_folder) {
  CLI::App app("Todos over HTTP, kept in SQLite or PostgreSQL.", "todo-backend");
  app.footer(footer);
  app.set_version_flag("--version",
                       fmt::format("todo-backend {} (schema version {})", TODO_BACKEND_VERSION, newest_schema()));
  app.require_subcommand(0, 1);
  app.add_subcommand("serve", "Answer requests until SIGTERM (the default)");
  auto* migrating = app.add_subcommand("migrate", "Bring the database's schema up to date, print from and to, and end");
  int target = 0;
  int wait = 30;
  auto* to = migrating->add_option("--to", target, "The version to come to (default: SCHEMA_VERSION)");
  to->check(CLI::Range(1, newest_schema()));
  migrating->add_option("--wait", wait, "How many seconds to wait for a database that does not answer yet")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return help_or_complaint(app, error).map([](ShowText text) { return std::variant<Invocation, ShowText>(text); });
  }
  auto settings = read_settings(environment, has_data_folder);
  if (!settings) return tl::unexpected(settings.error());
  Invocation out{.settings = std::move(*settings)};
  if (migrating->parsed()) {
    out.command =
        MigrateCommand{.target = to->count() == 0 ? out.settings.schema : target, .wait = std::chrono::seconds(wait)};
  }
  return out;
}

}  // namespace todo
