#include "operator/http_server.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "operator/http_server.connection.hpp"
#include "operator/http_server.tls.hpp"

namespace shell {

using boost::asio::ip::tcp;
using boost::system::error_code;

base::Result<BindAddress> parse_bind_address(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return base::fail(base::ErrorCode::invalid, fmt::format("read the address \"{}\"", text),
                      fmt::format("{}; write \":8080\", \"127.0.0.1:8080\" or \"[::1]:8080\", or \"0\" for none", why));
  };
  if (text == "0") return BindAddress{.enabled = false};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("there is no port");
  BindAddress address;
  const auto digits = text.substr(colon + 1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (problem != std::errc{} || end != digits.data() + digits.size())
    return bad("the port is not a number up to 65535");
  auto host = text.substr(0, colon);
  if (host.empty()) return address;
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto parsed = boost::asio::ip::make_address(host, error);
  if (error) return bad("the host is not an IP address");
  if (parsed.is_v6() != bracketed) return bad("an IPv6 address, and only that, stands in brackets");
  address.host = host;
  return address;
}

std::string to_string(const BindAddress& address) {
  if (!address.enabled) return "0";
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

bool HttpQuestion::has(std::string_view parameter) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    if (pair.substr(0, pair.find('=')) == parameter) return true;
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return false;
}

namespace {

/// Every address of both families where the kernel has IPv6, else of IPv4.
error_code open(tcp::acceptor& acceptor, const BindAddress& address) {
  error_code error;
  tcp::endpoint endpoint(tcp::v6(), address.port);
  if (!address.host.empty()) endpoint = {boost::asio::ip::make_address(address.host, error), address.port};
  if (error) return error;
  acceptor.open(endpoint.protocol(), error);
  if (error && address.host.empty()) {
    endpoint = {tcp::v4(), address.port};
    acceptor.open(endpoint.protocol(), error);
  }
  if (error) return error;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (address.host.empty() && endpoint.address().is_v6()) {
    acceptor.set_option(boost::asio::ip::v6_only(false), error);
  }
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(64, error);
  return error;
}

}  // namespace

class HttpListener : public std::enable_shared_from_this<HttpListener> {
 public:
  HttpListener(boost::asio::io_context& loop, HttpHandler handler, const HttpOptions& options,
               std::optional<TlsSource> tls)
      : loop_(loop), acceptor_(loop), pause_(loop), tls_(std::move(tls)) {
    host_.handler = std::move(handler);
    host_.limits = options.limits;
    host_.ended = [this](std::uint64_t id) { on_ended(id); };
  }

  error_code start(const BindAddress& address) {
    if (const auto error = open(acceptor_, address)) return error;
    accept();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const {
    error_code error;
    return acceptor_.local_endpoint(error).port();
  }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

  void close(std::function<void()> closed) {
    stop_accepting();
    if (closed) closed_.push_back(std::move(closed));
    for (const auto& connection : all()) connection->finish();
    tell_closed();
  }

  void abort() {
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

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (self->closing_) return;
      if (error) return self->accept_later();
      self->admit(std::move(socket));
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
    error_code error;
    socket.set_option(tcp::no_delay(true), error);
    const auto remote = socket.remote_endpoint(error);
    if (error) return;  // it has left already
    const auto id = ++last_id_;
    auto peer = remote.address().to_string();
    Connection connection;
    if (tls_) {
      const auto context = tls_->current();
      connection =
          std::make_shared<HttpConnectionOn<TlsStream>>(host_, id, std::move(peer), std::move(socket), *context);
    } else {
      connection = std::make_shared<HttpConnectionOn<PlainStream>>(host_, id, std::move(peer), std::move(socket));
    }
    connections_.emplace(id, connection);
    connection->start();
  }

  /// A slow client must not keep a probe out, so the one that has waited longest gives way.
  bool make_room() {
    if (connections_.size() < host_.limits.connections) return true;
    Connection longest;
    for (const auto& [id, connection] : connections_) {
      const auto since = connection->idle_since();
      if (since && (!longest || *since < *longest->idle_since())) longest = connection;
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
    if (!closing_ || !connections_.empty()) return;
    for (auto& closed : std::exchange(closed_, {})) boost::asio::post(loop_, std::move(closed));
  }

  boost::asio::io_context& loop_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::optional<TlsSource> tls_;
  HttpHost host_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t last_id_{0};
  std::vector<std::function<void()>> closed_;
  bool closing_{false};
};

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(boost::asio::io_context& loop, const BindAddress& address,
                                                             HttpHandler handler, HttpOptions options) {
  const auto act = fmt::format("listen on {}", to_string(address));
  if (!address.enabled) return base::fail(base::ErrorCode::invalid, act, "the address is disabled");
  std::optional<TlsSource> tls;
  if (options.tls || options.self_signed) {
    auto loaded = options.tls ? TlsSource::load(*options.tls) : TlsSource::self_signed();
    if (!loaded) return tl::unexpected(loaded.error());
    tls = std::move(*loaded);
  }
  auto listener = std::make_shared<HttpListener>(loop, std::move(handler), options, std::move(tls));
  if (const auto error = listener->start(address)) {
    return base::fail(base::ErrorCode::invalid, act, error.message());
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

HttpServer::HttpServer(std::shared_ptr<HttpListener> listener) : listener_(std::move(listener)) {}
HttpServer::~HttpServer() { listener_->abort(); }

std::uint16_t HttpServer::port() const { return listener_->port(); }
std::size_t HttpServer::connections() const { return listener_->connections(); }
void HttpServer::close(std::function<void()> closed) { listener_->close(std::move(closed)); }

}  // namespace shell
