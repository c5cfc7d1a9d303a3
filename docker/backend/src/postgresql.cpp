#include "postgresql.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "text.hpp"

namespace todo {
namespace {

using Clock = std::chrono::steady_clock;

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Connection = std::unique_ptr<PGconn, CloseConnection>;
using Answer = std::unique_ptr<PGresult, ClearResult>;
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

enum class Ready : std::uint8_t { yes, late, broken };

/// Waits for the socket, until the deadline at most.
Ready wait_for(int socket, short events, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Ready::late;
    pollfd wanted{.fd = socket, .events = events, .revents = 0};
    const int found = ::poll(&wanted, 1, static_cast<int>(left));
    if (found > 0) return Ready::yes;
    if (found < 0 && errno != EINTR) return Ready::broken;
  }
}

Trouble trouble_of(std::string_view state) {
  // Undefined table, column or function: the schema is another one.
  if (state == "42P01" || state == "42703" || state == "42883") return Trouble::schema;
  // Connections, resources, operator intervention, transactions that gave way to others, and a read-only standby.
  for (const std::string_view group : {"08", "53", "55", "57", "58", "40", "25006"}) {
    if (state.starts_with(group)) return Trouble::unavailable;
  }
  return Trouble::failed;
}

void replace_all(std::string& text, std::string_view what) {
  if (what.empty()) return;
  constexpr std::string_view stars = "***";
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + stars.size())) {
    text.replace(at, what.size(), stars);
  }
}

/// The password as it stands in a URL, still encoded.
std::string_view raw_password(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find('/'));
  const auto at = authority.rfind('@');
  const auto colon = authority.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return {};
  return authority.substr(colon + 1, at - colon - 1);
}

class PostgresqlDatabase final : public Database {
 public:
  PostgresqlDatabase(std::string url, DatabaseLimits limits) : url_(std::move(url)), limits_(limits) {}

  [[nodiscard]] Dialect dialect() const override { return Dialect::postgresql; }

  [[nodiscard]] Result<void> connect() override {
    if (is_alive()) return {};
    connection_.reset();
    const auto deadline = Clock::now() + limits_.connect;
    if (auto connected = start(deadline); !connected) {
      connection_.reset();
      return connected;
    }
    // By statements, for a pooler in between may refuse such options at the start.
    const auto settings = fmt::format(
        "SELECT set_config('statement_timeout', '{}', false), set_config('timezone', 'UTC', false), "
        "set_config('datestyle', 'ISO', false)",
        limits_.statement.count());
    if (auto done = run(settings, {}); !done) {
      connection_.reset();
      return tl::unexpected(done.error());
    }
    return {};
  }

  [[nodiscard]] Result<Rows> run(std::string_view sql, const Values& values) override {
    if (!connection_) return fail(Trouble::unavailable, "not connected");
    // A little later than the server's own limit, which has the better words.
    const auto deadline = Clock::now() + limits_.statement + std::chrono::milliseconds{500};
    if (auto sent = send(std::string(sql), values, deadline); !sent) return lose(sent.error());
    Result<Rows> outcome = Rows{};
    while (true) {
      auto answer = receive(deadline);
      if (!answer) return lose(answer.error());
      if (!*answer) break;
      auto rows = read(answer->get());
      if (outcome) outcome = std::move(rows);
    }
    // A standby that refuses to write was the primary before: a new connection finds the one that is now.
    const bool read_only = !outcome && outcome.error().detail.ends_with("(25006)");
    if (read_only || PQstatus(connection_.get()) != CONNECTION_OK) connection_.reset();
    return outcome;
  }

 private:
  /// A server that has ended has said so, or closed the connection, long before the next question: an idle connection
  /// on which there is something to read is not used again.
  [[nodiscard]] bool is_alive() const {
    if (!connection_ || PQstatus(connection_.get()) != CONNECTION_OK) return false;
    if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) return false;
    pollfd wanted{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
    return ::poll(&wanted, 1, 0) == 0;
  }

  Result<void> start(Clock::time_point deadline) {
    // What stands before `dbname` may be set otherwise by it, what stands after it may not.
    constexpr std::array<const char*, 6> names{
        "fallback_application_name", "keepalives_idle", "tcp_user_timeout", "dbname", "client_encoding", nullptr};
    const std::array<const char*, 6> texts{"todo-backend", "30", "30000", url_.c_str(), "UTF8", nullptr};
    connection_.reset(PQconnectStartParams(names.data(), texts.data(), 1));
    if (!connection_) return fail(Trouble::unavailable, "connect: out of memory");
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return refused("connect");
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = PQconnectPoll(connection_.get())) {
      if (state == PGRES_POLLING_FAILED) return refused("connect");
      const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
      if (const auto ready = wait_for(PQsocket(connection_.get()), events, deadline); ready != Ready::yes) {
        return fail(Trouble::unavailable, "connect: no answer in time");
      }
    }
    PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
    if (PQsetnonblocking(connection_.get(), 1) != 0) return refused("connect");
    return {};
  }

  Result<void> send(const std::string& sql, const Values& values, Clock::time_point deadline) {
    std::vector<std::string> texts(values.size());
    std::vector<const char*> pointers(values.size(), nullptr);
    for (std::size_t at = 0; at < values.size(); ++at) {
      const auto& value = values[at];
      if (const auto* text = std::get_if<std::string>(&value)) texts[at] = *text;
      if (const auto* number = std::get_if<std::int64_t>(&value)) texts[at] = std::to_string(*number);
      if (const auto* flag = std::get_if<bool>(&value)) texts[at] = *flag ? "true" : "false";
      if (!std::holds_alternative<std::nullptr_t>(value)) pointers[at] = texts[at].c_str();
    }
    if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, pointers.data(),
                          nullptr, nullptr, 0) != 1) {
      return refused("send");
    }
    while (true) {
      const int left = PQflush(connection_.get());
      if (left == 0) return {};
      if (left < 0) return refused("send");
      if (wait_for(PQsocket(connection_.get()), POLLIN | POLLOUT, deadline) != Ready::yes) {
        return fail(Trouble::unavailable, "send: no answer in time");
      }
      if (PQconsumeInput(connection_.get()) != 1) return refused("send");
    }
  }

  /// The next result; an empty one after the last.
  Result<Answer> receive(Clock::time_point deadline) {
    while (PQisBusy(connection_.get()) == 1) {
      if (wait_for(PQsocket(connection_.get()), POLLIN, deadline) != Ready::yes) {
        return fail(Trouble::unavailable, "no answer in time");
      }
      if (PQconsumeInput(connection_.get()) != 1) return refused("receive");
    }
    return Answer(PQgetResult(connection_.get()));
  }

  Result<Rows> read(const PGresult* answer) const {
    const auto status = PQresultStatus(answer);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
      const char* words = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
      // Without a state it is libpq that speaks: the connection is lost.
      if (state == nullptr) return fail(Trouble::unavailable, masked(PQresultErrorMessage(answer)));
      return fail(trouble_of(state), masked(fmt::format("{} ({})", words == nullptr ? "" : words, state)));
    }
    Rows rows(static_cast<std::size_t>(PQntuples(answer)));
    for (int row = 0; row < PQntuples(answer); ++row) {
      for (int column = 0; column < PQnfields(answer); ++column) {
        auto& cells = rows[static_cast<std::size_t>(row)];
        if (PQgetisnull(answer, row, column) == 1) {
          cells.emplace_back(std::nullopt);
        } else {
          cells.emplace_back(
              std::string(PQgetvalue(answer, row, column), static_cast<std::size_t>(PQgetlength(answer, row, column))));
        }
      }
    }
    return rows;
  }

  [[nodiscard]] tl::unexpected<Error> refused(std::string_view act) const {
    return fail(Trouble::unavailable, fmt::format("{}: {}", act, masked(PQerrorMessage(connection_.get()))));
  }

  /// Who knows what the server still does or says on it.
  [[nodiscard]] tl::unexpected<Error> lose(Error error) {
    connection_.reset();
    return tl::unexpected(std::move(error));
  }

  [[nodiscard]] std::string masked(std::string_view text) const {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return mask_postgresql_url(text, url_);
  }

  std::string url_;
  DatabaseLimits limits_;
  Connection connection_;
};

}  // namespace

Result<void> check_postgresql_url(const std::string& url) {
  char* words = nullptr;
  const Options options(PQconninfoParse(url.c_str(), &words));
  // The words repeat parts of the string, and who knows which of them is the password.
  if (words != nullptr) PQfreemem(words);
  if (!options) return fail(Trouble::invalid, "is no connection string that libpq can read");
  return {};
}

std::string mask_postgresql_url(std::string_view text, const std::string& url) {
  std::string out(text);
  replace_all(out, url);
  const Options options(PQconninfoParse(url.c_str(), nullptr));
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    const std::string_view name = option->keyword;
    if (option->val != nullptr && (name == "password" || name == "sslpassword")) replace_all(out, option->val);
  }
  replace_all(out, raw_password(url));
  return out;
}

std::unique_ptr<Database> make_postgresql(std::string url, DatabaseLimits limits) {
  return std::make_unique<PostgresqlDatabase>(std::move(url), limits);
}

}  // namespace todo
