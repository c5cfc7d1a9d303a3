// How to reach an API server and who we are to it: the address, whom to trust, client certificate, token; and how these
// change while we run.
//
// Law: files are read again each minute, and before the next request after a 401 or a failed handshake; what could not
// be read leaves what we had. `tls_version` grows with each change of trust or certificate: a connection made under an
// older one is not used for a new request. Secrets never get into an error's text: errors name files and commands.
// Limits: one exec plugin run at a time, none sooner than `plugin_pause` after the last; runs on the loop only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/exec_plugin.hpp"
#include "kube/server_address.hpp"

namespace kube {

/// A value given in place, or a file that holds it and may change; neither where both are empty.
struct Material {
  std::string data{};
  std::string path{};

  [[nodiscard]] bool is_set() const { return !data.empty() || !path.empty(); }
  friend bool operator==(const Material&, const Material&) = default;
};

/// What a kubeconfig's context, or a pod, says about a cluster.
struct ClusterAccess {
  ServerAddress server;
  Material authority;  ///< the CAs to trust, PEM; nothing else is trusted
  Material certificate;
  Material key;
  Material token;
  std::optional<ExecPlugin> exec;
  std::string namespace_{"default"};  ///< where to work unless told otherwise

  friend bool operator==(const ClusterAccess&, const ClusterAccess&) = default;
};

/// PEM texts, empty where there is none.
struct TlsMaterial {
  std::string authority;
  std::string certificate;
  std::string key;

  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

struct CredentialTimes {
  std::chrono::milliseconds reread{60'000};
  std::chrono::milliseconds plugin_timeout{60'000};
  std::chrono::milliseconds plugin_pause{1'000};
  std::chrono::milliseconds expiry_margin{10'000};  ///< a plugin's token is replaced that much before it expires
};

class Credentials {
 public:
  enum class State : std::uint8_t { ready, waiting };

  Credentials(boost::asio::io_context& loop, ClusterAccess access, CredentialTimes times = {});
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials();

  /// Reads again what is due. `waiting`: a plugin runs; `when_ready` tells when to ask again. Errors: retry, invalid.
  [[nodiscard]] base::Result<State> refresh(base::MonoTime now);
  /// Only while `refresh` says `waiting`. The handler runs from the loop.
  void when_ready(std::function<void(base::Result<void>)> handler);

  [[nodiscard]] const ServerAddress& server() const { return access_.server; }
  [[nodiscard]] const std::string& authorization() const { return authorization_; }  ///< "Bearer ...", or empty
  [[nodiscard]] const TlsMaterial& tls() const { return tls_; }
  [[nodiscard]] std::uint64_t tls_version() const { return tls_version_; }

  /// The server answered 401 to a request that bore `authorization`.
  void rejected(std::string_view authorization);
  /// A handshake failed, or a connection that a peer may have ended for our certificate's sake.
  void tls_failed() { files_due_ = true; }

 private:
  base::Result<void> read_files(base::MonoTime now);
  [[nodiscard]] bool plugin_due(base::MonoTime now) const;
  void start_plugin();
  void on_plugin(base::Result<ExecCredential> result);
  void use_token(std::string_view token);
  void use_tls(TlsMaterial tls);

  boost::asio::io_context& loop_;
  ClusterAccess access_;
  CredentialTimes times_;
  std::string authorization_;
  TlsMaterial tls_;
  std::uint64_t tls_version_{0};
  base::MonoTime reread_at_{};
  bool files_due_{true};
  std::unique_ptr<ExecRun> run_;
  bool plugin_answered_{false};
  bool plugin_refused_{false};
  std::optional<base::MonoTime> plugin_expires_;
  std::optional<base::MonoTime> plugin_ended_;
  std::optional<base::Error> plugin_error_;
  std::vector<std::function<void(base::Result<void>)>> waiting_;
};

/// What the service account of a pod gives. `host` and `port` are KUBERNETES_SERVICE_HOST and _PORT. Errors: invalid,
/// not_found (not in a cluster).
[[nodiscard]] base::Result<ClusterAccess> in_cluster_access(
    std::string_view host, std::string_view port,
    const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

/// The text of a file of at most `limit` bytes. Errors: not_found, invalid.
[[nodiscard]] base::Result<std::string> read_text_file(const std::string& path, std::size_t limit = 4U << 20U);

}  // namespace kube
