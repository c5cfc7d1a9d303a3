// kubectl-todoapp: the command line, the way to the cluster, run.
#include <fmt/format.h>

#include <exception>

#include "kube/kubeconfig.hpp"
#include "kubectl/commands.hpp"
#include "kubectl/complete_command.hpp"
#include "kubectl/diff_command.hpp"

namespace {

int complain(kubectl::Terminal& terminal, const base::Error& error, int code) {
  terminal.complain(fmt::format("kubectl-todoapp: {}\n", kubectl::plain(base::to_string(error))));
  return code;
}

int run(const std::vector<std::string>& arguments) {
  kubectl::Terminal terminal;
  const auto invocation = kubectl::read_invocation(arguments);
  if (!invocation) return complain(terminal, invocation.error(), kubectl::exit_usage);
  if (const auto* shown = std::get_if<kubectl::ShowText>(&*invocation)) {
    terminal.print(shown->text);
    return kubectl::exit_done;
  }
  if (const auto* asked = std::get_if<kubectl::CompleteWords>(&*invocation)) {
    terminal.print(kubectl::complete(*asked));
    return kubectl::exit_done;
  }
  const auto& options = std::get<kubectl::Options>(*invocation);
  auto access = kube::find_access(options.kubeconfig, options.context);
  // As kubectl diff: 1 is for differences.
  const int failed = options.command == kubectl::Command::diff ? kubectl::exit_trouble : kubectl::exit_failed;
  if (!access) return complain(terminal, access.error(), failed);
  kubectl::Client client(*std::move(access));
  const auto code = kubectl::run(options, client, terminal);
  return code ? *code : complain(terminal, code.error(), failed);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "kubectl-todoapp: {}\n", error.what());
    return kubectl::exit_failed;
  }
}
