// What the conformance tests share: a server, credentials in files, a transport of either kind, and a loop that runs
// until something is so. No test sleeps: each waits for a condition, within `patience`.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "integration/transport/certificates.hpp"
#include "integration/transport/test_server.hpp"
#include "kube/asio_transport.hpp"
#include "kube/rest_transport.hpp"
#include "unit/kube/temporary_folder.hpp"

namespace transport_test {

inline constexpr std::chrono::seconds patience{60};

enum class Kind { asio, rest };

/// What came of one plain call.
struct Answer {
  int calls{0};  ///< of the handler
  std::optional<base::Result<kube::Response>> result;

  [[nodiscard]] bool came() const { return calls > 0; }
  [[nodiscard]] int status() const { return came() && *result ? (*result)->head.status : 0; }
  [[nodiscard]] std::string body() const { return came() && *result ? (*result)->body : std::string(); }
  [[nodiscard]] base::Error error() const { return came() && !*result ? result->error() : base::Error{}; }
  [[nodiscard]] bool failed(base::ErrorCode code) const { return came() && !*result && result->error().code == code; }
};

/// What came of one stream.
struct Stream {
  std::optional<kube::ResponseHead> head;
  std::string text;
  std::vector<std::size_t> pieces;
  int ends{0};
  std::optional<base::Result<void>> result;

  [[nodiscard]] bool ended() const { return ends > 0; }
};

class TransportTest : public testing::TestWithParam<Kind> {
 protected:
  ~TransportTest() override { close_transport(); }

  [[nodiscard]] bool is_asio() const { return GetParam() == Kind::asio; }

  /// What calls one after another make do with. cpprestsdk gives a connection back on its own pool, a little after the
  /// answer: the next call may find it or not.
  [[nodiscard]] std::size_t kept_connections() const { return is_asio() ? 1 : 2; }

  TestServer& serve(TestServer::Script script) {
    ServerOptions options;
    options.identity = authority_.make_server("DNS:localhost,IP:127.0.0.1");
    return serve(std::move(options), std::move(script));
  }
  TestServer& serve(ServerOptions options, TestServer::Script script) {
    server_ = std::make_unique<TestServer>(std::move(options), std::move(script));
    return *server_;
  }

  /// Trusts `authority_`, bears the token in the file "token"; tests change what they are about.
  [[nodiscard]] kube::ClusterAccess access(const std::string& host = "127.0.0.1") const {
    kube::ClusterAccess result;
    result.server.host = host;
    result.server.port = server_->port();
    result.authority.path = folder_.write("ca.crt", authority_.pem());
    result.token.path = folder_.write("token", "t-1\n");
    return result;
  }

  void connect() { connect(access()); }
  void connect(kube::ClusterAccess access) {
    close_transport();
    credentials_ = std::make_shared<kube::Credentials>(loop_, std::move(access), times_);
    transport_ = is_asio() ? kube::make_asio_transport(loop_, credentials_, limits_)
                           : kube::make_rest_transport(loop_, credentials_, limits_);
  }

  static kube::Request get(const std::string& target = "/api") {
    kube::Request request;
    request.target = target;
    request.deadline = patience;
    return request;
  }
  static kube::Request post(const std::string& target, const std::string& body) {
    kube::Request request = get(target);
    request.method = kube::Method::post;
    request.content_type = "application/json";
    request.body = body;
    return request;
  }

  kube::CallId send(kube::Request request, Answer& answer) {
    return transport_->send(std::move(request), [&answer](base::Result<kube::Response> result) {
      ++answer.calls;
      answer.result = std::move(result);
    });
  }
  /// Sends and waits.
  Answer call(kube::Request request) {
    Answer answer;
    const kube::CallId id = send(std::move(request), answer);
    EXPECT_TRUE(run_until([&] { return answer.came(); })) << "no answer";
    if (!answer.came()) transport_->cancel(id);
    return answer;
  }
  kube::CallId stream(kube::Request request, Stream& into, const std::function<void()>& on_piece = {}) {
    kube::StreamHandler handler;
    handler.on_head = [&into](const kube::ResponseHead& head) { into.head = head; };
    handler.on_data = [&into, on_piece](std::string_view piece) {
      into.text.append(piece);
      into.pieces.push_back(piece.size());
      if (on_piece) on_piece();
    };
    handler.on_end = [&into](base::Result<void> result) {
      ++into.ends;
      into.result = std::move(result);
    };
    return transport_->stream(std::move(request), std::move(handler));
  }

  bool run_until(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  /// Lets everything run that is ready now.
  void run_ready() {
    loop_.restart();
    loop_.poll();
  }

  /// Whether the server had connections and has none any more.
  [[nodiscard]] bool all_ended() const { return server_->ended() > 0 && server_->ended() == server_->connections(); }

  [[nodiscard]] std::string ended_of_all() const {
    return std::to_string(server_->ended()) + " of " + std::to_string(server_->connections()) + " connections ended";
  }

  void close_transport() {
    if (!transport_) return;
    bool closed = false;
    transport_->close([&closed] { closed = true; });
    EXPECT_TRUE(run_until([&] { return closed; })) << "the transport did not close";
    transport_.reset();
  }

  Authority authority_{"cluster"};
  kube_test::TemporaryFolder folder_;
  kube::TransportLimits limits_;
  kube::CredentialTimes times_;
  Gate gate_;  ///< for scripts; lives longer than the server
  std::unique_ptr<TestServer> server_;
  boost::asio::io_context loop_;
  std::shared_ptr<kube::Credentials> credentials_;
  std::unique_ptr<kube::Transport> transport_;
};

inline std::string name_of(const testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::asio ? "asio" : "rest";
}

}  // namespace transport_test

/// Each suite runs with both transports.
#define TODOAPP_FOR_BOTH_TRANSPORTS(suite) \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::Values(Kind::asio, Kind::rest), name_of)
