#include "kube/asio_transport.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "kube/dispatcher.hpp"
#include "kube/http_channel.hpp"
#include "kube/tls_context.hpp"

namespace kube {
namespace {

using Clock = std::chrono::steady_clock;

/// Held by every channel; when the last one lets go, and a `closed` is there by then, it is called.
class Life {
 public:
  explicit Life(boost::asio::io_context& loop) : loop_(loop) {}
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life() {
    if (closed) boost::asio::post(loop_, std::move(closed));
  }

  std::function<void()> closed;

 private:
  boost::asio::io_context& loop_;
};

struct IdleChannel {
  std::shared_ptr<HttpChannel> channel;
  Clock::time_point since;
};

class AsioWire final : public Wire, public ChannelOwner, public std::enable_shared_from_this<AsioWire> {
 public:
  AsioWire(boost::asio::io_context& loop, WireListener& listener, std::shared_ptr<Credentials> credentials,
           TransportLimits limits)
      : loop_(loop),
        listener_(listener),
        credentials_(std::move(credentials)),
        limits_(std::move(limits)),
        host_(authority(credentials_->server())),
        buffer_(std::make_shared<ReadBuffer>()),
        life_(std::make_shared<Life>(loop)),
        trim_timer_(loop) {}
  ~AsioWire() override { close_idle(); }

  std::shared_ptr<Carrier> start(std::shared_ptr<Exchange> exchange) override;
  void close(std::function<void()> closed) override;

  void on_idle(std::shared_ptr<HttpChannel> channel) override;
  void on_lost(const HttpChannel& channel) override;
  void on_tls_failure() override { credentials_->tls_failed(); }

 private:
  base::Result<void> renew_context();
  std::shared_ptr<HttpChannel> take_idle();
  std::shared_ptr<HttpChannel> make_channel();
  void append_request(std::string& out, const Exchange& exchange) const;
  void report(const std::shared_ptr<Exchange>& exchange, base::Error error);
  void close_idle();
  void schedule_trim();
  void trim();

  boost::asio::io_context& loop_;
  WireListener& listener_;
  std::shared_ptr<Credentials> credentials_;
  TransportLimits limits_;
  std::string host_;
  std::shared_ptr<ReadBuffer> buffer_;
  std::shared_ptr<Life> life_;
  SslContext context_;
  std::uint64_t context_version_{0};
  std::vector<IdleChannel> idle_;  ///< the longest idle first
  boost::asio::steady_timer trim_timer_;
  bool trim_scheduled_{false};
};

std::shared_ptr<Carrier> AsioWire::start(std::shared_ptr<Exchange> exchange) {
  if (base::Result<void> result = renew_context(); !result) {
    report(exchange, std::move(result.error()));
    return nullptr;
  }
  std::shared_ptr<HttpChannel> channel = take_idle();
  if (!channel) channel = make_channel();
  std::string request = channel->take_buffer();
  append_request(request, *exchange);
  channel->carry(std::move(exchange), std::move(request));
  return channel;
}

/// A context of the newest certificates. Where those cannot be used, perhaps half written, the old one serves on.
base::Result<void> AsioWire::renew_context() {
  if (!credentials_->server().tls || context_version_ == credentials_->tls_version()) return {};
  base::Result<SslContext> made = make_client_context(credentials_->tls());
  if (!made) {
    credentials_->tls_failed();  // so that the files are read again before the next request
    if (context_ != nullptr) return {};
    return base::Failure(std::move(made.error()));
  }
  context_ = std::move(*made);
  context_version_ = credentials_->tls_version();
  close_idle();
  return {};
}

std::shared_ptr<HttpChannel> AsioWire::take_idle() {
  while (!idle_.empty()) {
    const std::shared_ptr<HttpChannel> channel = std::move(idle_.back().channel);
    idle_.pop_back();
    if (channel->is_fresh()) return channel;
    channel->close();
  }
  return nullptr;
}

std::shared_ptr<HttpChannel> AsioWire::make_channel() {
  ChannelContext context{loop_, listener_, weak_from_this(), buffer_, life_};
  auto connection = std::make_shared<Connection>(loop_, context_.get(), credentials_->server(), limits_.open_timeout);
  return std::make_shared<HttpChannel>(std::move(context), std::move(connection), context_version_);
}

void AsioWire::append_request(std::string& out, const Exchange& exchange) const {
  const Request& request = exchange.request;
  out.reserve(512 + request.target.size() + exchange.authorization.size() + request.body.size());
  out.append(to_string(request.method)).append(" ").append(credentials_->server().base_path).append(request.target);
  out.append(" HTTP/1.1\r\nHost: ").append(host_);
  out.append("\r\nUser-Agent: ").append(limits_.user_agent);
  out.append("\r\nAccept: ").append(request.accept);
  if (!exchange.authorization.empty()) out.append("\r\nAuthorization: ").append(exchange.authorization);
  if (!request.content_type.empty()) out.append("\r\nContent-Type: ").append(request.content_type);
  if (!request.body.empty() || request.method == Method::post || request.method == Method::put) {
    out.append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
  }
  out.append("\r\n\r\n").append(request.body);
}

void AsioWire::report(const std::shared_ptr<Exchange>& exchange, base::Error error) {
  boost::asio::post(loop_, [exchange, &listener = listener_, error = std::move(error)]() mutable {
    if (!exchange->over) listener.on_end(*exchange, base::Failure(std::move(error)));
  });
}

void AsioWire::on_idle(std::shared_ptr<HttpChannel> channel) {
  if (channel->tls_version() != context_version_ || life_ == nullptr) return channel->close();
  idle_.push_back({std::move(channel), Clock::now()});
  schedule_trim();
}

void AsioWire::on_lost(const HttpChannel& channel) {
  std::erase_if(idle_, [&](const IdleChannel& one) { return one.channel.get() == &channel; });
}

void AsioWire::schedule_trim() {
  if (std::exchange(trim_scheduled_, true)) return;
  trim_timer_.expires_at(idle_.front().since + limits_.keep_idle);
  trim_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (self && !cancelled) self->trim();
  });
}

void AsioWire::trim() {
  trim_scheduled_ = false;
  const auto now = Clock::now();
  while (!idle_.empty() && idle_.front().since + limits_.keep_idle <= now) {
    idle_.front().channel->close();
    idle_.erase(idle_.begin());
  }
  if (!idle_.empty()) schedule_trim();
}

void AsioWire::close_idle() {
  for (const IdleChannel& one : std::exchange(idle_, {})) one.channel->close();
}

void AsioWire::close(std::function<void()> closed) {
  close_idle();
  trim_timer_.cancel();
  life_->closed = std::move(closed);
  life_.reset();
}

}  // namespace

std::unique_ptr<Transport> make_asio_transport(boost::asio::io_context& loop, std::shared_ptr<Credentials> credentials,
                                               TransportLimits limits) {
  return std::make_unique<Dispatcher>(loop, credentials, limits, [&](WireListener& listener) {
    return std::make_shared<AsioWire>(loop, listener, credentials, limits);
  });
}

}  // namespace kube
