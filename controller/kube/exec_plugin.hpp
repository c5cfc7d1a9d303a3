// Runs a credential plugin (aws, gke-gcloud-auth-plugin, kubelogin, ...) as client-go does, on the loop.
//
// Law: such a command comes from a kubeconfig file of this machine and from nowhere else. The loop never waits for it:
// its output is read as it comes, its end is looked for every few milliseconds, and after `timeout` its whole process
// group is killed. Nothing of its output gets into an error or a log; what it says on stderr goes to ours.
// Limits: it gets no terminal (interactiveMode Always is refused); at most 1 MiB of output.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace kube {

struct ExecPlugin {
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  ///< on top of ours
  std::string api_version;                                       ///< client.authentication.k8s.io/v1 or /v1beta1
  std::string install_hint;
  std::string cluster_info;  ///< JSON for spec.cluster, empty where it is not asked for
  bool needs_terminal{false};

  friend bool operator==(const ExecPlugin&, const ExecPlugin&) = default;
};

struct ExecCredential {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
  std::optional<base::WallTime> expires;

  friend bool operator==(const ExecCredential&, const ExecCredential&) = default;
};

/// Errors: retry; never with a piece of `output` in it.
[[nodiscard]] base::Result<ExecCredential> parse_exec_credential(std::string_view output, const ExecPlugin& plugin);

/// A run in progress. Letting go of it kills the plugin, and its handler never runs.
class ExecRun {
 public:
  ExecRun() = default;
  ExecRun(const ExecRun&) = delete;
  ExecRun& operator=(const ExecRun&) = delete;
  virtual ~ExecRun() = default;
};

/// The handler runs exactly once, from the loop, never from inside this call. Errors: retry, invalid.
[[nodiscard]] std::unique_ptr<ExecRun> run_exec_plugin(boost::asio::io_context& loop, const ExecPlugin& plugin,
                                                       std::chrono::milliseconds timeout,
                                                       std::function<void(base::Result<ExecCredential>)> handler);

}  // namespace kube
