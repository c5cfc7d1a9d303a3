#include "kube/connection.hpp"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <limits>

#include "kube/tls_context.hpp"

namespace kube {
namespace {

using base::ErrorCode;
using boost::asio::ip::tcp;

constexpr int keep_alive_idle_s = 20;
constexpr int keep_alive_interval_s = 5;
constexpr int keep_alive_probes = 3;
constexpr int user_timeout_ms = 30'000;

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

/// Small writes go out at once, and a peer that vanished without a word is found out by the kernel.
void set_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keep_alive_idle_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keep_alive_interval_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keep_alive_probes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
}

int bounded_size(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

}  // namespace

Connection::Connection(boost::asio::io_context& loop, SSL_CTX* context, const ServerAddress& server,
                       std::chrono::milliseconds open_timeout)
    : socket_(loop),
      resolver_(loop),
      timer_(loop),
      server_(server),
      open_timeout_(open_timeout),
      ssl_(context == nullptr ? nullptr : SSL_new(context), SSL_free) {}

Connection::~Connection() { close(); }

void Connection::open(OpenHandler handler) {
  handler_ = std::move(handler);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(server_.host, error);
  if (error) return resolve();
  // An address needs no resolver, and so no thread of Asio's that would resolve it.
  endpoints_.emplace_back(address, static_cast<std::uint16_t>(std::stoi(server_.port)));
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] { self->connect_next({}); });
}

void Connection::resolve() {
  resolver_.async_resolve(
      server_.host, server_.port, tcp::resolver::numeric_service,
      [self = shared_from_this()](const boost::system::error_code& error, const tcp::resolver::results_type& results) {
        if (self->closed_) return;
        if (error) return self->fail_open("find its address: " + error.message());
        for (const auto& one : results) self->endpoints_.push_back(one.endpoint());
        std::ranges::reverse(self->endpoints_);
        self->connect_next({});
      });
}

void Connection::connect_next(std::string last_error) {
  if (closed_) return;
  if (endpoints_.empty()) return fail_open(last_error.empty() ? "it has no address" : std::move(last_error));
  const Endpoint endpoint = endpoints_.back();
  endpoints_.pop_back();
  boost::system::error_code ignored;
  socket_.close(ignored);
  start_timer("the connection");
  socket_.async_connect(endpoint, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!self->closed_) self->on_connect(error);
  });
}

void Connection::on_connect(const boost::system::error_code& error) {
  timer_.cancel();
  if (error) {
    // A timer that ran out cancelled this attempt, and left word of it.
    return connect_next(error == boost::asio::error::operation_aborted && !error_.empty() ? error_ : error.message());
  }
  boost::system::error_code failed;
  socket_.native_non_blocking(true, failed);
  if (failed) return fail_open(failed.message());
  set_options(socket_.native_handle());
  if (!server_.tls) return opened({});
  start_handshake();
}

void Connection::start_handshake() {
  source_.fd = socket_.native_handle();
  BIO* bio = ssl_ == nullptr ? nullptr : make_socket_bio(source_);
  if (bio == nullptr) return fail_open("out of memory for TLS");
  SSL_set_bio(ssl_.get(), bio, bio);
  if (!expect_name(ssl_.get(), server_.tls_name.empty() ? server_.host : server_.tls_name)) {
    return fail_open("TLS: " + take_tls_error());
  }
  start_timer("the TLS handshake");
  handshake();
}

void Connection::handshake() {
  errno = 0;
  ERR_clear_error();
  const IoResult result = after_tls(SSL_connect(ssl_.get()));
  switch (result.state) {
    case IoState::want_read:
    case IoState::want_write:
      return wait(result.state, [this] { handshake(); });
    case IoState::done:
      timer_.cancel();
      handshaken_ = true;
      return opened({});
    case IoState::ended:
    case IoState::failed:
      break;
  }
  handshake_failed_ = true;
  fail_open(handshake_error());
}

std::string Connection::handshake_error() {
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK) {
    return std::string("the server's certificate is refused: ") + X509_verify_cert_error_string(verified);
  }
  return "TLS handshake: " + (error_.empty() ? std::string("the server ended it") : error_);
}

void Connection::start_timer(const char* step) {
  error_.clear();
  timer_.expires_after(open_timeout_);
  timer_.async_wait([self = shared_from_this(), step](const boost::system::error_code& cancelled) {
    if (cancelled || self->closed_ || !self->handler_) return;
    self->error_ = std::string(step) + " took too long";
    boost::system::error_code ignored;
    // Before the handshake the next address may do better: the cancelled attempt goes on to it.
    if (self->ssl_ == nullptr || SSL_get_rbio(self->ssl_.get()) == nullptr) {
      self->socket_.close(ignored);
    } else {
      self->fail_open(self->error_);
    }
  });
}

void Connection::fail_open(std::string detail) {
  opened(base::fail(ErrorCode::retry, {}, "connect to " + authority(server_) + ": " + std::move(detail)));
}

void Connection::opened(base::Result<void> result) {
  timer_.cancel();
  endpoints_ = {};
  const OpenHandler handler = std::exchange(handler_, nullptr);
  if (!result) close();
  if (handler) handler(std::move(result));
}

IoResult Connection::after_tls(int result) {
  if (result > 0) return {IoState::done, static_cast<std::size_t>(result)};
  const int cause = SSL_get_error(ssl_.get(), result);
  switch (cause) {
    case SSL_ERROR_WANT_READ:
      return {IoState::want_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {IoState::want_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {IoState::ended, 0};
    case SSL_ERROR_SYSCALL:
      error_ = result == 0 || errno == 0 ? "the server ended the connection" : std::strerror(errno);
      break;
    default:
      tls_failed_ = true;
      error_ = take_tls_error();
      break;
  }
  // OpenSSL wants no more calls on this one, not even a farewell.
  SSL_set_quiet_shutdown(ssl_.get(), 1);
  return {IoState::failed, 0};
}

IoResult Connection::after_socket(ssize_t result) {
  if (result > 0) return {IoState::done, static_cast<std::size_t>(result)};
  if (result == 0) return {IoState::ended, 0};
  error_ = std::strerror(errno);
  return {IoState::failed, 0};
}

IoResult Connection::read(char* into, std::size_t size) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    return after_tls(SSL_read(ssl_.get(), into, bounded_size(size)));
  }
  const ssize_t got = ::recv(socket_.native_handle(), into, size, 0);
  source_.drained = got < static_cast<ssize_t>(size);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {IoState::want_read, 0};
  return after_socket(got);
}

IoResult Connection::write(const char* from, std::size_t size) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    return after_tls(SSL_write(ssl_.get(), from, bounded_size(size)));
  }
  const ssize_t sent = ::send(socket_.native_handle(), from, size, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return {IoState::want_write, 0};
  return after_socket(sent);
}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  // Whoever waits for the opening holds a share of us through this; it goes last, and we perhaps with it.
  const OpenHandler dropped = std::exchange(handler_, nullptr);
  if (handshaken_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // says goodbye if the socket takes it at once; nobody waits for the answer
  }
  resolver_.cancel();
  timer_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace kube
