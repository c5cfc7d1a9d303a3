// The table of settings; only settings.* and its test look into it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "operator/settings.hpp"

namespace shell {

using SettingMember =
    std::variant<bool Settings::*, std::string Settings::*, std::vector<std::string> Settings::*,
                 std::uint32_t Settings::*, std::chrono::milliseconds Settings::*, BindAddress Settings::*,
                 LogLevel Settings::*, LogFormat Settings::*, ApiClient Settings::*>;

struct SettingRow {
  const char* flag;  ///< "--leader-elect"
  const char* key;   ///< "leaderElect"; empty for what makes no sense in a file
  SettingMember member;
  const char* type;  ///< as `--help` shows it
  const char* group;
  const char* help;

  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool Settings::*>(member); }
  [[nodiscard]] bool is_list() const { return std::holds_alternative<std::vector<std::string> Settings::*>(member); }
};

[[nodiscard]] std::span<const SettingRow> setting_rows();

/// Writes the value(s) into the row's member: the last one, or all of them for a list. What is wrong with them, if
/// anything.
[[nodiscard]] std::optional<std::string> assign(const SettingRow& row, Settings& settings,
                                                const std::vector<std::string>& values);
/// The row's value as its flag would be given; empty for an empty one.
[[nodiscard]] std::string show(const SettingRow& row, const Settings& settings);

/// "; did you mean X?", or all of them where none is near.
[[nodiscard]] std::string suggest(std::string_view word, const std::vector<std::string>& known);

}  // namespace shell
