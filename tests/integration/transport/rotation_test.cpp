// Tokens, certificates and authorities that change while we run, and plugins that give them.
#include <algorithm>

#include "integration/transport/transport_test.hpp"

namespace transport_test {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

class RotationTest : public TransportTest {
 protected:
  /// Answers 401 to every token but this one.
  void serve_for_token(const std::string& token) {
    serve([token](Peer& peer) {
      while (const auto request = peer.read_request()) {
        const auto header = request->headers.find("authorization");
        const bool good = header != request->headers.end() && header->second == "Bearer " + token;
        peer.answer(good ? 200 : 401, "{}");
      }
    });
  }
  kube::ClusterAccess access_by_plugin(const std::string& script) {
    kube::ClusterAccess result = access();
    result.token = {};
    result.exec.emplace();
    result.exec->command = folder_.write_script("plugin", script);
    result.exec->api_version = "client.authentication.k8s.io/v1";
    return result;
  }
};
TODOAPP_FOR_BOTH_TRANSPORTS(RotationTest);

TEST_P(RotationTest, ANewTokenIsUsedAfterA401) {
  serve_for_token("t-2");
  connect();
  EXPECT_EQ(call(get()).status(), 401);
  folder_.write("token", "t-2");
  EXPECT_EQ(call(get()).status(), 200);
  EXPECT_EQ(call(post("/api", "{}")).status(), 200);
  EXPECT_LE(server_->connections(), kept_connections()) << "a new token needs no new connection";
}

TEST_P(RotationTest, ANewTokenIsUsedAfterA401ToAStream) {
  serve_for_token("t-2");
  connect();
  Stream watch;
  stream(get("/watch"), watch);
  ASSERT_TRUE(run_until([&] { return watch.ended(); }));
  EXPECT_EQ(watch.head->status, 401);
  folder_.write("token", "t-2");
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(RotationTest, ATokenIsReadAgainInTime) {
  serve_for_token("t-2");
  times_.reread = std::chrono::milliseconds(0);
  connect();
  folder_.write("token", "t-2");
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(RotationTest, AMissingTokenFileIsToldToTheCaller) {
  serve_for_token("t-1");
  kube::ClusterAccess by_file = access();
  std::filesystem::remove(by_file.token.path);
  connect(by_file);
  const Answer answer = call(get());
  EXPECT_TRUE(answer.failed(ErrorCode::retry));
  EXPECT_THAT(base::to_string(answer.error()), HasSubstr(by_file.token.path));
  Stream watch;
  stream(get(), watch);
  EXPECT_TRUE(run_until([&] { return watch.ended(); }));
}

TEST_P(RotationTest, ANewClientCertificateIsUsedForNewRequests) {
  ServerOptions options;
  options.identity = authority_.make_server("IP:127.0.0.1");
  options.client_authority = authority_.pem();
  serve(std::move(options), [](Peer& peer) {
    while (peer.read_request()) peer.answer(peer.client_name() == "new" ? 200 : 401, peer.client_name());
  });
  const Identity old_one = authority_.make_client("old");
  kube::ClusterAccess by_certificate = access();
  by_certificate.token = {};
  by_certificate.certificate.path = folder_.write("me.crt", old_one.certificate);
  by_certificate.key.path = folder_.write("me.key", old_one.key);
  connect(by_certificate);
  EXPECT_EQ(call(get()).status(), 401);

  // Half a rotation: a certificate and a key that do not fit. What we had serves on.
  const Identity new_one = authority_.make_client("new");
  folder_.write("me.crt", new_one.certificate);
  EXPECT_EQ(call(get()).body(), "old");
  folder_.write("me.key", new_one.key);
  EXPECT_EQ(call(get()).body(), "new");
  EXPECT_GE(server_->connections(), 2U) << "the kept connection is the old certificate's";
}

TEST_P(RotationTest, AClientCertificateThatIsRefusedIsReadAgain) {
  const Authority clients("clients");
  ServerOptions options;
  options.identity = authority_.make_server("IP:127.0.0.1");
  options.client_authority = clients.pem();
  serve(std::move(options), TestServer::answering(200, "{}"));
  const Identity stranger = Authority("stranger").make_client("me");
  kube::ClusterAccess by_certificate = access();
  by_certificate.token = {};
  by_certificate.certificate.path = folder_.write("me.crt", stranger.certificate);
  by_certificate.key.path = folder_.write("me.key", stranger.key);
  connect(by_certificate);
  EXPECT_TRUE(call(get()).failed(ErrorCode::retry));

  const Identity good = clients.make_client("me");
  folder_.write("me.crt", good.certificate);
  folder_.write("me.key", good.key);
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(RotationTest, ANewAuthorityIsTrustedOnceItsFileSaysSo) {
  const Authority next("next");
  ServerOptions options;
  options.identity = next.make_server("IP:127.0.0.1");
  serve(std::move(options), TestServer::answering(200, "{}"));
  connect();
  EXPECT_TRUE(call(get()).failed(ErrorCode::retry));
  folder_.write("ca.crt", authority_.pem() + next.pem());
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(RotationTest, CallsWaitForAPluginThatRunsOnce) {
  serve_for_token("from-plugin");
  connect(access_by_plugin("echo run >> " + folder_.path("runs") +
                           "\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
                           "\"status\":{\"token\":\"from-plugin\"}}'\n"));
  std::vector<Answer> answers(5);
  for (Answer& answer : answers) send(get(), answer);
  Stream watch;
  stream(get("/watch"), watch);
  EXPECT_TRUE(run_until([&] { return watch.ended() && std::ranges::all_of(answers, &Answer::came); }));
  for (const Answer& answer : answers) EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(watch.head->status, 200);
  EXPECT_EQ(kube::read_text_file(folder_.path("runs")).value_or(""), "run\n");
}

TEST_P(RotationTest, AFailedPluginIsToldToItsCallers) {
  serve_for_token("never");
  const kube::ClusterAccess by_plugin = access_by_plugin("exit 1\n");
  connect(by_plugin);
  const Answer answer = call(get());
  EXPECT_TRUE(answer.failed(ErrorCode::retry));
  EXPECT_THAT(answer.error().act, HasSubstr(by_plugin.exec->command));
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_P(RotationTest, ACallWhosePluginHangsEndsAtItsDeadline) {
  serve_for_token("never");
  connect(access_by_plugin("sleep 60\n"));
  kube::Request request = get();
  request.deadline = std::chrono::milliseconds(200);
  EXPECT_EQ(call(request).error().detail, "no answer within 0.2 s");
  close_transport();
  credentials_.reset();
}

}  // namespace
}  // namespace transport_test
