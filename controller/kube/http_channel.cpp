#include "kube/http_channel.hpp"

#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

namespace kube {
namespace {

/// 16 records are 256 KiB: a few milliseconds with all that happens to them.
constexpr int max_turns = 16;
/// More than any header line, and leaves room for a whole record behind it.
constexpr std::size_t max_unfinished = 32U << 10U;
/// A request's buffer is kept for the next one up to this size.
constexpr std::size_t kept_capacity = 4U << 10U;

}  // namespace

HttpChannel::HttpChannel(ChannelContext context, std::shared_ptr<Connection> connection, std::uint64_t tls_version)
    : context_(std::move(context)), connection_(std::move(connection)), tls_version_(tls_version) {}

HttpChannel::~HttpChannel() { close(); }

void HttpChannel::carry(std::shared_ptr<Exchange> exchange, std::string request) {
  exchange_ = std::move(exchange);
  out_ = std::move(request);
  written_ = 0;
  AnswerSink& sink = *this;
  parser_.emplace(sink);
  if (open_) return write();
  connection_->open([self = shared_from_this()](base::Result<void> result) { self->on_open(std::move(result)); });
}

void HttpChannel::on_open(base::Result<void> result) {
  if (!result) {
    if (const auto owner = context_.owner.lock(); owner && connection_->handshake_failed()) owner->on_tls_failure();
    return fail(std::move(result.error().detail));
  }
  open_ = true;
  // Armed before the first byte is out: a peer may refuse a long request before it has read all of it.
  await_readable();
  write();
}

void HttpChannel::write() {
  while (written_ < out_.size()) {
    const IoResult result = connection_->write(out_.data() + written_, out_.size() - written_);
    if (result.state == IoState::want_write) return await_writable();
    if (result.state == IoState::want_read) return await_readable();
    if (result.state != IoState::done) return fail("send the request: " + connection_->error());
    written_ += result.bytes;
  }
  if (out_.capacity() > kept_capacity || (exchange_ && exchange_->is_stream())) {
    out_ = std::string();
    written_ = 0;
  }
}

void HttpChannel::await_readable() {
  if (connection_->is_closed() || std::exchange(waits_to_read_, true)) return;
  connection_->wait(IoState::want_read, [self = shared_from_this()] {
    self->waits_to_read_ = false;
    if (self->written_ < self->out_.size()) self->write();
    self->read();
  });
}

void HttpChannel::await_writable() {
  if (connection_->is_closed() || std::exchange(waits_to_write_, true)) return;
  connection_->wait(IoState::want_write, [self = shared_from_this()] {
    self->waits_to_write_ = false;
    if (self->written_ < self->out_.size()) self->write();
    // The wait may have been a read's, which had to send something first.
    self->read();
  });
}

void HttpChannel::read() {
  for (int turn = 0; turn < max_turns; ++turn) {
    if (connection_->is_closed()) return;
    ReadBuffer& buffer = *context_.buffer;
    std::memcpy(buffer.data(), unfinished_.data(), unfinished_.size());
    const IoResult result = connection_->read(buffer.data() + unfinished_.size(), buffer.size() - unfinished_.size());
    switch (result.state) {
      case IoState::want_read:
        return await_readable();
      case IoState::want_write:
        return await_writable();
      case IoState::ended:
        return peer_ended();
      case IoState::failed:
        return exchange_ ? fail("read the answer: " + connection_->error()) : idle_ended();
      case IoState::done:
        break;
    }
    if (!exchange_) return idle_ended();  // nobody asked
    if (!feed(unfinished_.size() + result.bytes)) return;
    if (connection_->is_drained()) return await_readable();
  }
  boost::asio::post(context_.loop, [self = shared_from_this()] { self->read(); });
}

/// False when this exchange is done with, one way or another.
bool HttpChannel::feed(std::size_t size) {
  // What is called back may cancel the exchange or destroy the wire.
  const std::shared_ptr<Exchange> exchange = exchange_;
  const std::shared_ptr<ReadBuffer> buffer = context_.buffer;
  const std::string_view bytes(buffer->data(), size);
  const std::size_t used = parser_->put(bytes);
  if (exchange->over || connection_->is_closed()) {
    close();
    return false;
  }
  switch (parser_->state()) {
    case AnswerParser::State::stopped:
      close();
      return false;
    case AnswerParser::State::broken:
      fail("read the answer: " + parser_->error());
      return false;
    case AnswerParser::State::more:
      unfinished_.assign(bytes.substr(used));
      if (unfinished_.size() > max_unfinished) {
        fail("read the answer: a line of it is too long");
        return false;
      }
      return true;
    case AnswerParser::State::done:
      break;
  }
  // Bytes behind an answer belong to none of ours.
  if (used < size) connection_->close();
  finish();
  return false;
}

void HttpChannel::finish() {
  const std::shared_ptr<HttpChannel> self = shared_from_this();
  const std::shared_ptr<Exchange> exchange = std::exchange(exchange_, nullptr);
  const bool reusable = parser_->keep_alive() && written_ == out_.size() && !connection_->is_closed() &&
                        (!connection_->has_unread() || is_fresh());
  parser_.reset();
  unfinished_ = std::string();
  out_.clear();
  written_ = 0;
  const std::shared_ptr<ChannelOwner> owner = context_.owner.lock();
  if (reusable && owner) {
    await_readable();
    owner->on_idle(self);
  } else {
    close();
  }
  if (!exchange->over) context_.listener.on_end(*exchange, {});
}

void HttpChannel::peer_ended() {
  if (!exchange_) return idle_ended();
  parser_->put_end();
  if (parser_->state() != AnswerParser::State::done) {
    return fail("the server ended the connection before its answer was complete");
  }
  connection_->close();
  finish();
}

void HttpChannel::idle_ended() {
  close();
  if (const auto owner = context_.owner.lock()) owner->on_lost(*this);
}

bool HttpChannel::is_fresh() {
  if (connection_->is_closed()) return false;
  // Reads what may have come in silence: session tickets are taken in, anything else makes it unfit.
  char byte = 0;
  return connection_->read(&byte, 1).state == IoState::want_read;
}

void HttpChannel::on_answer_head(ResponseHead head, std::optional<std::uint64_t> length) {
  context_.listener.on_head(*exchange_, std::move(head), length);
}

void HttpChannel::on_answer_data(std::string_view piece) { context_.listener.on_data(*exchange_, piece); }

bool HttpChannel::keep_on() const { return exchange_ && !exchange_->over; }

void HttpChannel::fail(std::string detail) {
  const std::shared_ptr<HttpChannel> self = shared_from_this();
  const std::shared_ptr<Exchange> exchange = std::exchange(exchange_, nullptr);
  if (const auto owner = context_.owner.lock(); owner && connection_->tls_failed()) owner->on_tls_failure();
  close();
  if (!exchange || exchange->over) return;
  boost::asio::post(context_.loop, [exchange, &listener = context_.listener, detail = std::move(detail)] {
    if (!exchange->over) listener.on_end(*exchange, base::fail(base::ErrorCode::retry, {}, detail));
  });
}

void HttpChannel::close() {
  exchange_.reset();
  connection_->close();
}

}  // namespace kube
