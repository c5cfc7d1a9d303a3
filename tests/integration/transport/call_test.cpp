// Plain calls: what goes over the wire, and what comes of everything that can go wrong with it.
#include <algorithm>

#include "integration/transport/transport_test.hpp"

namespace transport_test {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::HasSubstr;

class CallTest : public TransportTest {};
TODOAPP_FOR_BOTH_TRANSPORTS(CallTest);

TEST_P(CallTest, SendsWhatItWasGiven) {
  serve([](Peer& peer) {
    while (peer.read_request()) peer.answer(201, R"({"kind":"Pod"})", "Retry-After: 7\r\n");
  });
  connect();
  kube::Request request =
      post("/api/v1/namespaces/shop/pods?fieldManager=x&labelSelector=a%3Db%2Cc%20in%20%28d%29", "{}");
  request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  const Answer answer = call(request);
  EXPECT_EQ(answer.status(), 201);
  EXPECT_EQ(answer.body(), R"({"kind":"Pod"})");
  EXPECT_EQ((*answer.result)->head.content_type, "application/json");
  EXPECT_EQ((*answer.result)->head.retry_after, std::chrono::seconds(7));

  const SeenRequest seen = server_->seen().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, request.target);
  EXPECT_EQ(seen.body, "{}");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer t-1");
  EXPECT_EQ(seen.headers.at("accept"), request.accept);
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_EQ(seen.headers.at("user-agent"), "todoapp-operator");
  EXPECT_EQ(seen.headers.at("host"), "127.0.0.1:" + server_->port());
}

TEST_P(CallTest, KnowsAllMethods) {
  serve(TestServer::answering(200, "{}"));
  connect();
  for (const auto method :
       {kube::Method::get, kube::Method::post, kube::Method::put, kube::Method::patch, kube::Method::del}) {
    kube::Request request = method == kube::Method::get ? get() : post("/api", "{}");
    request.method = method;
    EXPECT_EQ(call(request).status(), 200);
    EXPECT_EQ(server_->seen().back().method, kube::to_string(method));
  }
}

TEST_P(CallTest, GoesThroughThePathOfTheServersUrl) {
  serve(TestServer::answering(200, "{}"));
  kube::ClusterAccess behind_path = access();
  behind_path.server.base_path = "/k8s/clusters/c-1";
  connect(behind_path);
  EXPECT_EQ(call(get("/api/v1/pods?limit=1")).status(), 200);
  EXPECT_EQ(server_->seen().at(0).target, "/k8s/clusters/c-1/api/v1/pods?limit=1");
}

TEST_P(CallTest, NoHandlerRunsFromInsideSend) {
  serve(TestServer::answering(200, "{}"));
  connect();
  Answer good;
  Answer bad;
  send(get(), good);
  send(get("no slash"), bad);
  EXPECT_FALSE(good.came() || bad.came());
  EXPECT_TRUE(run_until([&] { return good.came() && bad.came(); }));
}

TEST_P(CallTest, RefusesWhatWouldBreakTheRequestLine) {
  serve(TestServer::answering(200, "{}"));
  connect();
  for (const char* target : {"", "api", "/a b", "/a\r\nX: y", "/a\n"}) {
    EXPECT_TRUE(call(get(target)).failed(ErrorCode::invalid)) << target;
  }
  kube::Request request = get();
  request.accept = "a\r\nX: y";
  EXPECT_TRUE(call(request).failed(ErrorCode::invalid));
  EXPECT_TRUE(server_->seen().empty());
}

TEST_P(CallTest, AnErrorStatusIsAnAnswer) {
  serve(TestServer::answering(409, R"({"reason":"Conflict"})"));
  connect();
  const Answer answer = call(get());
  EXPECT_EQ(answer.status(), 409);
  EXPECT_EQ(answer.body(), R"({"reason":"Conflict"})");
}

TEST_P(CallTest, NeverFollowsARedirect) {
  ServerOptions options;
  options.identity = authority_.make_server("IP:127.0.0.1");
  TestServer target(std::move(options), TestServer::answering(200, "{}"));
  const std::string location = "Location: https://127.0.0.1:" + target.port() + "/stolen\r\n";
  serve([location](Peer& peer) {
    while (const auto request = peer.read_request()) peer.answer(std::stoi(request->target.substr(1)), "", location);
  });
  connect();
  for (const int status : {301, 302, 303, 307, 308}) {
    EXPECT_EQ(call(get("/" + std::to_string(status))).status(), status);
  }
  EXPECT_EQ(target.connections(), 0U);
}

TEST_P(CallTest, ReadsAnAnswerThatComesByteByByte) {
  serve([](Peer& peer) {
    peer.read_request();
    const std::string text =
        "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n "
        "\r\n5\r\nworld\r\n0\r\n\r\n";
    for (const char byte : text) peer.write({&byte, 1});
    peer.await_end();
  });
  connect();
  const Answer answer = call(get());
  EXPECT_EQ(answer.body(), "hello world");
  EXPECT_EQ((*answer.result)->head.content_type, "a/b");
}

TEST_P(CallTest, ReadsALargeAnswerAndSendsALargeRequest) {
  const std::string large(3U << 20U, 'x');
  serve([](Peer& peer) {
    while (const auto request = peer.read_request()) peer.answer(200, request->body);
  });
  connect();
  EXPECT_EQ(call(post("/api", large)).body(), large);
  EXPECT_EQ(call(post("/api", "small again")).body(), "small again");
}

TEST_P(CallTest, AnAnswerMayEndWithTheConnection) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
    peer.finish();
  });
  connect();
  EXPECT_EQ(call(get()).body(), "all of it");
}

TEST_P(CallTest, AnAnswerWithoutABodyIsWhole) {
  serve([](Peer& peer) {
    while (peer.read_request()) peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  });
  connect();
  EXPECT_EQ(call(get()).status(), 204);
  EXPECT_EQ(call(get()).status(), 204);
  EXPECT_LE(server_->connections(), kept_connections());
}

TEST_P(CallTest, ACutAnswerIsNoAnswer) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all of it");
    peer.finish();
  });
  connect();
  const Answer answer = call(get("/api/v1/pods?limit=5"));
  EXPECT_TRUE(answer.failed(ErrorCode::retry));
  EXPECT_EQ(answer.error().act, "GET /api/v1/pods");
}

TEST_P(CallTest, AnAnswerThatIsNoHttpIsAnError) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.write("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    peer.await_end();
  });
  connect();
  EXPECT_TRUE(call(get()).failed(ErrorCode::retry));
}

TEST_P(CallTest, RefusesAnAnswerThatSaysItIsTooLarge) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx");
    peer.await_end();
  });
  limits_.max_body = 1000;
  connect();
  const Answer answer = call(get());
  EXPECT_TRUE(answer.failed(ErrorCode::retry));
  EXPECT_THAT(answer.error().detail, HasSubstr("larger than the limit of 1000 bytes"));
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
}

TEST_P(CallTest, RefusesAnAnswerThatGrowsTooLarge) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.begin_chunks();
    while (peer.chunk(std::string(600, 'x'))) {
    }
  });
  limits_.max_body = 100'000;
  connect();
  EXPECT_THAT(call(get()).error().detail, HasSubstr("larger than the limit"));
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
}

TEST_P(CallTest, AnAnswerOfExactlyTheLimitIsTaken) {
  serve(TestServer::answering(200, std::string(1000, 'x')));
  limits_.max_body = 1000;
  connect();
  EXPECT_EQ(call(get()).body().size(), 1000U);
}

TEST_P(CallTest, SaysWhereNobodyListens) {
  serve(TestServer::answering(200, "{}"));
  kube::ClusterAccess nowhere = access();
  server_.reset();
  connect(nowhere);
  const Answer answer = call(get());
  EXPECT_TRUE(answer.failed(ErrorCode::retry));
  EXPECT_THAT(answer.error().detail, HasSubstr(is_asio() ? "connect to 127.0.0.1:" : "connect"));
}

TEST_P(CallTest, DestroyingItIsSilent) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.await_end();
  });
  connect();
  Answer on_wire;
  Answer in_line;
  send(get(), on_wire);
  EXPECT_TRUE(run_until([&] { return server_->seen().size() == 1; }));
  send(get(), in_line);
  transport_.reset();
  EXPECT_TRUE(run_until([&] { return all_ended(); })) << ended_of_all();
  run_ready();
  EXPECT_FALSE(on_wire.came() || in_line.came());
}

}  // namespace
}  // namespace transport_test
