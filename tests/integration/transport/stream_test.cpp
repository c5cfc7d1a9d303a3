// Streams: pieces as they come, back-pressure, silence, cancelling in the middle.
#include <atomic>

#include "integration/transport/transport_test.hpp"

namespace transport_test {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::HasSubstr;

class StreamTest : public TransportTest {};
TODOAPP_FOR_BOTH_TRANSPORTS(StreamTest);

TEST_P(StreamTest, HandsOverEachPieceAsItComes) {
  serve([this](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    peer.chunk("one\n");
    gate_.wait();
    peer.chunk("two\nthr");
    peer.chunk("ee\n");
    peer.end_chunks();
    peer.await_end();
  });
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return watch.text == "one\n"; }));
  EXPECT_EQ(watch.head->status, 200);
  EXPECT_EQ(watch.head->content_type, "application/json");
  EXPECT_FALSE(watch.ended());
  gate_.open();
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_EQ(watch.text, "one\ntwo\nthree\n");
  EXPECT_TRUE(*watch.result);
  EXPECT_EQ(watch.ends, 1);
}

TEST_P(StreamTest, ReadsChunksThatAreSplitAnywhere) {
  serve([](Peer& peer) {
    peer.read_request();
    const std::string text =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;ext=1\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n";
    for (const char byte : text) peer.write({&byte, 1});
    peer.await_end();
  });
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_EQ(watch.text, "0123456789abc");
  EXPECT_TRUE(*watch.result);
}

TEST_P(StreamTest, AnErrorStatusComesWithItsBody) {
  serve(TestServer::answering(410, R"({"kind":"Status","code":410})"));
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_EQ(watch.head->status, 410);
  EXPECT_EQ(watch.text, R"({"kind":"Status","code":410})");
  EXPECT_TRUE(*watch.result);
}

TEST_P(StreamTest, ACutStreamEndsWithAnError) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    peer.chunk("one\n");
    peer.cut();
  });
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_EQ(watch.text, "one\n");
  EXPECT_EQ(watch.result->error().code, ErrorCode::retry);
  EXPECT_EQ(watch.result->error().act, "GET /watch");
}

TEST_P(StreamTest, AStreamThatNeverBeginsEndsOnce) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.cut();
  });
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_FALSE(watch.head);
  EXPECT_EQ(watch.result->error().code, ErrorCode::retry);
}

TEST_P(StreamTest, SilenceEndsAStream) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    peer.chunk("one\n");
    peer.await_end();
  });
  connect();
  kube::Request request = get("/watch");
  request.idle = milliseconds(1500);
  Stream watch;
  // A busy machine may be as silent before the first piece: then once more.
  for (int round = 0; round < 5 && watch.text.empty(); ++round) {
    watch = {};
    stream(request, watch);
    ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  }
  EXPECT_EQ(watch.text, "one\n");
  EXPECT_EQ(watch.result->error().code, ErrorCode::retry);
  EXPECT_EQ(watch.result->error().detail, "nothing came for 1.5 s");
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
}

TEST_P(StreamTest, SilenceInTheHandshakeEndsAStreamToo) {
  ServerOptions options;
  options.identity = authority_.make_server("IP:127.0.0.1");
  options.handshakes = false;
  serve(std::move(options), [](Peer& peer) { peer.await_end(); });
  connect();
  kube::Request request = get("/watch");
  request.idle = milliseconds(150);
  Stream watch;
  stream(request, watch);
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_EQ(watch.result->error().detail, "nothing came for 0.15 s");
}

TEST_P(StreamTest, ASlowStreamIsNotASilentOne) {
  static constexpr milliseconds idle{1200};
  // The server sends at intervals well below the allowed silence, for longer than that silence in all.
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    Gate never;
    for (int i = 0; i < 5; ++i) {
      peer.chunk("x");
      never.wait_for(idle / 3);
    }
    peer.end_chunks();
    peer.await_end();
  });
  connect();
  kube::Request request = get("/watch");
  request.idle = idle;
  Stream watch;
  // A busy machine may really be silent for so long: then once more.
  for (int round = 0; round < 5 && !(watch.ended() && *watch.result); ++round) {
    watch = {};
    stream(request, watch);
    ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  }
  EXPECT_TRUE(*watch.result) << watch.result->error().detail;
  EXPECT_EQ(watch.text, "xxxxx");
}

TEST_P(StreamTest, CancellingInTheMiddleIsSilent) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    while (peer.chunk("0123456789\n")) {
    }
  });
  connect();
  Stream watch;
  kube::CallId id = 0;
  id = stream(get("/watch"), watch, [&] { transport_->cancel(id); });
  ASSERT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
  run_ready();
  EXPECT_EQ(watch.pieces.size(), 1U);
  EXPECT_FALSE(watch.ended());
}

TEST_P(StreamTest, ManyStreamsMayBeCancelledInTheMiddle) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    while (peer.chunk("0123456789\n")) {
    }
  });
  connect();
  for (int round = 0; round < 30; ++round) {
    Stream watch;
    const kube::CallId id = stream(get("/watch"), watch);
    ASSERT_TRUE(run_until([&] { return !watch.text.empty(); }));
    transport_->cancel(id);
  }
  EXPECT_TRUE(run_until([&] { return server_->ended() == 30; }));
}

TEST_P(StreamTest, DestroyingTheTransportFromAHandlerIsSilent) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    while (peer.chunk("0123456789\n")) {
    }
  });
  connect();
  Stream watch;
  stream(get("/watch"), watch, [&] { transport_.reset(); });
  ASSERT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
  run_ready();
  EXPECT_EQ(watch.pieces.size(), 1U);
  EXPECT_FALSE(watch.ended());
}

TEST_P(StreamTest, ClosingEndsAStream) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    peer.chunk("one\n");
    peer.await_end();
  });
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return !watch.text.empty(); }));
  close_transport();
  EXPECT_EQ(watch.ends, 1);
  EXPECT_EQ(watch.result->error().code, ErrorCode::stopped);
}

TEST_P(StreamTest, StreamsAreNotCountedAsCalls) {
  serve([this](Peer& peer) {
    while (const auto request = peer.read_request()) {
      if (request->target == "/call") {
        peer.answer(200, "{}");
        continue;
      }
      peer.begin_chunks();
      peer.chunk("one\n");
      gate_.wait();
      return;
    }
  });
  limits_.max_calls = 1;
  connect();
  std::vector<Stream> watches(4);
  for (Stream& watch : watches) stream(get("/watch"), watch);
  for (Stream& watch : watches) ASSERT_TRUE(run_until([&] { return watch.text == "one\n"; }));
  EXPECT_EQ(call(get("/call")).status(), 200);
  gate_.open();
  for (Stream& watch : watches) ASSERT_TRUE(run_until([&] { return watch.ended(); }));
}

/// A server that sends as fast as it can, and a reader that takes nothing for a while.
TEST_P(StreamTest, AReaderThatIsBusyStallsTheServer) {
  constexpr std::size_t too_much = 256U << 20U;
  std::atomic<std::size_t> sent{0};
  serve([&sent](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    const std::string chunk(16U << 10U, 'x');
    while (sent < too_much && peer.chunk(chunk)) sent += chunk.size();
  });
  connect();
  std::size_t taken = 0;
  kube::StreamHandler handler;
  handler.on_data = [&taken](std::string_view piece) { taken += piece.size(); };
  const kube::CallId id = transport_->stream(get("/watch"), handler);
  ASSERT_TRUE(run_until([&] { return taken > 0; }));

  // The loop does not run now. Stalled: not a byte more in half a second, within patience.
  const auto until = std::chrono::steady_clock::now() + patience;
  std::size_t last = 0;
  auto since = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < until && std::chrono::steady_clock::now() - since < milliseconds(500)) {
    const std::size_t now = sent;
    if (now != last) since = std::chrono::steady_clock::now();
    last = now;
    std::this_thread::yield();
  }
  EXPECT_LT(sent - taken, 32U << 20U) << "more than the sockets' own buffers hold was taken off the wire";
  EXPECT_LT(sent, too_much);

  const std::size_t before = taken;
  EXPECT_TRUE(run_until([&] { return taken > before + (16U << 20U); })) << "it did not go on";
  transport_->cancel(id);
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
}

TEST_P(StreamTest, OtherCallsAreServedWhileAStreamRushes) {
  serve([](Peer& peer) {
    const auto request = peer.read_request();
    if (!request || request->target == "/call") {
      peer.answer(200, "{}");
      return peer.await_end();
    }
    peer.begin_chunks();
    const std::string chunk(16U << 10U, 'x');
    while (peer.chunk(chunk)) {
    }
  });
  connect();
  kube::StreamHandler handler;
  bool running = false;
  handler.on_data = [&running](std::string_view) { running = true; };
  const kube::CallId id = transport_->stream(get("/watch"), handler);
  ASSERT_TRUE(run_until([&] { return running; }));
  EXPECT_EQ(call(get("/call")).status(), 200);
  transport_->cancel(id);
}

}  // namespace
}  // namespace transport_test
