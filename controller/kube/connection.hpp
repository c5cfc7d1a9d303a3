// One connection to the API server: TCP with or without TLS, opened by callbacks, then read and written without
// blocking.
//
// Law: OpenSSL works straight on the socket (no memory BIOs, no copies, no buffers of Asio's): an idle connection costs
// a few KiB, a request a handful of system calls. Nothing is read or written unless its owner says so, which is the
// back-pressure. No handler runs after `close`. Limits: `open_timeout` for each address tried and for the handshake; a
// peer that acknowledges nothing for half a minute is given up by the kernel (keep-alive, TCP_USER_TIMEOUT).
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "kube/server_address.hpp"
#include "kube/socket_bio.hpp"

namespace kube {

enum class IoState : std::uint8_t { done, want_read, want_write, ended, failed };

struct IoResult {
  IoState state{IoState::failed};
  std::size_t bytes{0};
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using OpenHandler = std::function<void(base::Result<void>)>;

  /// `context` is null for plain http; it must be for TLS otherwise.
  Connection(boost::asio::io_context& loop, SSL_CTX* context, const ServerAddress& server,
             std::chrono::milliseconds open_timeout);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// The handler runs at most once, never from inside. Errors: retry.
  void open(OpenHandler handler);

  [[nodiscard]] IoResult read(char* into, std::size_t size);
  [[nodiscard]] IoResult write(const char* from, std::size_t size);

  /// Whether bytes were taken off the socket that `read` has not handed out yet: no wait will tell of those.
  [[nodiscard]] bool has_unread() const { return ssl_ != nullptr && SSL_has_pending(ssl_.get()) == 1; }

  /// Whether the last `read` took all that had come: then a wait will tell of more, and another read would find
  /// nothing.
  [[nodiscard]] bool is_drained() const { return source_.drained && !has_unread(); }

  /// Runs `handler` once when the socket may be read (`want_read`) or written (`want_write`).
  template <class Handler>
  void wait(IoState what, Handler handler);

  void close();
  [[nodiscard]] bool is_closed() const { return closed_; }
  [[nodiscard]] bool handshake_failed() const { return handshake_failed_; }
  /// A TLS alert or the like, rather than a cut: perhaps the server refuses our certificate.
  [[nodiscard]] bool tls_failed() const { return tls_failed_; }
  [[nodiscard]] const std::string& error() const { return error_; }  ///< what `failed` was about

 private:
  using Endpoint = boost::asio::ip::tcp::endpoint;

  void resolve();
  void connect_next(std::string last_error);
  void on_connect(const boost::system::error_code& error);
  void start_handshake();
  void handshake();
  void start_timer(const char* step);
  void opened(base::Result<void> result);
  void fail_open(std::string detail);
  IoResult after_tls(int result);
  IoResult after_socket(ssize_t result);
  [[nodiscard]] std::string handshake_error();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer timer_;
  const ServerAddress& server_;
  std::chrono::milliseconds open_timeout_;
  SocketSource source_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  std::vector<Endpoint> endpoints_;  ///< still to be tried, the next one last
  OpenHandler handler_;
  std::string error_;
  bool handshaken_{false};
  bool handshake_failed_{false};
  bool tls_failed_{false};
  bool closed_{false};
};

template <class Handler>
void Connection::wait(IoState what, Handler handler) {
  const auto kind =
      what == IoState::want_write ? boost::asio::ip::tcp::socket::wait_write : boost::asio::ip::tcp::socket::wait_read;
  socket_.async_wait(
      kind, [self = shared_from_this(), handler = std::move(handler)](const boost::system::error_code& error) mutable {
        // An error of the wait itself can only be our own close; what befell the socket shows at the next read or
        // write.
        if (!error && !self->closed_) handler();
      });
}

}  // namespace kube
