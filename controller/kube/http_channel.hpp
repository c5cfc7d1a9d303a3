// HTTP/1.1 on one connection: one exchange at a time, then idle until the next.
//
// Law of once: a request is written at most once; whatever goes wrong after its first byte is the caller's to judge.
// While idle the socket is watched: a peer that ends it, or sends what nobody asked for, is noticed at once, and
// `is_fresh` asks once more right before a reuse. Law of the loop: reading goes on for a bounded number of turns, then
// others are served. The bytes pass through one read buffer that all channels of a wire share; only an unfinished piece
// of a header or of a chunk's size line is kept here.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kube/connection.hpp"
#include "kube/http_parser.hpp"
#include "kube/wire.hpp"

namespace kube {

class HttpChannel;

/// Whom the channels of a wire belong to.
class ChannelOwner {
 public:
  ChannelOwner() = default;
  ChannelOwner(const ChannelOwner&) = delete;
  ChannelOwner& operator=(const ChannelOwner&) = delete;
  virtual ~ChannelOwner() = default;

  virtual void on_idle(std::shared_ptr<HttpChannel> channel) = 0;  ///< the next exchange may have it
  virtual void on_lost(const HttpChannel& channel) = 0;            ///< an idle one has ended
  virtual void on_tls_failure() = 0;
};

/// Room for one TLS record behind the longest header.
using ReadBuffer = std::array<char, 48U << 10U>;

struct ChannelContext {
  boost::asio::io_context& loop;
  WireListener& listener;  ///< alive as long as an exchange is not over
  std::weak_ptr<ChannelOwner> owner;
  std::shared_ptr<ReadBuffer> buffer;
  std::shared_ptr<void> life;  ///< lets the wire know when the last channel is gone
};

class HttpChannel final : public Carrier, private AnswerSink, public std::enable_shared_from_this<HttpChannel> {
 public:
  HttpChannel(ChannelContext context, std::shared_ptr<Connection> connection, std::uint64_t tls_version);
  ~HttpChannel() override;

  /// An empty string, perhaps with room in it from the last request.
  [[nodiscard]] std::string take_buffer() { return std::move(out_); }
  /// Sends the exchange's request, whose bytes are `request`, as soon as the connection is open.
  void carry(std::shared_ptr<Exchange> exchange, std::string request);
  void stop() override { close(); }
  void close();

  /// Whether an idle connection is still there and silent, as far as this end can know.
  [[nodiscard]] bool is_fresh();
  [[nodiscard]] std::uint64_t tls_version() const { return tls_version_; }

 private:
  void on_answer_head(ResponseHead head, std::optional<std::uint64_t> length) override;
  void on_answer_data(std::string_view piece) override;
  [[nodiscard]] bool keep_on() const override;

  void on_open(base::Result<void> result);
  void write();
  void await_readable();
  void await_writable();
  void read();
  bool feed(std::size_t size);
  void finish();
  void peer_ended();
  void idle_ended();
  void fail(std::string detail);

  ChannelContext context_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t tls_version_;
  std::shared_ptr<Exchange> exchange_;
  std::optional<AnswerParser> parser_;
  std::string out_;         ///< the request's bytes
  std::size_t written_{0};  ///< of them
  std::string unfinished_;  ///< read, but not yet a whole line
  bool open_{false};
  bool waits_to_read_{false};
  bool waits_to_write_{false};
};

}  // namespace kube
