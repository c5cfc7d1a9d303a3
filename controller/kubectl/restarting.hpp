// How far a restart that was asked for has come, from an app's Deployments.
// Law: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kubectl {

struct TierRestart {
  std::int64_t fresh{0};  ///< pods of the new template that serve
  std::int64_t wanted{0};
  bool done{false};  ///< all of them do, and no old one is left
};

/// What an app's `restart` annotation says; empty where it has none. Error: invalid.
[[nodiscard]] base::Result<std::string> restart_token(std::string_view app_json);

/// Of a Deployment as the server sends it; `token` is the one that is waited for. Error: invalid.
[[nodiscard]] base::Result<TierRestart> restart_of(std::string_view deployment_json, std::string_view token);

}  // namespace kubectl
