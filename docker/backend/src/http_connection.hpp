// One connection of the HTTP server: reads a question, has it answered, writes the answer, and again.
//
// Law: each step looks first whether the connection has ended meanwhile. The listener's map and the pending operation
// keep a connection alive; `respond` does not, so a handler may hold it for as long as it likes.
//
//   waiting (idle, header, body) -> answering -> writing -> waiting | closing -> ended
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http_server.hpp"

namespace todo {

/// What a connection needs of its listener; it outlives every connection that has not ended.
struct HttpHost {
  HttpHandler handler{};
  HttpObserver observer{};
  HttpLimits limits{};
  bool dismissing{false};
  std::size_t in_flight{0};
  std::uint64_t turn{0};  ///< counts waits: an order of their beginnings without a clock
  std::function<void(std::uint64_t)> ended{};
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpHost& host, std::uint64_t id, boost::asio::ip::tcp::socket socket);
  void start();
  /// Ends it at once, whatever it does.
  void abort();
  /// Ends it as soon as what was asked, if anything, is answered.
  void finish();

  /// Since which turn it holds a place without being served; nothing while it is served.
  [[nodiscard]] std::optional<std::uint64_t> waiting_since() const;

 private:
  enum class State : std::uint8_t { waiting, answering, writing, closing, ended };
  using ErrorCode = boost::system::error_code;

  /// Asked first after every wait.
  bool over(ErrorCode error);
  void begin_wait(State state);
  void set_deadline(std::chrono::milliseconds limit);
  void on_deadline();
  void await_question(std::chrono::milliseconds first_byte);
  void read_header();
  void on_header(ErrorCode error);
  void read_body();
  void on_body(ErrorCode error);
  void take_question();
  /// Whether `error` is the client's fault and is answered; else the connection has ended.
  void answer_failure(ErrorCode error);
  void ask_handler();
  void answer(std::uint64_t number, HttpAnswer given);
  void fill_response(HttpAnswer given);
  void on_written(ErrorCode error);
  void say_goodbye();
  void drain(std::size_t room);
  [[nodiscard]] std::string path() const;

  HttpHost& host_;
  std::uint64_t id_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  boost::beast::http::response<boost::beast::http::empty_body> go_on_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>> serializer_;
  State state_{State::waiting};
  std::uint64_t since_{0};
  std::uint64_t question_{0};
  std::chrono::steady_clock::time_point asked_at_{};
  bool late_{false};
  bool keep_{false};
  bool finishing_{false};
  bool served_{false};  ///< at least one answer was written
};

}  // namespace todo
