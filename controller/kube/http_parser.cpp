#include "kube/http_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <limits>
#include <utility>

namespace kube {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::uint32_t max_header = 16U << 10U;
constexpr std::int64_t max_retry_after = 86'400;

/// Whole seconds only; the other form, a date, no API server sends.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (seconds < 0 || seconds > max_retry_after) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

class AnswerParser::Machine final : public http::basic_parser<false> {
 public:
  explicit Machine(AnswerSink& sink) : sink_(sink) {
    eager(true);
    header_limit(max_header);
    // Not `boost::none`: Boost 1.74 compares a Content-Length with it as if nothing were less than everything.
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  /// 100 Continue and its kin: an answer before the answer.
  [[nodiscard]] bool is_interim() const { return status_ >= 100 && status_ < 200; }

 private:
  void on_request_impl(http::verb, beast::string_view, beast::string_view, int, beast::error_code&) override {}

  void on_response_impl(int code, beast::string_view, int, beast::error_code&) override {
    status_ = code;
    head_.status = code;
  }

  void on_field_impl(http::field name, beast::string_view, beast::string_view value, beast::error_code&) override {
    if (name == http::field::content_type) head_.content_type.assign(value.data(), value.size());
    if (name == http::field::retry_after) head_.retry_after = parse_retry_after({value.data(), value.size()});
  }

  void on_header_impl(beast::error_code& error) override {
    if (is_interim()) return;
    std::optional<std::uint64_t> length;
    if (const auto known = content_length()) length = *known;
    sink_.on_answer_head(std::move(head_), length);
    stop_if_over(error);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}

  std::size_t on_body_impl(beast::string_view body, beast::error_code& error) override {
    if (!body.empty()) sink_.on_answer_data({body.data(), body.size()});
    stop_if_over(error);
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, beast::error_code& error) override {
    return on_body_impl(body, error);
  }

  void on_finish_impl(beast::error_code&) override {}

  void stop_if_over(beast::error_code& error) const {
    if (!sink_.keep_on()) error = boost::asio::error::operation_aborted;
  }

  AnswerSink& sink_;
  int status_{0};
  ResponseHead head_;
};

AnswerParser::AnswerParser(AnswerSink& sink) : machine_(std::make_unique<Machine>(sink)), sink_(sink) {}
AnswerParser::~AnswerParser() = default;

std::size_t AnswerParser::put(std::string_view bytes) {
  std::size_t used = 0;
  while (state_ == State::more && used < bytes.size()) {
    beast::error_code error;
    const std::size_t taken = machine_->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += taken;
    if (error == boost::asio::error::operation_aborted) {
      state_ = State::stopped;
    } else if (error && error != http::error::need_more) {
      state_ = State::broken;
      error_ = error.message();
    } else if (machine_->is_done()) {
      if (machine_->is_interim()) {
        machine_ = std::make_unique<Machine>(sink_);
      } else {
        state_ = State::done;
      }
    } else if (error || taken == 0) {
      break;
    }
  }
  return used;
}

void AnswerParser::put_end() {
  if (state_ != State::more) return;
  beast::error_code error = http::error::partial_message;
  if (machine_->got_some()) machine_->put_eof(error);
  state_ = error ? State::broken : State::done;
  if (error) error_ = "the server ended the connection in the middle of its answer";
}

bool AnswerParser::keep_alive() const { return machine_->keep_alive(); }

}  // namespace kube
