// SQLite. Law: a file that is not there any more, or is another one than was opened, is noticed by `connect`: todos
// never go into a file that nobody will find again. Write-ahead log, each commit reaches the disk.
#pragma once

#include <memory>
#include <string>

#include "database.hpp"

namespace todo {

enum class MissingFile : std::uint8_t {
  create,  ///< for whoever makes the schema in it
  refuse,
};

[[nodiscard]] std::unique_ptr<Database> make_sqlite(std::string path, MissingFile missing, DatabaseLimits limits = {});

}  // namespace todo
