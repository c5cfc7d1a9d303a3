// todoapp-operator: settings, wiring, run.
#include <malloc.h>

#include <cstdio>

#include "operator/logging.hpp"
#include "operator/process.hpp"
#include "operator/settings.hpp"

int main(int argc, char** argv) {
  // One thread owns all state: one arena, and what is freed goes back to the system soon.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 128 * 1024);
  const auto invocation = shell::read_invocation({argv + 1, argv + argc});
  if (!invocation) {
    std::fprintf(stderr, "todoapp-operator: %s\n", base::to_string(invocation.error()).c_str());
    return 2;
  }
  if (const auto* shown = std::get_if<shell::ShowText>(&*invocation)) {
    std::fputs(shown->text.c_str(), stdout);
    return 0;
  }
  const auto& settings = std::get<shell::Settings>(*invocation);
  shell::start_logging(settings.log_level, settings.log_format);
  const auto code = shell::run_operator(settings);
  if (!code) {
    shell::log(shell::LogLevel::error, "Failed to start", {{"error", base::to_string(code.error())}});
    return 1;
  }
  return *code;
}
