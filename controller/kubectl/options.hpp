// The command line of the plugin.
// Law: pure; nothing is asked of a cluster here, and what cannot be meant is refused with what can.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "kubectl/output.hpp"

namespace kubectl {

enum class Command : std::uint8_t { status, history, explain, rollback, retry, approve, restart, pause, resume };

struct Options {
  Command command{Command::status};
  std::string app;         ///< empty for the only one of the namespace
  std::string namespace_;  ///< empty for the context's
  std::string context;
  std::string kubeconfig;
  Output output{Output::text};
  bool all_namespaces{false};
  bool watch{false};
  std::chrono::seconds timeout{0};  ///< of a watch; 0 for none
  std::int64_t revision{0};         ///< history: the one to show; rollback: where to; 0 where none is named
  bool undo{false};
};

/// To be printed, after which all is done.
struct ShowText {
  std::string text;
};

using Invocation = std::variant<Options, ShowText>;

/// `arguments` without the program's name. Error: invalid.
[[nodiscard]] base::Result<Invocation> read_invocation(const std::vector<std::string>& arguments);

/// "90", "90s", "5m", "1h"; 0 where it is none of that.
[[nodiscard]] std::chrono::seconds read_duration(std::string_view text);

}  // namespace kubectl
