// An HTTP/1.1 server on the loop.
//
// Law of threads: all of it, the handler and `respond` included, runs on the loop. Law of time: every wait has a
// deadline; only the handler's own is the handler's. Law of room: a new connection is never kept out by one that merely
// waits; the one that has waited longest goes. Where all are being served the new one is closed at once. Law of the
// end: what was asked is answered; see `close`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http.hpp"
#include "result.hpp"

namespace boost::asio {
class io_context;
}

namespace todo {

struct HttpLimits {
  std::size_t connections{512};
  std::uint32_t header_bytes{16 * 1024};
  std::uint32_t body_bytes{64 * 1024};
  std::chrono::milliseconds header{10'000};  ///< for a whole header; and for its first byte after connecting
  std::chrono::milliseconds body{20'000};    ///< for a whole body
  std::chrono::milliseconds idle{75'000};    ///< between an answer and the next question
  std::chrono::milliseconds write{20'000};   ///< until the client has taken the answer
  std::chrono::milliseconds linger{1'000};   ///< for a client to take the last answer in and close
};

using HttpObserver = std::function<void(const HttpExchange&)>;

class HttpListener;

class HttpServer {
 public:
  /// Listens at once: on an address, or on every one where it is empty. Error: invalid.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& loop,
                                                                  const std::string& host, std::uint16_t port,
                                                                  HttpHandler handler, HttpObserver observer,
                                                                  HttpLimits limits = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Drops every connection as it is.
  ~HttpServer();

  [[nodiscard]] std::uint16_t port() const;  ///< the real one where 0 was asked for
  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::size_t in_flight() const;

  /// From now on each answer is the last one of its connection, and says so; new connections are still taken.
  void dismiss();

  /// Takes no more connections; those that ask something, or have just come, have their answer, the idle ones end. Then
  /// `closed` is called.
  void close(std::function<void()> closed);

 private:
  explicit HttpServer(std::shared_ptr<HttpListener> listener);

  std::shared_ptr<HttpListener> listener_;
};

}  // namespace todo
