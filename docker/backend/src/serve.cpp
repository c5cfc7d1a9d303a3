#include "serve.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "commands.hpp"
#include "http_server.hpp"
#include "metrics.hpp"
#include "migrate.hpp"
#include "postgresql.hpp"
#include "problem.hpp"
#include "readiness.hpp"
#include "sqlite.hpp"
#include "workers.hpp"

namespace todo {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t waiting_most = 256;
constexpr auto waiting_longest = 5s;
constexpr auto last_answers_longest = 10s;
constexpr DatabaseLimits limits_of_checks{.connect = 1'000ms, .statement = 1'000ms};
/// A step may have to rewrite a large table.
constexpr DatabaseLimits limits_of_migrations{.connect = 3'000ms, .statement = 600'000ms};

DatabaseMaker database_maker(const Settings& settings, MissingFile missing, DatabaseLimits limits) {
  if (settings.dialect() == Dialect::postgresql) {
    return [url = settings.database_url, limits] { return make_postgresql(url, limits); };
  }
  return [path = settings.database_path, missing, limits] { return make_sqlite(path, missing, limits); };
}

/// Waits for a database that does not answer yet.
Result<void> connect_within(Database& database, std::chrono::seconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    auto connected = database.connect();
    if (connected || std::chrono::steady_clock::now() >= deadline) return connected;
    log(LogLevel::warn, "Waited for the database", {{"error", connected.error().detail}});
    // A database does not say that it is there: it has to be asked.
    std::this_thread::sleep_for(500ms);
  }
}

Result<Migration> migrate_within(const Settings& settings, int target, std::chrono::seconds wait) {
  const auto database = database_maker(settings, MissingFile::create, limits_of_migrations)();
  if (const auto connected = connect_within(*database, wait); !connected) return tl::unexpected(connected.error());
  return migrate(*database, schema_steps(), target, format_time(wall_time()));
}

class Service {
 public:
  explicit Service(const Settings& settings)
      : settings_(settings),
        workers_(static_cast<std::size_t>(settings.connections), waiting_most,
                 database_maker(settings, MissingFile::refuse, {})),
        readiness_(loop_, database_maker(settings, MissingFile::refuse, limits_of_checks), settings.dialect(),
                   settings.schema, [this](const Result<SchemaFound>& found) { on_checked(found); }) {}

  int run() {
    auto server = HttpServer::listen(
        loop_, settings_.host, settings_.port,
        [this](const HttpQuestion& question, HttpRespond respond) { answer(question, std::move(respond)); },
        [this](const HttpExchange& exchange) { on_exchange(exchange); });
    if (!server) {
      log(LogLevel::error, "Failed to start", {{"error", server.error().detail}});
      return 1;
    }
    server_ = std::move(*server);
    await_signal();
    log(LogLevel::info, "Started",
        {{"port", std::int64_t{server_->port()}},
         {"version", TODO_BACKEND_VERSION},
         {"database", settings_.database_name()},
         {"schema", std::int64_t{settings_.schema}}});
    loop_.run();
    log(LogLevel::info, "Stopped");
    return 0;
  }

 private:
  // --- requests -------------------------------------------------------------

  void answer(const HttpQuestion& question, HttpRespond respond) {
    const auto match = match_path(question.path);
    switch (match.route) {
      case Route::unknown:
        return respond(problem(404, "there is nothing at this path"));
      case Route::health:
      case Route::ready:
      case Route::metrics:
        if (!is_allowed(match.route, question.method)) return respond(method_not_allowed(match.route));
        return answer_operations(match.route, std::move(respond));
      case Route::todos:
      case Route::todo:
      case Route::complete:
      case Route::reopen:
        return answer_todos(question, match, std::move(respond));
    }
  }

  void answer_operations(Route route, HttpRespond respond) {
    if (route == Route::ready) return readiness_.ask(std::move(respond));
    if (route == Route::health) return respond({.body = "{\"status\":\"ok\"}\n"});
    const Load load{
        .connections = server_->connections(), .in_flight = server_->in_flight(), .waiting = workers_.waiting()};
    respond({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_.text(load)});
  }

  void answer_todos(const HttpQuestion& question, const RouteMatch& match, HttpRespond respond) {
    auto command = read_command(question, match, settings_.schema);
    if (auto* refused = std::get_if<HttpAnswer>(&command)) return respond(std::move(*refused));
    const auto latest = std::chrono::steady_clock::now() + waiting_longest;
    const bool taken = workers_.submit(
        [this, latest, respond, command = std::get<Command>(std::move(command))](Database& database) mutable {
          auto given = std::chrono::steady_clock::now() > latest ? busy() : run(command, database);
          boost::asio::post(loop_, [respond = std::move(respond), given = std::move(given)] { respond(given); });
        });
    if (!taken) respond(busy());
  }

  static HttpAnswer busy() { return unavailable("too many requests wait for the database"); }

  /// In a worker's thread.
  HttpAnswer run(const Command& command, Database& database) {
    auto given = run_command(command, database, settings_.schema, format_time(wall_time()));
    if (given) return std::move(*given);
    metrics_.count_database_error(given.error().trouble);
    log(LogLevel::error, "Failed to work with the database",
        {{"kind", to_string(given.error().trouble)}, {"error", given.error().detail}});
    return database_problem(given.error());
  }

  void on_exchange(const HttpExchange& exchange) {
    metrics_.count_exchange(exchange);
    const auto route = match_path(exchange.path).route;
    const bool routine = route == Route::health || route == Route::ready || route == Route::metrics;
    const auto level = routine ? LogLevel::debug : LogLevel::info;
    if (!log_enabled(level)) return;
    log(level, "Answered",
        {{"method", exchange.method},
         {"route", label(route)},
         {"status", std::int64_t{exchange.status}},
         {"ms", std::chrono::duration<double, std::milli>(exchange.took).count()}});
  }

  void on_checked(const Result<SchemaFound>& found) {
    const bool ready = found && fits(*found, settings_.schema);
    metrics_.set_readiness(ready, found.value_or(SchemaFound{}), settings_.schema);
    if (!found) metrics_.count_database_error(found.error().trouble);
    if (ready == was_ready_) return;
    was_ready_ = ready;
    if (ready) {
      log(LogLevel::info, "Became ready", {{"schema", std::int64_t{found->version}}});
    } else {
      log(LogLevel::warn, "Became unready",
          {{"reason", found ? explain_misfit(*found, settings_.schema) : found.error().detail}});
    }
  }

  // --- the end --------------------------------------------------------------

  void await_signal() {
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (error) return;
      if (draining_) return close();
      begin_to_drain();
      await_signal();
    });
  }

  void begin_to_drain() {
    draining_ = true;
    log(LogLevel::info, "Began to drain", {{"connections", static_cast<std::int64_t>(server_->connections())}});
    readiness_.drain();
    server_->dismiss();
    timer_.expires_after(settings_.drain);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) close();
    });
  }

  void close() {
    server_->close([this] { loop_.stop(); });
    timer_.expires_after(last_answers_longest);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      log(LogLevel::warn, "Cut off what did not end in time",
          {{"connections", static_cast<std::int64_t>(server_->connections())}});
      loop_.stop();
    });
  }

  const Settings& settings_;
  boost::asio::io_context loop_{1};
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  boost::asio::steady_timer timer_{loop_};
  Metrics metrics_;
  std::optional<bool> was_ready_;
  bool draining_{false};
  std::unique_ptr<HttpServer> server_;
  Workers workers_;  ///< those with threads are the last: they end before what they use
  Readiness readiness_;
};

}  // namespace

int serve(const Settings& settings) {
  if (settings.path_is_fallback) {
    log(LogLevel::warn, "Found no folder /data, so todos go when this container goes",
        {{"path", settings.database_path}});
  }
  if (settings.migrate_self) {
    // A file is there or it is not; a server may be about to start.
    const auto wait = settings.dialect() == Dialect::sqlite ? 0s : 30s;
    const auto migrated = migrate_within(settings, settings.schema, wait);
    if (!migrated) {
      log(LogLevel::error, "Failed to bring the schema up to date", {{"error", migrated.error().detail}});
      return 1;
    }
    if (!migrated->applied.empty()) {
      log(LogLevel::info, "Migrated",
          {{"from", std::int64_t{migrated->from.version}}, {"to", std::int64_t{migrated->to.version}}});
    }
  }
  return Service(settings).run();
}

int run_migrate(const Settings& settings, const MigrateCommand& command) {
  const auto migrated = migrate_within(settings, command.target, command.wait);
  if (!migrated) {
    std::fprintf(stderr, "todo-backend: %s\n", migrated.error().detail.c_str());
    return 1;
  }
  for (const auto& step : schema_steps()) {
    const auto& applied = migrated->applied;
    if (std::find(applied.begin(), applied.end(), step.version) != applied.end()) {
      fmt::print("schema version {}: {}\n", step.version, step.adds);
    }
  }
  if (!fits(migrated->to, command.target)) {
    std::fprintf(stderr, "todo-backend: %s\n", explain_misfit(migrated->to, command.target).c_str());
    return 1;
  }
  fmt::print("{}: schema version {} -> {}{}\n", settings.database_name(), migrated->from.version, migrated->to.version,
             migrated->from == migrated->to ? ", nothing to do" : "");
  return 0;
}

}  // namespace todo
