#include "kube/credentials.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace kube {
namespace {

using base::ErrorCode;
using Clock = std::chrono::steady_clock;

/// Files end in a newline more often than not; a token never does.
std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// A token with a line end in it would end the header, and begin another of somebody's choice.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

/// Overwrites `into` only where there is something to read; a failed read leaves it.
base::Result<void> read_material(const Material& material, std::string& into) {
  if (material.path.empty()) {
    into = material.data;
    return {};
  }
  base::Result<std::string> text = read_text_file(material.path);
  if (!text) return base::Failure(std::move(text.error()));
  into = std::move(*text);
  return {};
}

/// Bounded: the distance to the year 9999 does not fit the steady clock's nanoseconds.
std::chrono::milliseconds time_left(base::WallTime until) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return std::min<std::chrono::milliseconds>(until - now, std::chrono::hours(24 * 365));
}

base::Failure not_in_cluster(std::string detail) {
  return base::fail(ErrorCode::not_found, "read the pod's service account", std::move(detail));
}

}  // namespace

base::Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::fail(ErrorCode::not_found, "read " + path, std::strerror(errno));
  std::string text;
  std::string chunk(std::min<std::size_t>(limit + 1, 16U << 10U), '\0');
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > limit) {
      return base::fail(ErrorCode::invalid, "read " + path, "it is longer than " + std::to_string(limit) + " bytes");
    }
  }
  if (file.bad()) return base::fail(ErrorCode::invalid, "read " + path, "reading failed; is it a file?");
  return text;
}

Credentials::Credentials(boost::asio::io_context& loop, ClusterAccess access, CredentialTimes times)
    : loop_(loop), access_(std::move(access)), times_(times) {}

Credentials::~Credentials() = default;

base::Result<Credentials::State> Credentials::refresh(base::MonoTime now) {
  if (files_due_ || now >= reread_at_) {
    if (base::Result<void> result = read_files(now); !result) return base::Failure(std::move(result.error()));
  }
  if (!access_.exec) return State::ready;
  if (run_ != nullptr) return State::waiting;
  if (!plugin_due(now)) return State::ready;
  if (plugin_ended_ && now < *plugin_ended_ + times_.plugin_pause) {
    // A plugin that fails, or whose tokens are refused, is not run for each call anew.
    if (plugin_error_) return base::Failure(*plugin_error_);
    if (plugin_answered_) return State::ready;
  }
  start_plugin();
  return State::waiting;
}

bool Credentials::plugin_due(base::MonoTime now) const {
  return !plugin_answered_ || plugin_refused_ || (plugin_expires_ && now + times_.expiry_margin >= *plugin_expires_);
}

base::Result<void> Credentials::read_files(base::MonoTime now) {
  const bool first = tls_version_ == 0;
  TlsMaterial tls = tls_;
  base::Result<void> result = read_material(access_.authority, tls.authority);
  if (!access_.exec || access_.certificate.is_set()) {
    // Read together: a certificate of one rotation and a key of another fit each other never.
    if (result) result = read_material(access_.certificate, tls.certificate);
    if (result) result = read_material(access_.key, tls.key);
  }
  if (result) use_tls(std::move(tls));

  if (access_.token.is_set()) {
    std::string text;
    base::Result<void> read = read_material(access_.token, text);
    if (read && !is_token(trimmed(text))) {
      const std::string where = access_.token.path.empty() ? "the kubeconfig" : access_.token.path;
      read = base::fail(ErrorCode::retry, "read the token in " + where, "it is empty or holds blanks");
    }
    if (read) {
      use_token(trimmed(text));
    } else if (result) {
      result = std::move(read);
    }
  }
  // Without anything to go by the caller must know; later, what we have may serve until the file is back.
  const bool usable = tls_version_ > 0 && (!access_.token.is_set() || !authorization_.empty());
  if (!result && (first || !usable)) {
    result.error().code = ErrorCode::retry;
    return result;
  }
  files_due_ = false;
  reread_at_ = now + times_.reread;
  return {};
}

void Credentials::use_token(std::string_view token) {
  authorization_ = "Bearer ";
  authorization_ += token;
}

void Credentials::use_tls(TlsMaterial tls) {
  if (tls_version_ > 0 && tls == tls_) return;
  tls_ = std::move(tls);
  ++tls_version_;
}

void Credentials::rejected(std::string_view authorization) {
  // Answers to requests that bore an older token say nothing about the one we hold now.
  if (authorization != authorization_) return;
  files_due_ = true;
  plugin_refused_ = true;
}

void Credentials::when_ready(std::function<void(base::Result<void>)> handler) {
  waiting_.push_back(std::move(handler));
}

void Credentials::start_plugin() {
  run_ = run_exec_plugin(loop_, *access_.exec, times_.plugin_timeout,
                         [this](base::Result<ExecCredential> result) { on_plugin(std::move(result)); });
}

void Credentials::on_plugin(base::Result<ExecCredential> result) {
  run_.reset();
  plugin_ended_ = Clock::now();
  plugin_error_.reset();
  base::Result<void> told;
  if (result && !result->token.empty() && !is_token(result->token)) {
    result = base::fail(ErrorCode::retry, "run the credential plugin \"" + access_.exec->command + "\"",
                        "the token it gave holds blanks");
  }
  if (result) {
    plugin_answered_ = true;
    plugin_refused_ = false;
    plugin_expires_.reset();
    if (result->expires) plugin_expires_ = Clock::now() + time_left(*result->expires);
    if (result->token.empty()) {
      authorization_.clear();
    } else {
      use_token(result->token);
    }
    if (!result->key_pem.empty()) {
      use_tls(TlsMaterial{tls_.authority, std::move(result->certificate_pem), std::move(result->key_pem)});
    }
  } else {
    plugin_error_ = result.error();
    told = base::Failure(std::move(result.error()));
  }
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& handler : waiting) handler(told);
}

base::Result<ClusterAccess> in_cluster_access(std::string_view host, std::string_view port, const std::string& folder) {
  if (host.empty() || port.empty()) {
    return not_in_cluster("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod");
  }
  const bool is_ipv6 = is_ipv6_address(std::string(host));
  base::Result<ServerAddress> server = parse_server_url(
      "https://" + (is_ipv6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::string(port));
  if (!server) return base::Failure(std::move(server.error()));
  // The cluster's own DNS name is in the API server's certificate, too.
  server->other_host = "kubernetes.default.svc";

  ClusterAccess access;
  access.server = std::move(*server);
  access.authority.path = folder + "/ca.crt";
  access.token.path = folder + "/token";
  for (const std::string& path : {access.authority.path, access.token.path}) {
    if (!read_text_file(path)) {
      return not_in_cluster(path + " is not there; does the pod have automountServiceAccountToken: false?");
    }
  }
  if (const auto text = read_text_file(folder + "/namespace"); text && !trimmed(*text).empty()) {
    access.namespace_ = trimmed(*text);
  }
  return access;
}

}  // namespace kube
