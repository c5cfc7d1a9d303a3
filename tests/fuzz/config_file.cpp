// The operator's own configuration file, and the values that stand in it and behind flags, one a line.
#include <string>

#include "fuzz/fuzz.hpp"
#include "operator/settings.hpp"

namespace {

void check_value(std::string_view text) {
  if (const auto duration = shell::parse_duration(text)) {
    fuzz::require(shell::parse_duration(shell::format_duration(*duration)) == *duration,
                  "a duration is written as it is read");
  }
  if (const auto address = shell::parse_bind_address(text)) {
    fuzz::require(shell::parse_bind_address(to_string(*address)) == *address, "an address is written as it is read");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text(data, size);
  const auto settings = shell::read_config(text, "operator.yaml", {});
  if (settings) {
    fuzz::require(settings == shell::read_config(text, "operator.yaml", {}), "the same file is the same settings");
    (void)shell::check(*settings);
  }
  for (int lines = 0; lines < 8; ++lines) {
    const auto end = text.find('\n');
    check_value(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
