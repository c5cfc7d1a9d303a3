// Where an API server is and by what name it must prove itself. Law: plain http is spoken to this machine's own
// loopback only (`kubectl proxy`, tests): a token never leaves it unencrypted. User names in URLs are refused.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kube {

struct ServerAddress {
  bool tls{true};
  std::string host;          ///< a name, or an address without brackets
  std::string port;          ///< in digits
  std::string base_path{};   ///< before every target: "" or "/k8s/clusters/c-1", no slash at the end
  std::string tls_name{};    ///< what the certificate must be for; empty for `host`
  std::string other_host{};  ///< another name of the same server, for a client that cannot speak to an IPv6 address

  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

/// Errors: invalid.
[[nodiscard]] base::Result<ServerAddress> parse_server_url(std::string_view url);

/// "host:port", IPv6 addresses in brackets: for the Host header and for people.
[[nodiscard]] std::string authority(const ServerAddress& server);

[[nodiscard]] bool is_ip_address(const std::string& host);
[[nodiscard]] bool is_ipv6_address(const std::string& host);

}  // namespace kube
