// One connection of the HTTP server, plain or TLS: reads a question, has it answered, writes the answer, and again.
//
// Law: every wait has a deadline, and each step looks first whether the connection has ended meanwhile. The listener's
// map and the pending operation keep a connection alive; `respond` does not, so a handler may hold it for as long as it
// likes.
//
//   Waiting (handshake, idle, header) -> Answering -> Writing -> Waiting | Closing -> Ended
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "operator/http_server.hpp"

namespace shell {

class HttpConnection {
 public:
  enum class State : std::uint8_t { waiting, answering, writing, closing, ended };

  virtual ~HttpConnection() = default;
  virtual void start() = 0;
  /// Ends it at once, whatever it does.
  virtual void abort() = 0;
  /// Ends it as soon as the question in hand, if any, has its answer.
  virtual void finish() = 0;

  /// Since when (in turns of the listener) it holds a place without being served; nothing while it is served.
  [[nodiscard]] std::optional<std::uint64_t> idle_since() const {
    if (state_ == State::answering || state_ == State::writing) return std::nullopt;
    return since_;
  }

 protected:
  State state_{State::waiting};
  std::uint64_t since_{0};
};

/// What a connection needs of its listener; it outlives every connection that has not ended.
struct HttpHost {
  HttpHandler handler;
  HttpLimits limits;
  std::uint64_t turn{0};  ///< counts waits: an order of their beginnings without a clock
  std::function<void(std::uint64_t)> ended;
};

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::asio::ssl::stream<boost::beast::tcp_stream>;

template <class Stream>
class HttpConnectionOn final : public HttpConnection, public std::enable_shared_from_this<HttpConnectionOn<Stream>> {
  static constexpr bool tls = std::is_same_v<Stream, TlsStream>;
  using ErrorCode = boost::beast::error_code;

 public:
  template <class... Arguments>
  HttpConnectionOn(HttpHost& host, std::uint64_t id, std::string peer, Arguments&&... stream)
      : host_(host),
        id_(id),
        peer_(std::move(peer)),
        stream_(std::forward<Arguments>(stream)...),
        timer_(stream_.get_executor()),
        buffer_(host.limits.header_bytes) {}

  void start() override {
    begin_wait(State::waiting);
    if constexpr (tls) {
      lowest().expires_after(host_.limits.header);
      stream_.async_handshake(boost::asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](ErrorCode error) {
                                if (!self->over(error)) self->await_question(self->host_.limits.header);
                              });
    } else {
      await_question(host_.limits.header);
    }
  }

  void abort() override {
    if (state_ == State::ended) return;
    state_ = State::ended;
    timer_.cancel();
    lowest().close();
    host_.ended(id_);  // may free the last owner but the pending operation: nothing after it
  }

  void finish() override {
    finishing_ = true;
    if (state_ == State::waiting) abort();
  }

 private:
  PlainStream& lowest() { return boost::beast::get_lowest_layer(stream_); }

  void begin_wait(State state) {
    state_ = state;
    since_ = ++host_.turn;
  }

  /// To be asked first after every wait.
  bool over(ErrorCode error) {
    if (state_ == State::ended) return true;
    if (error) abort();
    return static_cast<bool>(error);
  }

  /// The first bytes have a deadline of their own: an idle connection may be quiet for longer than a header may take.
  void await_question(std::chrono::milliseconds deadline) {
    parser_.emplace();
    parser_->header_limit(host_.limits.header_bytes);
    // No body is ever read; `refusal` judges the announced length. (With none for "no limit" Boost 1.74 refuses every
    // length.)
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    if (buffer_.size() > 0) return read_header();
    lowest().expires_after(deadline);
    stream_.async_read_some(buffer_.prepare(std::min<std::size_t>(1024, host_.limits.header_bytes)),
                            [self = this->shared_from_this()](ErrorCode error, std::size_t bytes) {
                              if (self->over(error)) return;
                              self->buffer_.commit(bytes);
                              self->read_header();
                            });
  }

  void read_header() {
    lowest().expires_after(host_.limits.header);
    boost::beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->on_header(error); });
  }

  void on_header(ErrorCode error) {
    namespace http = boost::beast::http;
    const bool too_large = error == http::error::header_limit || error == http::error::buffer_overflow;
    const bool left = error == http::error::end_of_stream || error == http::error::partial_message;
    const bool garbled = !left && error.category() == make_error_code(http::error::bad_method).category();
    if (!too_large && !garbled && over(error)) return;
    if (state_ == State::ended) return;
    state_ = State::answering;
    ++question_;
    keep_ = false;
    if (too_large) return answer(question_, {.status = 431, .body = "the header is too large\n"});
    if (garbled) return answer(question_, {.status = 400, .body = "this is not HTTP/1.1\n"});
    if (auto refused = refusal()) return answer(question_, std::move(*refused));
    keep_ = parser_->get().keep_alive();
    ask_handler();
  }

  std::optional<HttpAnswer> refusal() const {
    const auto method = parser_->get().method();
    if (method != boost::beast::http::verb::get && method != boost::beast::http::verb::head) {
      return HttpAnswer{.status = 405, .body = "only GET and HEAD are answered\n"};
    }
    if (parser_->chunked() || parser_->content_length().value_or(0) > 0) {
      return HttpAnswer{.status = 413, .body = "no body is taken\n"};
    }
    return std::nullopt;
  }

  HttpQuestion question() const {
    const auto& head = parser_->get();
    const std::string_view target(head.target().data(), head.target().size());
    const auto mark = target.find('?');
    const auto authorization = head[boost::beast::http::field::authorization];
    return {.head = head.method() == boost::beast::http::verb::head,
            .path = std::string(target.substr(0, mark)),
            .query = mark == std::string_view::npos ? std::string{} : std::string(target.substr(mark + 1)),
            .authorization = std::string(authorization.data(), authorization.size()),
            .peer = peer_};
  }

  void ask_handler() {
    const auto weak = this->weak_from_this();
    timer_.expires_after(host_.limits.answer);
    timer_.async_wait([weak, number = question_](ErrorCode error) {
      const auto self = weak.lock();
      if (error || !self || number != self->question_) return;
      self->keep_ = false;
      self->answer(number, {.status = 504, .body = "the answer took too long\n"});
    });
    host_.handler(question(), [weak, number = question_](HttpAnswer given) {
      if (const auto self = weak.lock()) self->answer(number, std::move(given));
    });
  }

  void answer(std::uint64_t number, HttpAnswer given) {
    namespace http = boost::beast::http;
    if (state_ != State::answering || number != question_) return;
    state_ = State::writing;
    timer_.cancel();
    keep_ = keep_ && !finishing_;
    const bool head_only = parser_->get().method() == http::verb::head;
    response_ = {};
    response_.result(given.status);
    response_.set(http::field::content_type, given.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (given.status == 405) response_.set(http::field::allow, "GET, HEAD");
    if (given.status == 401) response_.set(http::field::www_authenticate, "Bearer");
    response_.body() = std::move(given.body);
    response_.keep_alive(keep_);
    response_.prepare_payload();
    serializer_.emplace(response_);
    lowest().expires_after(host_.limits.write);
    auto written = [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); };
    if (head_only) {
      http::async_write_header(stream_, *serializer_, std::move(written));
    } else {
      http::async_write(stream_, *serializer_, std::move(written));
    }
  }

  void on_written(ErrorCode error) {
    if (over(error)) return;
    serializer_.reset();
    response_ = {};
    if (!keep_ || finishing_) return say_goodbye();
    begin_wait(State::waiting);
    await_question(host_.limits.idle);
  }

  /// A socket that is closed with bytes unread resets the connection, and the client may lose the answer: so what it
  /// still sends is read and thrown away, within a deadline and a number of bytes.
  void say_goodbye() {
    begin_wait(State::closing);
    lowest().expires_after(host_.limits.linger);
    if constexpr (tls) {
      stream_.async_shutdown([self = this->shared_from_this()](ErrorCode) { self->shut(); });
    } else {
      shut();
    }
  }

  void shut() {
    ErrorCode error;
    if (state_ == State::ended) return;
    lowest().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
    if (!over(error)) drain(64 * 1024);
  }

  void drain(std::size_t room) {
    buffer_.clear();
    lowest().async_read_some(buffer_.prepare(std::min<std::size_t>(1024, host_.limits.header_bytes)),
                             [self = this->shared_from_this(), room](ErrorCode error, std::size_t bytes) {
                               if (self->over(error)) return;
                               if (bytes >= room) return self->abort();
                               self->drain(room - bytes);
                             });
  }

  HttpHost& host_;
  std::uint64_t id_;
  std::string peer_;
  Stream stream_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  /// Of the bodies that Beast knows the one that makes no room for what a client announces.
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>> serializer_;
  std::uint64_t question_{0};
  bool keep_{false};
  bool finishing_{false};
};

}  // namespace shell
