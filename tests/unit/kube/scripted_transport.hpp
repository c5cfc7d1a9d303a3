// A Transport that plays a script: each request gets the next answer, on the loop, or hangs. It knows nothing of
// Kubernetes; what was asked is kept for the test to compare.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/transport.hpp"

namespace kube {

class ScriptedTransport : public Transport {
 public:
  using Answer = std::optional<base::Result<Response>>;  ///< none: hangs until cancelled

  explicit ScriptedTransport(boost::asio::io_context& loop) : loop_(loop) {}

  /// The script; when it is at its end, requests hang.
  void will_answer(int status, std::string body = "{}") {
    script_.emplace_back(Response{{status, "application/json", std::nullopt}, std::move(body)});
  }
  void will_fail() { script_.emplace_back(base::fail(base::ErrorCode::retry, "connect", "refused")); }
  void will_hang() { script_.emplace_back(std::nullopt); }

  CallId send(Request request, ResponseHandler handler) override {
    requests.push_back(std::move(request));
    const CallId call = ++last_call_;
    under_way_.emplace(call, std::move(handler));
    Answer answer;
    if (!script_.empty()) {
      answer = std::move(script_.front());
      script_.pop_front();
    }
    if (answer) boost::asio::post(loop_, [this, call, answer = std::move(*answer)] { finish(call, answer); });
    return call;
  }
  CallId stream(Request, StreamHandler) override { return 0; }
  void cancel(CallId call) override { under_way_.erase(call); }
  void close(std::function<void()> closed) override {
    under_way_.clear();
    boost::asio::post(loop_, std::move(closed));
  }

  /// Answers now what hangs.
  void finish_all(int status, const std::string& body = "{}") {
    std::vector<CallId> calls;
    for (const auto& [call, handler] : under_way_) calls.push_back(call);
    for (const auto call : calls) finish(call, Response{{status, "application/json", std::nullopt}, body});
  }

  [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }
  [[nodiscard]] bool played() const { return script_.empty(); }
  /// "POST /path", ...
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const auto& request : requests) {
      all.push_back(std::string(to_string(request.method)) + " " + request.target);
    }
    return all;
  }

  std::vector<Request> requests;

 private:
  void finish(CallId call, const base::Result<Response>& answer) {
    auto node = under_way_.extract(call);
    if (!node.empty()) node.mapped()(answer);
  }

  boost::asio::io_context& loop_;
  std::deque<Answer> script_;
  std::map<CallId, ResponseHandler> under_way_;
  CallId last_call_{0};
};

/// Runs the loop until `done`, or until ten seconds passed: then false.
[[nodiscard]] inline bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  boost::asio::steady_timer guard(loop, give_up);  // keeps the loop from running out of work
  guard.async_wait([](const auto&) {});
  loop.restart();
  while (!done()) {
    if (loop.run_one_until(give_up) == 0) return done();
  }
  return true;
}

/// Runs what is ready now.
inline void run_ready(boost::asio::io_context& loop) {
  loop.restart();
  loop.poll();
}

}  // namespace kube
