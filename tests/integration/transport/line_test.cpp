// Connections and the line before them: reuse, never twice, bounds, deadlines, cancelling, closing.
#include <algorithm>
#include <atomic>

#include "integration/transport/transport_test.hpp"

namespace transport_test {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::HasSubstr;

class LineTest : public TransportTest {
 protected:
  [[nodiscard]] std::size_t times_seen(const std::string& target) const {
    const auto seen = server_->seen();
    return static_cast<std::size_t>(
        std::ranges::count_if(seen, [&](const SeenRequest& one) { return one.target == target; }));
  }
  /// Reads requests and leaves them without an answer until the gate opens.
  TestServer::Script answering_late() {
    return [this](Peer& peer) {
      while (peer.read_request()) {
        gate_.wait();
        peer.answer(200, "{}");
      }
    };
  }
};
TODOAPP_FOR_BOTH_TRANSPORTS(LineTest);

TEST_P(LineTest, KeepsAConnectionAlive) {
  serve(TestServer::answering(200, "{}"));
  connect();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(call(i % 2 == 0 ? get() : post("/api", "{}")).status(), 200);
  EXPECT_LE(server_->connections(), kept_connections());
}

TEST_P(LineTest, AConnectionThatSaysCloseIsNotUsedAgain) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "{}", "Connection: close\r\n");
    peer.await_end();
  });
  connect();
  EXPECT_EQ(call(get("/1")).status(), 200);
  EXPECT_EQ(call(get("/2")).status(), 200);
  EXPECT_EQ(server_->connections(), 2U);
}

TEST_P(LineTest, ARequestIsNotSentTwiceWhenAnIdleConnectionWasClosed) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "{}");
    peer.finish();
  });
  connect();
  for (int i = 0; i < 10; ++i) {
    const std::string target = "/" + std::to_string(i);
    const Answer answer = call(i % 2 == 0 ? get(target) : post(target, "{}"));
    EXPECT_LE(times_seen(target), 1U);
    // The end of the connection and the next request cross on their way: then, and only then, may the call fail.
    EXPECT_TRUE(answer.status() == 200 || answer.failed(ErrorCode::retry));
  }
}

TEST_P(LineTest, AConnectionThatEndedWhileIdleIsReplaced) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "{}");
    peer.finish();
  });
  connect();
  ASSERT_EQ(call(get("/1")).status(), 200);
  ASSERT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
  const Answer answer = call(post("/2", "{}"));
  EXPECT_LE(times_seen("/2"), 1U);
  if (is_asio()) {
    EXPECT_EQ(answer.status(), 200) << answer.error().detail;
  } else {
    // cpprestsdk does not watch its idle connections; ours at least keeps it from sending anew.
    EXPECT_TRUE(answer.status() == 200 || answer.failed(ErrorCode::retry));
    if (answer.status() == 200) return;
    EXPECT_EQ(call(post("/3", "{}")).status(), 200) << "the dead connection was kept";
  }
}

TEST_P(LineTest, ARequestIsNotSentTwiceWhenItsAnswerDoesNotCome) {
  serve([](Peer& peer) {
    while (const auto request = peer.read_request()) {
      if (request->target != "/first") return peer.finish();
      peer.answer(200, "{}");
    }
  });
  connect();
  // On a kept connection: this is where cpprestsdk would try again in silence. It does not always keep one in time, so
  // that several rounds are needed to see each kind of request on one.
  for (const char* kind : {"/get", "/post"}) {
    bool was_kept = false;
    for (int round = 0; round < 50 && !was_kept; ++round) {
      ASSERT_EQ(call(get("/first")).status(), 200);
      const std::size_t kept = server_->seen().back().connection;
      const std::string target = kind + std::to_string(round);
      const Answer answer = call(kind == std::string("/post") ? post(target, "{}") : get(target));
      EXPECT_TRUE(answer.failed(ErrorCode::retry)) << answer.status();
      EXPECT_EQ(times_seen(target), 1U);
      was_kept = server_->seen().back().connection == kept;
    }
    EXPECT_TRUE(was_kept);
  }
}

TEST_P(LineTest, BytesThatNobodyAskedForEndAConnection) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "one");
    peer.answer(200, "smuggled");
    while (peer.read_request()) peer.answer(200, "two");
  });
  connect();
  ASSERT_EQ(call(get("/1")).body(), "one");
  if (!is_asio())
    return;  // cpprestsdk reads no further than the answer, and would take the next bytes for the next one
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
  EXPECT_EQ(call(get("/2")).body(), "one");
}

TEST_P(LineTest, SoManyCallsAreOnTheWireAtATime) {
  serve(answering_late());
  limits_.max_calls = 3;
  connect();
  std::vector<Answer> answers(12);
  for (Answer& answer : answers) send(get(), answer);
  ASSERT_TRUE(run_until([&] { return server_->seen().size() == 3; }));
  run_ready();
  EXPECT_EQ(server_->connections(), 3U);
  gate_.open();
  EXPECT_TRUE(run_until([&] { return std::ranges::all_of(answers, &Answer::came); }));
  for (const Answer& answer : answers) EXPECT_EQ(answer.status(), 200);
  if (is_asio()) {
    EXPECT_EQ(server_->connections(), 3U);
  }
}

TEST_P(LineTest, TheLineIsBounded) {
  serve(answering_late());
  limits_.max_calls = 1;
  limits_.max_waiting = 2;
  connect();
  std::vector<Answer> answers(4);
  send(get(), answers[0]);
  ASSERT_TRUE(run_until([&] { return server_->seen().size() == 1; }));
  for (std::size_t i = 1; i < answers.size(); ++i) send(get(), answers[i]);
  EXPECT_TRUE(run_until([&] { return answers[3].came(); }));
  EXPECT_TRUE(answers[3].failed(ErrorCode::retry));
  gate_.open();
  EXPECT_TRUE(run_until([&] { return answers[2].came(); }));
  EXPECT_EQ(answers[2].status(), 200);
}

TEST_P(LineTest, ADeadlineEndsACall) {
  serve(answering_late());
  connect();
  kube::Request request = get();
  request.deadline = milliseconds(1000);
  const auto start = std::chrono::steady_clock::now();
  const Answer answer = call(request);
  EXPECT_TRUE(answer.failed(ErrorCode::retry));
  EXPECT_EQ(answer.error().detail, "no answer within 1 s");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(1000));
  gate_.open();
  EXPECT_TRUE(run_until([&] { return server_->ended() == server_->connections(); })) << ended_of_all();
}

TEST_P(LineTest, ADeadlineEndsAHandshake) {
  ServerOptions options;
  options.identity = authority_.make_server("IP:127.0.0.1");
  options.handshakes = false;
  serve(std::move(options), [](Peer& peer) { peer.await_end(); });
  connect();
  kube::Request request = get();
  request.deadline = milliseconds(150);
  EXPECT_EQ(call(request).error().detail, "no answer within 0.15 s");
}

TEST_P(LineTest, ADeadlineRunsInTheLineToo) {
  serve(answering_late());
  limits_.max_calls = 1;
  connect();
  Answer first;
  send(get("/first"), first);
  ASSERT_TRUE(run_until([&] { return server_->seen().size() == 1; }));
  kube::Request request = get("/second");
  request.deadline = milliseconds(100);
  EXPECT_TRUE(call(request).failed(ErrorCode::retry));
  EXPECT_FALSE(first.came());
  gate_.open();
  EXPECT_TRUE(run_until([&] { return first.came(); }));
  EXPECT_EQ(call(get("/third")).status(), 200);
  EXPECT_EQ(times_seen("/second"), 0U);
}

TEST_P(LineTest, ACancelledCallIsSilentAndFreesItsPlace) {
  serve([](Peer& peer) {
    while (const auto request = peer.read_request()) {
      if (request->target == "/stuck") return peer.await_end();
      peer.answer(200, "{}");
    }
  });
  limits_.max_calls = 1;
  connect();
  Answer stuck;
  Answer waiting;
  Answer next;
  const kube::CallId stuck_id = send(get("/stuck"), stuck);
  const kube::CallId waiting_id = send(get("/waiting"), waiting);
  send(get("/next"), next);
  ASSERT_TRUE(run_until([&] { return server_->seen().size() == 1; }));
  transport_->cancel(waiting_id);
  transport_->cancel(stuck_id);
  transport_->cancel(stuck_id);
  transport_->cancel(4711);
  EXPECT_TRUE(run_until([&] { return next.came() && server_->ended() == 1; }));
  EXPECT_EQ(next.status(), 200);
  EXPECT_FALSE(stuck.came() || waiting.came());
  EXPECT_EQ(times_seen("/waiting"), 0U);
}

TEST_P(LineTest, AHandlerMaySendAndCancel) {
  serve(TestServer::answering(200, "{}"));
  connect();
  Answer second;
  Answer never;
  bool first_came = false;
  transport_->send(get("/1"), [&](const base::Result<kube::Response>&) {
    first_came = true;
    send(get("/2"), second);
    transport_->cancel(send(get("/3"), never));
  });
  EXPECT_TRUE(run_until([&] { return second.came(); }));
  EXPECT_TRUE(first_came);
  EXPECT_FALSE(never.came());
}

TEST_P(LineTest, ClosingEndsAllCalls) {
  serve(answering_late());
  limits_.max_calls = 2;
  connect();
  std::vector<Answer> answers(5);
  for (Answer& answer : answers) send(get(), answer);
  ASSERT_TRUE(run_until([&] { return server_->seen().size() == 2; }));
  bool closed = false;
  transport_->close([&] { closed = true; });
  EXPECT_FALSE(closed);
  Answer late;
  send(get(), late);
  ASSERT_TRUE(run_until([&] { return closed && late.came(); }));
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.calls, 1);
    EXPECT_TRUE(answer.failed(ErrorCode::stopped));
  }
  EXPECT_TRUE(late.failed(ErrorCode::stopped));
  gate_.open();
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
  transport_.reset();
  loop_.restart();
  EXPECT_EQ(loop_.poll(), 0U) << "something of it was still on the loop";
}

TEST_P(LineTest, ClosingWhenIdleRunsTheLoopDry) {
  serve(TestServer::answering(200, "{}"));
  connect();
  ASSERT_EQ(call(get()).status(), 200);
  bool closed = false;
  transport_->close([&] { closed = true; });
  const auto start = std::chrono::steady_clock::now();
  loop_.restart();
  loop_.run_for(patience);
  EXPECT_TRUE(closed);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10))
      << "a timer or a connection kept the loop busy";
  transport_.reset();
}

}  // namespace
}  // namespace transport_test
