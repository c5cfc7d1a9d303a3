// A SQLite file of a schema version that goes away with the test, and what tests ask of databases.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "migrate.hpp"
#include "sqlite.hpp"

namespace todo {

inline constexpr const char* some_time = "2026-11-21T12:00:00.000Z";

template <class T>
[[nodiscard]] std::string words_of(const Result<T>& result) {
  return result ? std::string("no error")
                : std::string(to_string(result.error().trouble)) + ": " + result.error().detail;
}

class TemporaryFile {
 public:
  TemporaryFile() : path_(testing::TempDir() + "backend." + std::to_string(getpid()) + "." + name() + ".db") {
    remove();
  }
  ~TemporaryFile() { remove(); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  void remove() const {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + end);
  }

 private:
  static std::string name() {
    static int count = 0;
    return std::to_string(++count);
  }

  std::string path_;
};

/// Connected, with the schema of this version.
[[nodiscard]] inline std::unique_ptr<Database> make_database(const TemporaryFile& file, int version) {
  auto database = make_sqlite(file.path(), MissingFile::create);
  const auto connected = database->connect();
  EXPECT_TRUE(connected) << words_of(connected);
  const auto migrated = migrate(*database, schema_steps(), version, some_time);
  EXPECT_TRUE(migrated) << words_of(migrated);
  return database;
}

}  // namespace todo
