#include "http_server.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <utility>
#include <vector>

#include "http_connection.hpp"

namespace todo {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Every address of both families where the kernel has IPv6, else of IPv4.
error_code open(tcp::acceptor& acceptor, const std::string& host, std::uint16_t port) {
  error_code error;
  tcp::endpoint endpoint(tcp::v6(), port);
  if (!host.empty()) endpoint = {boost::asio::ip::make_address(host, error), port};
  if (error) return error;
  acceptor.open(endpoint.protocol(), error);
  if (error && host.empty()) {
    endpoint = {tcp::v4(), port};
    acceptor.open(endpoint.protocol(), error);
  }
  if (error) return error;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (host.empty() && endpoint.protocol() == tcp::v6()) {
    acceptor.set_option(boost::asio::ip::v6_only(false), error);
  }
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  return error;
}

}  // namespace

class HttpListener : public std::enable_shared_from_this<HttpListener> {
 public:
  HttpListener(boost::asio::io_context& loop, HttpHandler handler, HttpObserver observer, HttpLimits limits)
      : loop_(loop), acceptor_(loop), pause_(loop) {
    host_.handler = std::move(handler);
    host_.observer = std::move(observer);
    host_.limits = limits;
    host_.ended = [this](std::uint64_t id) { on_ended(id); };
  }

  error_code start(const std::string& host, std::uint16_t port) {
    if (const auto error = open(acceptor_, host, port)) return error;
    accept();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const {
    error_code error;
    return acceptor_.local_endpoint(error).port();
  }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  [[nodiscard]] std::size_t in_flight() const { return host_.in_flight; }

  void dismiss() { host_.dismissing = true; }

  void close(std::function<void()> closed) {
    dismiss();
    closed_ = std::move(closed);
    take_waiting();
    stop_accepting();
    for (const auto& connection : all()) connection->finish();
    tell_closed();
  }

  void abort() {
    closed_ = nullptr;
    stop_accepting();
    for (const auto& connection : all()) connection->abort();
  }

 private:
  using Connection = std::shared_ptr<HttpConnection>;

  void stop_accepting() {
    error_code ignored;
    closing_ = true;
    pause_.cancel();
    acceptor_.close(ignored);
  }

  /// Those whom the kernel has let in already would be reset: their clients have perhaps sent their question.
  void take_waiting() {
    error_code error;
    acceptor_.non_blocking(true, error);
    while (!error) {
      tcp::socket socket(loop_);
      acceptor_.accept(socket, error);
      if (!error) admit(std::move(socket));
    }
  }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (!error) self->admit(std::move(socket));
      if (self->closing_) return;
      if (error) return self->accept_later();
      self->accept();
    });
  }

  /// Out of file descriptors, most likely: at once again would be a hot loop.
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds{100});
    pause_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && !self->closing_) self->accept();
    });
  }

  void admit(tcp::socket socket) {
    if (!make_room()) return;
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto id = ++last_id_;
    const auto connection = std::make_shared<HttpConnection>(host_, id, std::move(socket));
    connections_.emplace(id, connection);
    connection->start();
    if (closing_) connection->finish();
  }

  bool make_room() {
    if (connections_.size() < host_.limits.connections) return true;
    Connection longest;
    for (const auto& [id, connection] : connections_) {
      const auto since = connection->waiting_since();
      if (since && (!longest || *since < *longest->waiting_since())) longest = connection;
    }
    if (!longest) return false;
    longest->abort();
    return true;
  }

  /// A copy: ending one takes it out of the map.
  [[nodiscard]] std::vector<Connection> all() const {
    std::vector<Connection> list;
    for (const auto& [id, connection] : connections_) list.push_back(connection);
    return list;
  }

  void on_ended(std::uint64_t id) {
    connections_.erase(id);
    tell_closed();
  }

  void tell_closed() {
    if (!closing_ || !connections_.empty() || !closed_) return;
    boost::asio::post(loop_, std::exchange(closed_, nullptr));
  }

  boost::asio::io_context& loop_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  HttpHost host_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t last_id_{0};
  std::function<void()> closed_;
  bool closing_{false};
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(boost::asio::io_context& loop, const std::string& host,
                                                       std::uint16_t port, HttpHandler handler, HttpObserver observer,
                                                       HttpLimits limits) {
  auto listener = std::make_shared<HttpListener>(loop, std::move(handler), std::move(observer), limits);
  if (const auto error = listener->start(host, port)) {
    return fail(Trouble::invalid,
                fmt::format("listen on {} port {}: {}", host.empty() ? "every address," : host, port, error.message()));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

HttpServer::HttpServer(std::shared_ptr<HttpListener> listener) : listener_(std::move(listener)) {}
HttpServer::~HttpServer() { listener_->abort(); }

std::uint16_t HttpServer::port() const { return listener_->port(); }
std::size_t HttpServer::connections() const { return listener_->connections(); }
std::size_t HttpServer::in_flight() const { return listener_->in_flight(); }
void HttpServer::dismiss() { listener_->dismiss(); }
void HttpServer::close(std::function<void()> closed) { listener_->close(std::move(closed)); }

}  // namespace todo
