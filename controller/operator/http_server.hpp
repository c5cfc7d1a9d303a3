// A small HTTP/1.1 server on the loop, for metrics and health; with TLS where it is asked for.
//
// Law of threads: everything here, the handler and `respond` included, runs on the loop; a wedged loop answers nobody,
// which is what a liveness probe is to see. Law of once: the first `respond` of a question counts, later ones are
// nothing. Law of room: a new connection is never kept out by one that merely waits (idle, in mid-header, closing): the
// one that has waited longest goes. Only where all are being answered is the new one closed at once. Limits: see
// HttpLimits; GET and HEAD without a body, all else is refused (405, 413) and the connection closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace shell {

/// Where to listen: ":8080" (every address, both families), "127.0.0.1:8080", "[::1]:8080", "localhost:0"; "0" is
/// nowhere.
struct BindAddress {
  bool enabled{true};
  std::string host{};  ///< an address without brackets; empty for every one
  std::uint16_t port{0};

  friend bool operator==(const BindAddress&, const BindAddress&) = default;
};

/// Error: invalid, with what would be right.
[[nodiscard]] base::Result<BindAddress> parse_bind_address(std::string_view text);
[[nodiscard]] std::string to_string(const BindAddress& address);

struct HttpQuestion {
  bool head{false};
  std::string path{};           ///< as sent, not decoded: "/livez"
  std::string query{};          ///< as sent: "verbose&exclude=loop"
  std::string authorization{};  ///< that header's value, for whoever will review tokens; never to be logged
  std::string peer{};           ///< the address it came from, without the port

  /// Whether the query names this parameter, with a value or without.
  [[nodiscard]] bool has(std::string_view parameter) const;
};

struct HttpAnswer {
  unsigned status{200};
  std::string content_type{"text/plain; charset=utf-8"};
  std::string body{};
};

using HttpRespond = std::function<void(HttpAnswer)>;
/// May respond before it returns or later; a question that nobody answers within the limit is answered with 504.
using HttpHandler = std::function<void(const HttpQuestion&, HttpRespond)>;

struct HttpLimits {
  std::size_t connections{16};
  std::uint32_t header_bytes{8 * 1024};
  std::chrono::milliseconds header{
      5'000};  ///< for the TLS handshake; then for a whole header; and for its first byte after connecting
  std::chrono::milliseconds idle{30'000};    ///< between an answer and the next question
  std::chrono::milliseconds answer{10'000};  ///< until the handler responds
  std::chrono::milliseconds write{10'000};   ///< until the client has taken the answer
  std::chrono::milliseconds linger{1'000};   ///< for a client to take the last answer in and close
};

/// PEM files, a chain of certificates and its key. Both are read again for each new connection, and used once they fit
/// each other; until then the last pair that did is served.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct HttpOptions {
  HttpLimits limits{};
  std::optional<TlsFiles> tls{};
  bool self_signed{false};  ///< without files: TLS with a certificate made at the start, which nobody can verify
};

class HttpListener;

class HttpServer {
 public:
  /// Listens at once. Error: invalid (the address, its port in use, the TLS files).
  [[nodiscard]] static base::Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& loop,
                                                                        const BindAddress& address, HttpHandler handler,
                                                                        HttpOptions options = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Drops every connection as it is; the handler runs no more.
  ~HttpServer();

  [[nodiscard]] std::uint16_t port() const;  ///< the real one where 0 was asked for
  [[nodiscard]] std::size_t connections() const;

  /// Accepts no more, lets questions that are being answered have their answer, drops the rest; then `closed` is
  /// posted.
  void close(std::function<void()> closed);

 private:
  explicit HttpServer(std::shared_ptr<HttpListener> listener);

  std::shared_ptr<HttpListener> listener_;
};

}  // namespace shell
