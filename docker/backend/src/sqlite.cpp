#include "sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace todo {
namespace {

using Clock = std::chrono::steady_clock;

struct CloseHandle {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseHandle>;
using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

struct FileIdentity {
  dev_t device{};
  ino_t number{};

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

Trouble trouble_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return Trouble::unavailable;
    default:
      return Trouble::failed;
  }
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::string path, MissingFile missing, DatabaseLimits limits)
      : path_(std::move(path)), missing_(missing), limits_(limits) {}

  [[nodiscard]] Dialect dialect() const override { return Dialect::sqlite; }

  [[nodiscard]] Result<void> connect() override {
    const auto found = identity();
    if (handle_ && found && *found == *opened_) return {};
    handle_.reset();
    if (!found && missing_ == MissingFile::refuse) {
      return fail(Trouble::unavailable, fmt::format("there is no file {}", path_));
    }
    return open();
  }

  [[nodiscard]] Result<Rows> run(std::string_view sql, const Values& values) override {
    if (!handle_) return fail(Trouble::unavailable, "not connected");
    deadline_ = Clock::now() + limits_.statement;
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
    const Statement statement(raw);
    if (code != SQLITE_OK) return failure(code);
    if (const int bound = bind(raw, values); bound != SQLITE_OK) return failure(bound);
    return step_through(raw);
  }

 private:
  [[nodiscard]] std::optional<FileIdentity> identity() const {
    struct stat found{};
    if (::stat(path_.c_str(), &found) != 0) return std::nullopt;
    return FileIdentity{found.st_dev, found.st_ino};
  }

  Result<void> open() {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (missing_ == MissingFile::create ? SQLITE_OPEN_CREATE : 0);
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path_.c_str(), &raw, flags, nullptr);
    handle_.reset(raw);
    if (code != SQLITE_OK) {
      const auto words = raw == nullptr ? std::string("out of memory") : std::string(sqlite3_errmsg(raw));
      const int system = raw == nullptr ? 0 : sqlite3_system_errno(raw);
      handle_.reset();
      return fail(trouble_of(code),
                  fmt::format("open {}: {}{}{}", path_, words, system == 0 ? "" : ": ",
                              system == 0 ? "" : std::strerror(system)));  // NOLINT(concurrency-mt-unsafe)
    }
    opened_ = identity();
    if (!opened_) opened_ = FileIdentity{};
    sqlite3_busy_timeout(raw, static_cast<int>(limits_.statement.count()));
    sqlite3_progress_handler(raw, 10'000, &SqliteDatabase::is_late, this);
    return set_up();
  }

  Result<void> set_up() {
    // The root of the file system may be read-only: nothing is written but beside the database's file.
    for (const char* sql : {"PRAGMA temp_store = MEMORY", "PRAGMA trusted_schema = OFF", "PRAGMA synchronous = FULL"}) {
      if (auto done = run(sql, {}); !done) return give_up(done.error());
    }
    // The first who opens a file changes its journal, and this does not wait for its turn by itself.
    const auto deadline = Clock::now() + limits_.connect;
    while (true) {
      auto done = run("PRAGMA journal_mode = WAL", {});
      if (done) return {};
      if (sqlite3_errcode(handle_.get()) != SQLITE_BUSY || Clock::now() > deadline) return give_up(done.error());
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }

  tl::unexpected<Error> give_up(Error error) {
    handle_.reset();
    return tl::unexpected(std::move(error));
  }

  static int is_late(void* self) { return Clock::now() > static_cast<SqliteDatabase*>(self)->deadline_ ? 1 : 0; }

  static int bind(sqlite3_stmt* statement, const Values& values) {
    const auto bind_one = [statement](int at, const Value& value) {
      if (const auto* text = std::get_if<std::string>(&value)) {
        return sqlite3_bind_text(statement, at, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
      }
      if (const auto* number = std::get_if<std::int64_t>(&value)) return sqlite3_bind_int64(statement, at, *number);
      if (const auto* flag = std::get_if<bool>(&value)) return sqlite3_bind_int(statement, at, *flag ? 1 : 0);
      return sqlite3_bind_null(statement, at);
    };
    for (std::size_t at = 0; at < values.size(); ++at) {
      if (const int code = bind_one(static_cast<int>(at) + 1, values[at]); code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
  }

  Result<Rows> step_through(sqlite3_stmt* statement) {
    Rows rows;
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
      Row row;
      for (int at = 0; at < sqlite3_column_count(statement); ++at) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
        if (text == nullptr) {
          row.emplace_back(std::nullopt);
        } else {
          row.emplace_back(std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, at))));
        }
      }
      rows.push_back(std::move(row));
    }
    if (code != SQLITE_DONE) return failure(code);
    return rows;
  }

  [[nodiscard]] tl::unexpected<Error> failure(int code) const {
    const std::string words = sqlite3_errmsg(handle_.get());
    // SQLite has no code of its own for it.
    const bool no_schema = words.starts_with("no such table") || words.starts_with("no such column");
    return fail(no_schema ? Trouble::schema : trouble_of(code), fmt::format("{}: {}", path_, words));
  }

  std::string path_;
  MissingFile missing_;
  DatabaseLimits limits_;
  Handle handle_;
  std::optional<FileIdentity> opened_;
  Clock::time_point deadline_{};
};

}  // namespace

std::unique_ptr<Database> make_sqlite(std::string path, MissingFile missing, DatabaseLimits limits) {
  return std::make_unique<SqliteDatabase>(std::move(path), missing, limits);
}

}  // namespace todo
