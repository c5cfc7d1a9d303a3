// What the operator is told when it starts: flags, and a versioned YAML file with the same settings.
//
// Law: one table (`setting_rows`) names each setting once, with its flag, its key and its place in `Settings`; both
// ways in go through it and through one reader of values, so they cannot drift apart. A flag wins over the file. A
// setting is valid or the operator does not start: an unknown key, a key twice, a value out of range are errors that
// say what to do. No setting holds a secret: those come from files that the kubeconfig or the pod names. Limits: a
// configuration file of at most 64 KiB, one document, no nesting but lists.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "operator/http_server.hpp"
#include "operator/logging.hpp"

namespace shell {

enum class ApiClient : std::uint8_t { asio, cpprestsdk };

[[nodiscard]] const char* to_string(ApiClient client);

struct Settings {
  bool leader_elect{false};
  std::string leader_election_namespace;  ///< empty: the namespace of the pod
  std::string leader_election_id{"todoapp-operator"};
  std::chrono::milliseconds leader_election_lease_duration{15'000};
  std::chrono::milliseconds leader_election_renew_deadline{10'000};
  std::chrono::milliseconds leader_election_retry_period{2'000};
  BindAddress metrics_bind_address{true, "", 8080};
  std::string metrics_tls_cert_file;  ///< with the key file, or neither
  std::string metrics_tls_key_file;
  bool metrics_require_authorization{false};
  BindAddress health_probe_bind_address{true, "", 8081};
  std::string kubeconfig;  ///< empty: the rules of kubectl, or the pod's service account
  std::string context;
  ApiClient api_client{ApiClient::asio};
  std::vector<std::string> watch_namespaces;  ///< empty: all
  std::uint32_t max_concurrent_reconciles{8};
  bool once{false};
  LogLevel log_level{LogLevel::info};
  LogFormat log_format{LogFormat::text};

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// What `--help` and `--version` ask for: print it to stdout and exit with 0.
struct ShowText {
  std::string text;
};

using Invocation = std::variant<Settings, ShowText>;

/// Reads the flags (without the program's name), and the file that `--config` names. Error: invalid.
[[nodiscard]] base::Result<Invocation> read_invocation(const std::vector<std::string>& arguments);

/// The configuration file's text over `settings`; single values are judged, their agreement is not. Error: invalid,
/// with `name` and the line.
[[nodiscard]] base::Result<Settings> read_config(std::string_view text, std::string_view name, Settings settings);

/// Whether the settings agree with each other. Error: invalid.
[[nodiscard]] base::Result<void> check(const Settings& settings);

/// A duration as Go writes it: "15s", "1m30s", "1.5h", "250ms"; milliseconds are the finest. Error: invalid.
[[nodiscard]] base::Result<std::chrono::milliseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

[[nodiscard]] std::string version();   ///< "0.1.0"
[[nodiscard]] std::string revision();  ///< the commit, or empty

}  // namespace shell
