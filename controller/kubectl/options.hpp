// The command line of the plugin.
// Law: pure; nothing is asked of a cluster here, and what cannot be meant is refused with what can.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "kubectl/completion.hpp"
#include "kubectl/output.hpp"
#include "kubectl/upgrade.hpp"

namespace kubectl {

enum class Command : std::uint8_t {
  status,
  history,
  explain,
  diff,
  upgrade,
  rollback,
  retry,
  approve,
  restart,
  pause,
  resume,
};

struct Options {
  Command command{Command::status};
  std::string app;         ///< empty for the only one of the namespace
  std::string namespace_;  ///< empty for the context's
  std::string context;
  std::string kubeconfig;
  Output output{Output::text};
  bool all_namespaces{false};
  bool watch{false};                ///< upgrade: it waits
  std::chrono::seconds timeout{0};  ///< of a watch; 0 for none
  std::int64_t revision{0};         ///< history: the one to show; rollback: where to; 0 where none is named
  std::int64_t other_revision{0};   ///< history: the one to compare with; 0 for the one before
  bool undo{false};
  std::vector<std::string> files;  ///< diff: "-" for stdin
  std::string field_manager{"kubectl"};
  UpgradeWish upgrade;
  bool dry_run{false};
};

/// To be printed, after which all is done.
struct ShowText {
  std::string text;
};

/// The words so far, the last one being typed; for shells.
struct CompleteWords {
  std::vector<std::string> words;
  std::vector<CommandWords> commands;
};

using Invocation = std::variant<Options, ShowText, CompleteWords>;

/// `arguments` without the program's name. Error: invalid.
[[nodiscard]] base::Result<Invocation> read_invocation(const std::vector<std::string>& arguments);

/// "90", "90s", "5m", "1h"; 0 where it is none of that.
[[nodiscard]] std::chrono::seconds read_duration(std::string_view text);

}  // namespace kubectl
