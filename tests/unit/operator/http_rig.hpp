// A server on a loop with a thread of its own, and a blocking client on a real socket, plain or TLS. Law: no read waits
// longer than `patience`; whatever belongs to the loop is touched through `on_loop`.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "operator/http_server.hpp"

namespace shell::test {

inline constexpr std::chrono::seconds patience{10};

class ServerRig {
 public:
  explicit ServerRig(HttpHandler handler, HttpOptions options = {}) {
    auto listening = HttpServer::listen(loop_, {true, "127.0.0.1", 0}, std::move(handler), std::move(options));
    if (!listening) throw std::runtime_error(to_string(listening.error()));
    server_ = std::move(*listening);
    port_ = server_->port();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ServerRig(const ServerRig&) = delete;
  ServerRig& operator=(const ServerRig&) = delete;
  ~ServerRig() {
    drop();
    work_.reset();
    thread_.join();  // comes back only if nothing was left on the loop
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  template <class Function>
  auto on_loop(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    boost::asio::post(loop_, [&task] { task(); });
    return result.get();
  }

  void drop() {
    on_loop([this] { server_.reset(); });
  }
  std::size_t connections() {
    return on_loop([this] { return server_->connections(); });
  }
  /// Begins to close; the future is ready when the server says that it is.
  std::future<void> close() {
    auto closed = std::make_shared<std::promise<void>>();
    auto result = closed->get_future();
    on_loop([&] { server_->close([closed] { closed->set_value(); }); });
    return result;
  }

  template <class Condition>
  bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_{0};
  std::thread thread_;
};

struct Reply {
  int status{0};  ///< 0: the connection ended instead
  std::map<std::string, std::string> headers;
  std::string body;
};

class Client {
 public:
  explicit Client(std::uint16_t port, SSL_CTX* tls = nullptr) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{patience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (connected_ && tls != nullptr) {
      ssl_ = SSL_new(tls);
      SSL_set_fd(ssl_, fd_);
      connected_ = SSL_connect(ssl_) == 1;
    }
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        ssl_(std::exchange(other.ssl_, nullptr)),
        connected_(other.connected_),
        pending_(std::move(other.pending_)) {}
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] SSL* ssl() const { return ssl_; }

  bool send(const std::string& bytes) {
    if (ssl_ != nullptr) return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }

  Reply get(const std::string& target, const std::string& headers = "") {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return reply();
  }

  /// The next answer on this connection; `head` has no body whatever its length says.
  Reply reply(bool head = false) {
    Reply reply;
    std::size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return reply;
    }
    read_head(reply, pending_.substr(0, end + 2));
    pending_.erase(0, end + 4);
    const auto length = head ? 0 : std::stoul(reply.headers["content-length"]);
    while (pending_.size() < length) {
      if (!fill()) return {};
    }
    reply.body = pending_.substr(0, length);
    pending_.erase(0, length);
    return reply;
  }

  /// Whether the server ends the connection (within `patience`) without another byte.
  bool ended() { return pending_.empty() && !fill() && !timed_out_; }

  /// Whether something, be it the end, can be read within this time.
  bool readable(std::chrono::milliseconds time) {
    pollfd entry{fd_, POLLIN, 0};
    return poll(&entry, 1, static_cast<int>(time.count())) > 0;
  }

 private:
  bool fill() {
    char bytes[4096];
    errno = 0;
    const auto count = ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes) : recv(fd_, bytes, sizeof bytes, 0);
    timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (count <= 0) return false;
    pending_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  static void read_head(Reply& reply, const std::string& head) {
    auto begin = head.find("\r\n");
    reply.status = std::stoi(head.substr(head.find(' ') + 1));
    for (begin += 2; begin < head.size();) {
      const auto end = head.find("\r\n", begin);
      const auto colon = head.find(": ", begin);
      std::string name = head.substr(begin, colon - begin);
      for (auto& letter : name) letter = static_cast<char>(std::tolower(letter));
      reply.headers[name] = head.substr(colon + 2, end - colon - 2);
      begin = end + 2;
    }
  }

  int fd_;
  SSL* ssl_{nullptr};
  bool connected_{false};
  bool timed_out_{false};
  std::string pending_;
};

}  // namespace shell::test
