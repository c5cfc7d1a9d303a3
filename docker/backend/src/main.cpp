// todo-backend: settings, then what was asked for.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "serve.hpp"
#include "settings.hpp"

int main(int argc, char** argv) {
  // A reader of the log that went away must not end the program.
  std::signal(SIGPIPE, SIG_IGN);
  const auto variable = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  std::error_code ignored;
  const auto read =
      todo::read_invocation({argv + 1, argv + argc}, variable, std::filesystem::is_directory("/data", ignored));
  if (!read) {
    std::fprintf(stderr, "todo-backend: %s\n", read.error().detail.c_str());
    return 2;
  }
  if (const auto* shown = std::get_if<todo::ShowText>(&*read)) {
    std::fputs(shown->text.c_str(), stdout);
    return 0;
  }
  const auto& invocation = std::get<todo::Invocation>(*read);
  todo::start_logging(invocation.settings.log_level);
  if (const auto* migrating = std::get_if<todo::MigrateCommand>(&invocation.command)) {
    return todo::run_migrate(invocation.settings, *migrating);
  }
  return todo::serve(invocation.settings);
}
