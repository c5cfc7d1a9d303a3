// Reads one HTTP/1.1 answer out of bytes as they come. A thin class over Beast's parser that keeps three header fields
// instead of all, and hands the body on as views instead of collecting it.
//
// Law: no I/O. The sink may stop the parser from inside a callback (`keep_on` says false); nothing more is reported
// then. Limits: a header of at most 16 KiB; body limits are the sink's affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kube/transport.hpp"

namespace kube {

class AnswerSink {
 public:
  AnswerSink() = default;
  AnswerSink(const AnswerSink&) = delete;
  AnswerSink& operator=(const AnswerSink&) = delete;
  virtual ~AnswerSink() = default;

  virtual void on_answer_head(ResponseHead head, std::optional<std::uint64_t> length) = 0;
  virtual void on_answer_data(std::string_view piece) = 0;
  [[nodiscard]] virtual bool keep_on() const = 0;
};

class AnswerParser {
 public:
  enum class State : std::uint8_t { more, done, stopped, broken };

  explicit AnswerParser(AnswerSink& sink);
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;
  ~AnswerParser();

  /// Takes what it can from `bytes` and says how much that was; the rest is to be presented again with more behind it.
  std::size_t put(std::string_view bytes);
  /// The peer ended the connection, properly: for some answers that is the end of the body.
  void put_end();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool keep_alive() const;  ///< once done: may another request follow on this connection?
  [[nodiscard]] const std::string& error() const { return error_; }  ///< what is broken

 private:
  class Machine;

  std::unique_ptr<Machine> machine_;
  AnswerSink& sink_;
  State state_{State::more};
  std::string error_;
};

}  // namespace kube
