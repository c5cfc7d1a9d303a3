#include "operator/process.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "kube/asio_transport.hpp"
#include "kube/event_recorder.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/leader_elector.hpp"
#include "kube/rest_transport.hpp"
#include "operator/controller_loop.hpp"
#include "operator/counting_transport.hpp"
#include "operator/http_server.health.hpp"
#include "operator/http_server.hpp"
#include "operator/logging.hpp"
#include "operator/memory.hpp"
#include "operator/metrics.hpp"
#include "operator/random.hpp"
#include "operator/scrape_guard.hpp"

namespace shell {
namespace {

/// The whole of an orderly end; a pod is given 30 s by default, and a user at a terminal less.
constexpr std::chrono::milliseconds grace{4'500};
/// Of that, for events that still wait: with --once there is no later time to write them.
constexpr std::chrono::milliseconds event_grace{2'000};
constexpr std::chrono::seconds trim_interval{10};
constexpr int trims_put_off_most{6};

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

/// New for each start: a restarted process must not take its predecessor's lease for its own.
std::string make_identity() {
  std::string digits;
  for (const char byte : random_bytes(4)) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return host_name() + "_" + digits;
}

/// CPU time of this thread: what a turn of the loop took, without the wait for something to do.
std::chrono::nanoseconds thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

class Process {
 public:
  Process(const Settings& settings, kube::ClusterAccess access)
      : settings_(settings),
        namespace_(access.namespace_),
        identity_(make_identity()),
        metrics_({.version = version(),
                  .revision = revision(),
                  .lease = settings.leader_election_id,
                  .api_host = kube::authority(access.server)}),
        credentials_(std::make_shared<kube::Credentials>(loop_, std::move(access))),
        client_(settings.api_client == ApiClient::asio ? kube::make_asio_transport(loop_, credentials_, limits())
                                                       : kube::make_rest_transport(loop_, credentials_, limits())),
        transport_(*client_, metrics_),
        recorder_(loop_, transport_, {.reporting_instance = identity_}, [this] { return may_write(); }),
        controller_(loop_, transport_, {settings.watch_namespaces, settings.max_concurrent_reconciles}, metrics_,
                    recorder_, [this] { return may_write(); }),
        scrape_guard_(transport_, random_bytes(32), [] { return std::chrono::steady_clock::now(); }),
        signals_(loop_, SIGTERM, SIGINT),
        grace_timer_(loop_),
        trim_timer_(loop_) {}

  base::Result<int> run() {
    if (auto served = serve(); !served) return tl::unexpected(served.error());
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (!error) stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
    });
    log(LogLevel::info, "Started operator",
        {{"version", version()}, {"identity", identity_}, {"api_client", to_string(settings_.api_client)}});
    if (settings_.once) controller_.on_quiet([this] { stop("--once"); });
    if (settings_.leader_elect) {
      elect();
    } else {
      start_leading();
    }
    trim();
    turn();
    return exit_code_;
  }

 private:
  [[nodiscard]] kube::TransportLimits limits() const {
    kube::TransportLimits limits;
    limits.max_calls = settings_.max_concurrent_reconciles;
    limits.user_agent = fmt::format("todoapp-operator/{}", version());
    return limits;
  }

  [[nodiscard]] bool may_write() const {
    return !settings_.leader_elect || (elector_ != nullptr && elector_->may_write());
  }

  base::Result<void> serve() {
    live_.add_check("loop", [] { return std::nullopt; });  // that it answers is the check
    ready_.add_check("caches", [this]() -> std::optional<std::string> {
      return controller_.synced() ? std::nullopt : std::optional<std::string>{"not filled yet"};
    });
    ready_.add_check("running", [this]() -> std::optional<std::string> {
      return stopping_ ? std::optional<std::string>{"shutting down"} : std::nullopt;
    });
    const auto probes = make_routes({{"/healthz", make_health_handler(live_)},
                                     {"/livez", make_health_handler(live_)},
                                     {"/readyz", make_health_handler(ready_)}});
    auto scrape = make_handler(
        [this](const HttpQuestion&) { return HttpAnswer{200, std::string(Metrics::content_type), metrics_.render()}; });
    HttpOptions tls;
    if (settings_.metrics_require_authorization) {
      scrape = scrape_guard_.protect(std::move(scrape));
      tls.self_signed = true;
    }
    const auto scrapes = make_routes({{"/metrics", std::move(scrape)}});
    if (!settings_.metrics_tls_cert_file.empty()) {
      tls.tls = TlsFiles{settings_.metrics_tls_cert_file, settings_.metrics_tls_key_file};
    }
    if (auto result = listen("health", settings_.health_probe_bind_address, probes, {}); !result) return result;
    return listen("metrics", settings_.metrics_bind_address, scrapes, tls);
  }

  base::Result<void> listen(const char* what, const BindAddress& address, const HttpHandler& handler,
                            const HttpOptions& options) {
    if (!address.enabled) return {};
    auto server = HttpServer::listen(loop_, address, handler, options);
    if (!server) return tl::unexpected(server.error());
    log(LogLevel::info, "Listened", {{"for", what}, {"port", (*server)->port()}});
    servers_.push_back(*std::move(server));
    return {};
  }

  void elect() {
    kube::LeaseSettings lease{
        .namespace_ = settings_.leader_election_namespace.empty() ? namespace_ : settings_.leader_election_namespace,
        .name = settings_.leader_election_id,
        .identity = identity_,
        .lease_duration = settings_.leader_election_lease_duration,
        .renew_deadline = settings_.leader_election_renew_deadline,
        .retry_period = settings_.leader_election_retry_period};
    kube::LeaderCallbacks callbacks;
    callbacks.on_started_leading = [this] { start_leading(); };
    callbacks.on_lost = [this](const std::string& why) {
      if (stopping_) return;
      log(LogLevel::error, "Lost the lease, so this process ends", {{"why", why}});
      exit_code_ = 1;
      loop_.stop();
    };
    callbacks.on_new_leader = [this](const std::string& identity) {
      if (identity == identity_) return;
      log(LogLevel::info, "Saw a leader", {{"identity", identity}});
      controller_.start();
    };
    callbacks.on_error = [](const base::Error& error) {
      log(LogLevel::warn, "Failed to reach the lease", {{"error", base::to_string(error)}});
    };
    elector_ = std::make_unique<kube::LeaderElector>(loop_, transport_, std::move(lease), std::move(callbacks));
    elector_->start();
  }

  void start_leading() {
    metrics_.set_leader(true);
    log(LogLevel::info, "Started leading", {{"identity", identity_}});
    controller_.lead();
  }

  // --- The end, in order: passes, events, lease, connections.

  void stop(const char* why) {
    if (std::exchange(stopping_, true)) return;
    log(LogLevel::info, "Began to stop", {{"why", why}});
    grace_timer_.expires_after(grace);
    grace_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      log(LogLevel::warn, "Ended without waiting any longer", {});
      exit_code_ = 1;
      loop_.stop();
    });
    controller_.stop([this] {
      if (!settings_.once) return stop_writing();
      recorder_.flush(event_grace, [this] { stop_writing(); });
    });
  }

  void stop_writing() {
    recorder_.stop();
    if (elector_ == nullptr) return close();
    elector_->release([this] {
      log(LogLevel::info, "Released the lease", {});
      close();
    });
  }

  void close() {
    client_->close([this] {
      log(LogLevel::info, "Stopped", {});
      loop_.stop();
    });
  }

  /// What the start or a burst of work leaves behind is given back to the system: in a quiet moment, and where there is
  /// none, once a minute.
  void trim() {
    trim_timer_.expires_after(trim_interval);
    trim_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      const auto worked = controller_.passes();
      const bool quiet = std::exchange(passes_seen_, worked) == worked;
      if (controller_.synced() && passes_trimmed_ != worked && (quiet || ++trims_put_off_ >= trims_put_off_most)) {
        give_back_memory();
        passes_trimmed_ = worked;
        trims_put_off_ = 0;
      }
      trim();
    });
  }

  void turn() {
    auto before = thread_time();
    while (loop_.run_one() > 0) {
      const auto after = thread_time();
      metrics_.loop_turned(std::chrono::duration_cast<Seconds>(after - before), std::chrono::steady_clock::now());
      before = after;
    }
  }

  const Settings& settings_;
  std::string namespace_;
  std::string identity_;
  boost::asio::io_context loop_{1};
  Metrics metrics_;
  std::shared_ptr<kube::Credentials> credentials_;
  std::unique_ptr<kube::Transport> client_;
  CountingTransport transport_;
  kube::EventRecorder recorder_;
  ControllerLoop controller_;
  std::unique_ptr<kube::LeaderElector> elector_;
  ScrapeGuard scrape_guard_;
  Health live_;
  Health ready_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer grace_timer_;
  boost::asio::steady_timer trim_timer_;
  std::uint64_t passes_seen_{0};
  std::optional<std::uint64_t> passes_trimmed_;  ///< none: not yet since the start
  int trims_put_off_{0};
  int exit_code_{0};
  bool stopping_{false};
};

}  // namespace

base::Result<int> run_operator(const Settings& settings) {
  auto access = kube::find_access(settings.kubeconfig, settings.context);
  if (!access) return tl::unexpected(access.error());
  if (settings.api_client == ApiClient::cpprestsdk) kube::prepare_rest_client();
  Process process(settings, *std::move(access));
  auto code = process.run();
  // A pool thread of cpprestsdk may still free TLS state while OpenSSL's own clean-up at exit runs: leave before that.
  if (code && settings.api_client == ApiClient::cpprestsdk) std::_Exit(*code);
  return code;
}

}  // namespace shell
