#include "operator/settings.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>

#include "operator/settings.table.hpp"

namespace shell {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t file_limit = 64 * 1024;

base::Failure refuse(std::string detail) {
  return base::fail(base::ErrorCode::invalid, "read the flags", std::move(detail));
}

/// What was given on the command line, not yet read as values.
struct Flags {
  std::vector<std::pair<const SettingRow*, CLI::Option*>> rows;
  CLI::Option* config{nullptr};
};

Flags declare_flags(CLI::App& app) {
  const auto accept = [](const CLI::results_t&) { return true; };  // `assign` judges, for flags and files alike
  Flags flags;
  for (const auto& row : setting_rows()) {
    auto* option = row.is_bool() ? app.add_flag(row.flag) : app.add_option(row.flag, accept);
    if (row.is_list()) {
      option->expected(1, -1)->allow_extra_args(false);
    } else if (!row.is_bool()) {
      option->take_last();
    }
    const auto fallback = show(row, Settings{});
    option->option_text(row.type)->group(row.group);
    option->description(fallback.empty() ? row.help : fmt::format("{} (default {})", row.help, fallback));
    flags.rows.emplace_back(&row, option);
  }
  flags.config = app.add_option("--config", accept, "Configuration file with these settings; flags win over it");
  flags.config->take_last()->option_text("FILE");
  return flags;
}

std::vector<std::string> known_flags() {
  std::vector<std::string> flags{"--config", "--help", "--version"};
  for (const auto& row : setting_rows()) flags.emplace_back(row.flag);
  return flags;
}

base::Failure refuse_extra(const std::string& argument) {
  if (argument.empty() || argument.front() != '-') {
    return refuse(fmt::format("unexpected argument \"{}\"; a flag's value is written --flag=value", argument));
  }
  const auto name = argument.substr(0, argument.find('='));
  return refuse(fmt::format("unknown flag {}{}", name, suggest(name, known_flags())));
}

/// CLI11 takes its arguments from the back, and "--flag=" as a flag whose value comes next.
std::vector<std::string> prepare(const std::vector<std::string>& arguments) {
  std::vector<std::string> prepared;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
    const bool no_value = argument->starts_with("--") && argument->find('=') + 1 == argument->size();
    if (no_value) prepared.emplace_back();
    prepared.push_back(no_value ? argument->substr(0, argument->size() - 1) : *argument);
  }
  return prepared;
}

base::Result<Settings> read_config_file(const std::string& path) {
  const auto act = "read the configuration file " + path;
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::fail(base::ErrorCode::invalid, act, std::strerror(errno));
  std::string text(file_limit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return base::fail(base::ErrorCode::invalid, act, "it cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return read_config(text, path, Settings{});
}

base::Result<Settings> merge(const Flags& flags) {
  Settings settings;
  if (flags.config->count() > 0) {
    auto read = read_config_file(flags.config->results().back());
    if (!read) return read;
    settings = std::move(*read);
  }
  for (const auto& [row, option] : flags.rows) {
    if (option->count() == 0) continue;
    if (const auto problem = assign(*row, settings, option->results())) {
      return refuse(fmt::format("{}: {}", row->flag, *problem));
    }
  }
  return settings;
}

/// Lower-case letters, digits and dashes, a letter or digit at both ends; with dots, a series of such.
bool is_name(std::string_view text, std::size_t most, bool dots) {
  const auto plain = [](char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9'); };
  char before = '.';
  for (const char letter : text) {
    const bool dot = dots && letter == '.';
    if (!plain(letter) && !dot && letter != '-') return false;
    if ((before == '.' && !plain(letter)) || (before == '-' && dot)) return false;
    before = letter;
  }
  return !text.empty() && text.size() <= most && plain(before);
}

using Problem = std::optional<std::string>;

Problem check_election(const Settings& settings) {
  const auto lease = settings.leader_election_lease_duration;
  const auto renew = settings.leader_election_renew_deadline;
  const auto retry = settings.leader_election_retry_period;
  if (lease < std::chrono::seconds{1} || lease % std::chrono::seconds{1} != milliseconds{0}) {
    return "--leader-election-lease-duration must be whole seconds: that is what a Lease can say";
  }
  if (renew >= lease) {
    return fmt::format(
        "--leader-election-renew-deadline ({}) must be below --leader-election-lease-duration ({}), "
        "or two replicas could hold the lease at a time",
        format_duration(renew), format_duration(lease));
  }
  // A try is put off by up to a fifth of the period.
  if (retry <= milliseconds{0} || retry * 12 / 10 >= renew) {
    return fmt::format(
        "--leader-election-retry-period ({}) must be above 0 and, with a fifth more, below "
        "--leader-election-renew-deadline ({})",
        format_duration(retry), format_duration(renew));
  }
  if (!is_name(settings.leader_election_id, 253, true)) return "--leader-election-id must be the name of an object";
  if (!settings.leader_election_namespace.empty() && !is_name(settings.leader_election_namespace, 63, false)) {
    return "--leader-election-namespace must be the name of a namespace";
  }
  return std::nullopt;
}

Problem check_serving(const Settings& settings) {
  const auto& metrics = settings.metrics_bind_address;
  if (settings.metrics_tls_cert_file.empty() != settings.metrics_tls_key_file.empty()) {
    return "--metrics-tls-cert-file and --metrics-tls-key-file go together: give both or neither";
  }
  if (metrics.enabled && metrics.port != 0 && metrics == settings.health_probe_bind_address) {
    return fmt::format("--metrics-bind-address and --health-probe-bind-address are both {}; give them different ports",
                       to_string(metrics));
  }
  return std::nullopt;
}

Problem check_work(const Settings& settings) {
  std::set<std::string_view> seen;
  for (const auto& name : settings.watch_namespaces) {
    if (!is_name(name, 63, false)) {
      return fmt::format("--watch-namespace: \"{}\" is not the name of a namespace; give the flag once for each", name);
    }
    if (!seen.insert(name).second) return fmt::format("--watch-namespace: {} is there twice", name);
  }
  if (settings.max_concurrent_reconciles < 1 || settings.max_concurrent_reconciles > 1000) {
    return "--max-concurrent-reconciles must be from 1 to 1000";
  }
  return std::nullopt;
}

}  // namespace

const char* to_string(ApiClient client) { return client == ApiClient::asio ? "asio" : "cpprestsdk"; }

std::string version() { return TODOAPP_VERSION; }
std::string revision() { return TODOAPP_REVISION; }

base::Result<Invocation> read_invocation(const std::vector<std::string>& arguments) {
  CLI::App app("Deploys, upgrades and rolls back Todo apps (TodoAppDeployment) in a Kubernetes cluster.",
               "todoapp-operator");
  app.get_formatter()->column_width(54);
  app.allow_extras();
  app.set_version_flag(
      "--version", fmt::format("todoapp-operator {}{}", version(), revision().empty() ? "" : " (" + revision() + ")"));
  const auto flags = declare_flags(app);
  try {
    app.parse(prepare(arguments));
  } catch (const CLI::CallForHelp&) {
    return ShowText{app.help()};
  } catch (const CLI::CallForVersion&) {
    return ShowText{app.version() + "\n"};
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view flag(error.what(), std::strcspn(error.what(), ":"));
    return refuse(fmt::format("{} lacks its value; write {}=VALUE", flag, flag));
  } catch (const CLI::Error& error) {
    return refuse(error.what());
  }
  if (const auto extra = app.remaining(); !extra.empty()) return refuse_extra(extra.front());
  auto settings = merge(flags);
  if (!settings) return tl::unexpected(settings.error());
  if (auto agreed = check(*settings); !agreed) return tl::unexpected(agreed.error());
  return std::move(*settings);
}

base::Result<void> check(const Settings& settings) {
  for (const auto check_part : {check_election, check_serving, check_work}) {
    if (const auto problem = check_part(settings)) {
      return base::fail(base::ErrorCode::invalid, "check the settings", *problem);
    }
  }
  return {};
}

base::Result<milliseconds> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return base::fail(base::ErrorCode::invalid, fmt::format("read the duration \"{}\"", text),
                      "write it as 15s, 1m30s or 250ms (units h, m, s, ms)");
  };
  constexpr double most = 1000.0 * 3'600'000.0;
  double total = 0;
  auto rest = text;
  if (text == "0") return milliseconds{0};
  if (text.empty()) return bad();
  while (!rest.empty()) {
    const auto digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
    double number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + digits, number, std::chars_format::fixed);
    if (digits == 0 || error != std::errc{} || end != rest.data() + digits) return bad();
    rest.remove_prefix(digits);
    const auto unit = rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
    const double factor = unit == "h" ? 3'600'000 : unit == "m" ? 60'000 : unit == "s" ? 1000 : unit == "ms" ? 1 : -1;
    if (factor < 0) return bad();
    total += number * factor;
    rest.remove_prefix(unit.size());
  }
  if (total > most) return bad();
  return milliseconds{std::llround(total)};
}

std::string format_duration(milliseconds duration) {
  auto rest = duration.count();
  std::string text;
  for (const auto& [unit, size] : {std::pair{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}) {
    if (rest >= size) text += fmt::format("{}{}", rest / size, unit);
    rest %= size;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace shell
