#include "kube/server_address.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <utility>

namespace kube {
namespace {

base::Failure refuse(std::string_view url, std::string why) {
  // What stands before an @ is a password more often than not.
  const std::string shown(url.find('@') == std::string_view::npos ? url : "(hidden)");
  return base::fail(base::ErrorCode::invalid, "read the server's URL \"" + shown + "\"", std::move(why));
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + (c - '0');
  }
  return port > 0 && port <= 65535;
}

bool is_host(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

/// Splits "host", "host:port", "[::1]" and "[::1]:port"; false where it is none of them.
bool split_authority(std::string_view text, ServerAddress& server) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    server.host = text.substr(1, end - 1);
    if (!is_ipv6_address(server.host)) return false;
    text.remove_prefix(end + 1);
    if (text.empty()) return true;
    if (!text.starts_with(':')) return false;
    port = text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    server.host = text.substr(0, colon);
    if (!is_host(server.host)) return false;
    if (colon == std::string_view::npos) return true;
    port = text.substr(colon + 1);
  }
  server.port = port;
  return is_port(port);
}

}  // namespace

bool is_ip_address(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

bool is_ipv6_address(const std::string& host) {
  boost::system::error_code error;
  return boost::asio::ip::make_address(host, error).is_v6() && !error;
}

std::string authority(const ServerAddress& server) {
  return (is_ipv6_address(server.host) ? "[" + server.host + "]" : server.host) + ":" + server.port;
}

base::Result<ServerAddress> parse_server_url(std::string_view url) {
  ServerAddress server;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    server.tls = false;
  } else {
    return refuse(url, "it must begin with https://");
  }
  if (rest.find('@') != std::string_view::npos) return refuse(url, "a user name in it is not supported; use a token");
  if (rest.find_first_of("?# \t\r\n") != std::string_view::npos) {
    return refuse(url, "it must not hold a query, a fragment or blanks");
  }

  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) server.base_path = rest.substr(slash);
  while (server.base_path.ends_with('/')) server.base_path.pop_back();
  if (!split_authority(rest.substr(0, slash), server)) {
    return refuse(url, "its host or port is not valid; IPv6 addresses stand in brackets");
  }
  if (server.port.empty()) server.port = server.tls ? "443" : "80";
  if (!server.tls && !is_loopback(server.host)) {
    return refuse(url, "plain http is spoken to the loopback only; use https://");
  }
  return server;
}

}  // namespace kube
