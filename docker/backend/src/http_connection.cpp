#include "http_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <utility>

#include "clock.hpp"
#include "problem.hpp"

namespace todo {

namespace http = boost::beast::http;

namespace {

constexpr int http_1_1 = 11;
/// What a client may still send after it was refused, until it is cut off.
constexpr std::size_t discarded_most = 1024 * 1024;

/// The path and what stands behind its question mark; of "http://host/path" too, as clients of proxies send it.
std::pair<std::string, std::string> split_target(std::string_view target) {
  if (target.starts_with("http://")) {
    const auto slash = target.find('/', std::string_view("http://").size());
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const auto mark = target.find('?');
  return {std::string(target.substr(0, mark)),
          mark == std::string_view::npos ? std::string{} : std::string(target.substr(mark + 1))};
}

}  // namespace

HttpConnection::HttpConnection(HttpHost& host, std::uint64_t id, boost::asio::ip::tcp::socket socket)
    : host_(host),
      id_(id),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      buffer_(std::size_t{host.limits.header_bytes} + 1024) {}

void HttpConnection::start() { await_question(host_.limits.header); }

void HttpConnection::abort() {
  if (state_ == State::ended) return;
  if (state_ == State::answering || state_ == State::writing) --host_.in_flight;
  state_ = State::ended;
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  host_.ended(id_);  // may free the last owner but the pending operation: nothing after it
}

void HttpConnection::finish() {
  finishing_ = true;
  if (state_ != State::waiting) return;
  ErrorCode error;
  const bool asks = parser_->got_some() || buffer_.size() > 0 || socket_.available(error) > 0;
  // Who has just come is about to ask: a moment for it.
  if (!served_ && !asks) return set_deadline(host_.limits.linger);
  if (!asks) abort();
}

std::optional<std::uint64_t> HttpConnection::waiting_since() const {
  if (state_ == State::answering || state_ == State::writing) return std::nullopt;
  return since_;
}

bool HttpConnection::over(ErrorCode error) {
  if (state_ == State::ended) return true;
  if (error) abort();
  return error.failed();
}

void HttpConnection::begin_wait(State state) {
  state_ = state;
  since_ = ++host_.turn;
}

void HttpConnection::set_deadline(std::chrono::milliseconds limit) {
  late_ = false;
  timer_.expires_after(limit);
  timer_.async_wait([weak = weak_from_this()](ErrorCode error) {
    const auto self = weak.lock();
    // One that was set anew while its end was on the way is not over.
    if (error || !self || self->timer_.expiry() > std::chrono::steady_clock::now()) return;
    self->on_deadline();
  });
}

void HttpConnection::on_deadline() {
  if (state_ == State::ended) return;
  const bool asks = state_ == State::waiting && (parser_->got_some() || buffer_.size() > 0);
  if (!asks) return abort();
  // The pending read ends with an error, which is where the answer is given.
  late_ = true;
  ErrorCode ignored;
  socket_.cancel(ignored);
}

void HttpConnection::await_question(std::chrono::milliseconds first_byte) {
  begin_wait(State::waiting);
  parser_.emplace();
  parser_->header_limit(host_.limits.header_bytes);
  parser_->body_limit(host_.limits.body_bytes);
  if (buffer_.size() > 0) return read_header();
  set_deadline(first_byte);
  // An idle connection may be quiet for longer than a header may take, so the two have deadlines of their own.
  socket_.async_wait(boost::asio::ip::tcp::socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    if (!self->over(error)) self->read_header();
  });
}

void HttpConnection::read_header() {
  set_deadline(host_.limits.header);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_header(error); });
}

void HttpConnection::on_header(ErrorCode error) {
  if (state_ == State::ended) return;
  if (error) return answer_failure(error);
  const auto& head = parser_->get();
  if (head.version() == http_1_1 && head.count(http::field::host) != 1) {
    return answer_failure(make_error_code(http::error::bad_field));
  }
  if (parser_->is_done()) return take_question();
  if (!boost::beast::iequals(head[http::field::expect], "100-continue")) return read_body();
  go_on_ = http::response<http::empty_body>(http::status::continue_, http_1_1);
  http::async_write(socket_, go_on_, [self = shared_from_this()](ErrorCode failed, std::size_t) {
    if (!self->over(failed)) self->read_body();
  });
}

void HttpConnection::read_body() {
  set_deadline(host_.limits.body);
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_body(error); });
}

void HttpConnection::on_body(ErrorCode error) {
  if (state_ == State::ended) return;
  if (error) return answer_failure(error);
  take_question();
}

void HttpConnection::take_question() {
  // Not only cancelled: a deadline whose end is on the way already would end the connection before its answer.
  timer_.expires_at(std::chrono::steady_clock::time_point::max());
  state_ = State::answering;
  ++host_.in_flight;
  ++question_;
  asked_at_ = std::chrono::steady_clock::now();
  keep_ = parser_->get().keep_alive();
  ask_handler();
}

void HttpConnection::answer_failure(ErrorCode error) {
  const bool garbled = error.category() == make_error_code(http::error::bad_method).category();
  const bool left = error == http::error::end_of_stream || error == http::error::partial_message;
  if (!late_ && (left || !garbled)) return abort();
  state_ = State::answering;
  ++host_.in_flight;
  ++question_;
  asked_at_ = std::chrono::steady_clock::now();
  keep_ = false;
  if (late_) return answer(question_, problem(408, "the request came too slowly"));
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return answer(question_, problem(431, fmt::format("the header has more than {} bytes", host_.limits.header_bytes)));
  }
  if (error == http::error::body_limit) {
    return answer(question_, problem(413, fmt::format("the body has more than {} bytes", host_.limits.body_bytes)));
  }
  if (error == http::error::bad_version) return answer(question_, problem(505, "only HTTP/1.1 is understood"));
  answer(question_, problem(400, "the request is not HTTP/1.1"));
}

std::string HttpConnection::path() const { return split_target(parser_->get().target()).first; }

void HttpConnection::ask_handler() {
  auto& request = parser_->get();
  auto [path, query] = split_target(request.target());
  HttpQuestion question{.method = std::string(request.method_string()),
                        .path = std::move(path),
                        .query = std::move(query),
                        .content_type = std::string(request[http::field::content_type]),
                        .body = std::move(request.body())};
  host_.handler(question, [weak = weak_from_this(), number = question_](HttpAnswer given) {
    if (const auto self = weak.lock()) self->answer(number, std::move(given));
  });
}

void HttpConnection::answer(std::uint64_t number, HttpAnswer given) {
  if (state_ != State::answering || number != question_) return;
  state_ = State::writing;
  keep_ = keep_ && !finishing_ && !host_.dismissing;
  const auto& request = parser_->get();
  host_.observer({.method = std::string(request.method_string()),
                  .path = path(),
                  .status = given.status,
                  .took = std::chrono::steady_clock::now() - asked_at_});
  fill_response(std::move(given));
  serializer_.emplace(response_);
  set_deadline(host_.limits.write);
  auto written = [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); };
  if (request.method() == http::verb::head) {
    http::async_write_header(socket_, *serializer_, std::move(written));
  } else {
    http::async_write(socket_, *serializer_, std::move(written));
  }
}

void HttpConnection::fill_response(HttpAnswer given) {
  response_ = {};
  response_.result(given.status);
  response_.reason(given.status >= 400 ? reason_phrase(given.status) : http::obsolete_reason(response_.result()));
  response_.set(http::field::date, format_http_date(wall_time()));
  response_.set(http::field::cache_control, "no-store");
  response_.set("X-Content-Type-Options", "nosniff");
  if (!given.content_type.empty()) response_.set(http::field::content_type, given.content_type);
  for (const auto& [name, value] : given.headers) response_.set(name, value);
  response_.keep_alive(keep_);
  response_.body() = std::move(given.body);
  // An answer that cannot have a body must not name its length either.
  if (given.status != 204) response_.prepare_payload();
}

void HttpConnection::on_written(ErrorCode error) {
  if (over(error)) return;
  --host_.in_flight;
  served_ = true;
  serializer_.reset();
  if (!keep_) return say_goodbye();
  await_question(host_.limits.idle);
  if (finishing_) finish();
}

/// A socket that is closed with bytes unread resets the connection, and the client may lose the answer: so what it
/// still sends is read and thrown away, within a deadline and a number of bytes.
void HttpConnection::say_goodbye() {
  begin_wait(State::closing);
  set_deadline(host_.limits.linger);
  ErrorCode error;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
  if (!over(error)) drain(discarded_most);
}

void HttpConnection::drain(std::size_t room) {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(4096), [self = shared_from_this(), room](ErrorCode error, std::size_t bytes) {
    if (self->over(error)) return;
    if (bytes >= room) return self->abort();
    self->drain(room - bytes);
  });
}

}  // namespace todo
