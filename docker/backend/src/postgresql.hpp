// PostgreSQL, through libpq without its blocking calls, so that a server that is silent costs no more than the limits.
// Law: the connection string and the password are in no error. A connection whose statement did not end in time, or
// that was lost, is thrown away; the next `connect` makes a new one. (Names are resolved by libpq, within the limits of
// the system's resolver.)
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "database.hpp"

namespace todo {

/// Whether libpq can read it. The error does not repeat it.
[[nodiscard]] Result<void> check_postgresql_url(const std::string& url);

/// The text with the connection string and its password replaced by "***".
[[nodiscard]] std::string mask_postgresql_url(std::string_view text, const std::string& url);

[[nodiscard]] std::unique_ptr<Database> make_postgresql(std::string url, DatabaseLimits limits = {});

}  // namespace todo
