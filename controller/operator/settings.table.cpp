#include "operator/settings.table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

namespace shell {
namespace {

using S = Settings;

constexpr const char* leader = "Leader election";
constexpr const char* serving = "Serving";
constexpr const char* cluster = "Cluster";
constexpr const char* working = "Working";
constexpr const char* logging = "Logging";

const std::array rows{
    SettingRow{"--leader-elect", "leaderElect", &S::leader_elect, "", leader,
               "Only the replica that holds the lease works; the others stand by"},
    SettingRow{"--leader-election-namespace", "leaderElectionNamespace", &S::leader_election_namespace, "NAMESPACE",
               leader, "Namespace of the lease; empty: that of the pod"},
    SettingRow{"--leader-election-id", "leaderElectionId", &S::leader_election_id, "NAME", leader, "Name of the lease"},
    SettingRow{"--leader-election-lease-duration", "leaderElectionLeaseDuration", &S::leader_election_lease_duration,
               "DURATION", leader, "How long a standby waits after the last renewal it saw before it takes over"},
    SettingRow{"--leader-election-renew-deadline", "leaderElectionRenewDeadline", &S::leader_election_renew_deadline,
               "DURATION", leader, "How long the leader tries to renew before it gives up; below the lease duration"},
    SettingRow{"--leader-election-retry-period", "leaderElectionRetryPeriod", &S::leader_election_retry_period,
               "DURATION", leader, "Time between two tries; below the renew deadline"},
    SettingRow{"--metrics-bind-address", "metricsBindAddress", &S::metrics_bind_address, "ADDRESS", serving,
               "Where /metrics is served; 0: nowhere"},
    SettingRow{"--metrics-tls-cert-file", "metricsTlsCertFile", &S::metrics_tls_cert_file, "FILE", serving,
               "Certificate chain (PEM) for /metrics over TLS; a changed file is noticed"},
    SettingRow{"--metrics-tls-key-file", "metricsTlsKeyFile", &S::metrics_tls_key_file, "FILE", serving,
               "Key (PEM) of that certificate"},
    SettingRow{"--metrics-require-authorization", "metricsRequireAuthorization", &S::metrics_require_authorization, "",
               serving, "Ask the API server who reads /metrics, and whether they may; TLS without files too"},
    SettingRow{"--health-probe-bind-address", "healthProbeBindAddress", &S::health_probe_bind_address, "ADDRESS",
               serving, "Where /healthz, /livez and /readyz are served; 0: nowhere"},
    SettingRow{"--kubeconfig", "kubeconfig", &S::kubeconfig, "FILE", cluster,
               "Path of a kubeconfig; empty: as kubectl finds it, or the pod's service account"},
    SettingRow{"--context", "context", &S::context, "NAME", cluster,
               "Context of the kubeconfig; empty: its current one"},
    SettingRow{"--api-client", "apiClient", &S::api_client, "asio|cpprestsdk", cluster,
               "Library that talks to the API server"},
    SettingRow{"--watch-namespace", "watchNamespaces", &S::watch_namespaces, "NAMESPACE", working,
               "Namespace to work in, once for each; none: all"},
    SettingRow{"--max-concurrent-reconciles", "maxConcurrentReconciles", &S::max_concurrent_reconciles, "NUMBER",
               working, "Apps that are worked on at a time, 1 to 1000"},
    SettingRow{"--once", "", &S::once, "", working, "Reconcile what is there, then exit"},
    SettingRow{"--log-level", "logLevel", &S::log_level, "trace|debug|info|warn|error", logging,
               "Least level that is logged"},
    SettingRow{"--log-format", "logFormat", &S::log_format, "text|json", logging, "Form of a log line"},
};

using Problem = std::optional<std::string>;

/// Enums are written as `to_string` says, so a value cannot be readable in one direction only.
template <class E, std::size_t N>
Problem choose(E& target, std::string_view text, const std::array<E, N>& all) {
  std::vector<const char*> names;
  for (const auto value : all) {
    names.push_back(to_string(value));
    if (text == names.back()) return target = value, std::nullopt;
  }
  return fmt::format("\"{}\" is not one of {}", text, fmt::join(names, ", "));
}

Problem read(bool& target, std::string_view text) {
  if (text != "true" && text != "false") return fmt::format("\"{}\" is neither true nor false", text);
  target = text == "true";
  return std::nullopt;
}

Problem read(std::string& target, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "it holds a zero byte";
  target = text;
  return std::nullopt;
}

Problem read(std::uint32_t& target, std::string_view text) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  if (error != std::errc{} || end != text.data() + text.size()) return fmt::format("\"{}\" is not a number", text);
  return std::nullopt;
}

template <class T>
Problem keep(T& target, base::Result<T> result) {
  if (!result) return base::to_string(result.error());
  target = std::move(*result);
  return std::nullopt;
}

Problem read(std::chrono::milliseconds& target, std::string_view text) { return keep(target, parse_duration(text)); }
Problem read(BindAddress& target, std::string_view text) { return keep(target, parse_bind_address(text)); }

Problem read(LogLevel& target, std::string_view text) {
  using enum LogLevel;
  return choose(target, text, std::array{trace, debug, info, warn, error});
}
Problem read(LogFormat& target, std::string_view text) {
  return choose(target, text, std::array{LogFormat::text, LogFormat::json});
}
Problem read(ApiClient& target, std::string_view text) {
  return choose(target, text, std::array{ApiClient::asio, ApiClient::cpprestsdk});
}

std::string write(bool value) { return value ? "true" : "false"; }
std::string write(const std::string& value) { return value; }
std::string write(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ", ")); }
std::string write(std::uint32_t value) { return std::to_string(value); }
std::string write(std::chrono::milliseconds value) { return format_duration(value); }
std::string write(const BindAddress& value) { return to_string(value); }
std::string write(LogLevel value) { return to_string(value); }
std::string write(LogFormat value) { return to_string(value); }
std::string write(ApiClient value) { return to_string(value); }

/// How many letters must be put in, left out or replaced to get from one word to the other (Levenshtein).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const auto replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::span<const SettingRow> setting_rows() { return rows; }

std::optional<std::string> assign(const SettingRow& row, Settings& settings, const std::vector<std::string>& values) {
  const auto assign_member = [&](auto member) -> Problem {
    auto& target = settings.*member;
    if constexpr (std::is_same_v<std::decay_t<decltype(target)>, std::vector<std::string>>) {
      target = values;
      return std::nullopt;
    } else {
      return read(target, values.back());
    }
  };
  return std::visit(assign_member, row.member);
}

std::string show(const SettingRow& row, const Settings& settings) {
  return std::visit([&](auto member) { return write(settings.*member); }, row.member);
}

std::string suggest(std::string_view word, const std::vector<std::string>& known) {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  std::string_view nearest;
  for (const auto& candidate : known) {
    // A word far longer than any of ours is no slip of the pen, and would cost time.
    const auto steps = word.size() <= 64 ? distance(word, candidate) : least;
    if (steps < least) least = steps, nearest = candidate;
  }
  if (!nearest.empty() && least <= std::max<std::size_t>(2, word.size() / 3)) {
    return fmt::format("; did you mean {}?", nearest);
  }
  return fmt::format("; known are {}", fmt::join(known, ", "));
}

}  // namespace shell
