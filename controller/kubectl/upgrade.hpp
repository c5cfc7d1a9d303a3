// What `upgrade` asks of an app: other images, other config, and nothing else.
// Law: pure; the patch touches only the fields that are named, so that whatever others change meanwhile stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kubectl/app_view.hpp"
#include "kubectl/asks.hpp"

namespace kubectl {

/// One variable of a config: `KEY=VALUE` sets it, `KEY-` takes it away.
struct ConfigWish {
  std::string where;  ///< "", "frontend" or "backend": the config of both tiers, or of one
  std::string key;
  std::string value;
  bool removed{false};
  friend bool operator==(const ConfigWish&, const ConfigWish&) = default;
};

struct UpgradeWish {
  std::string frontend_image;  ///< empty where it stays
  std::string backend_image;
  std::vector<ConfigWish> config;

  [[nodiscard]] bool empty() const { return frontend_image.empty() && backend_image.empty() && config.empty(); }
  friend bool operator==(const UpgradeWish&, const UpgradeWish&) = default;
};

/// Error: invalid.
[[nodiscard]] base::Result<ConfigWish> read_config_wish(const std::string& where, std::string_view text);

/// `json` is the whole app. An empty patch where the spec says all of that already. Error: invalid, with what to do.
[[nodiscard]] base::Result<Ask> ask_upgrade(const AppView& app, std::string_view json, const UpgradeWish& wish);

}  // namespace kubectl
