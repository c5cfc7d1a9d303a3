// Whom a transport trusts, and who it says it is.
#include <cstdlib>

#include "integration/transport/transport_test.hpp"

namespace transport_test {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

class TlsTest : public TransportTest {
 protected:
  TestServer& serve_as(const Identity& identity, const std::string& address = "127.0.0.1") {
    ServerOptions options;
    options.identity = identity;
    options.address = address;
    return serve(std::move(options), TestServer::answering(200, "{}"));
  }
  void expect_refused() {
    const Answer answer = call(get());
    EXPECT_TRUE(answer.failed(ErrorCode::retry)) << answer.status();
    EXPECT_TRUE(server_->seen().empty()) << "a token was shown to a stranger";
  }
};
TODOAPP_FOR_BOTH_TRANSPORTS(TlsTest);

TEST_P(TlsTest, TrustsTheClustersAuthority) {
  serve_as(authority_.make_server("DNS:localhost"));
  connect(access("localhost"));
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(TlsTest, TrustsNoOtherAuthority) {
  serve_as(Authority("stranger").make_server("IP:127.0.0.1"));
  connect();
  expect_refused();
}

TEST_P(TlsTest, TrustsNotTheSystemsAuthorities) {
  const Authority system("system");
  // OpenSSL reads its default authorities from there.
  ::setenv("SSL_CERT_FILE", folder_.write("system.crt", system.pem()).c_str(), 1);
  serve_as(system.make_server("IP:127.0.0.1"));
  connect();
  expect_refused();
  ::unsetenv("SSL_CERT_FILE");
}

TEST_P(TlsTest, RefusesACertificateForAnotherName) {
  serve_as(authority_.make_server("DNS:other.example"));
  connect(access("localhost"));
  expect_refused();
}

TEST_P(TlsTest, RefusesACertificateForAnotherAddress) {
  serve_as(authority_.make_server("IP:127.0.0.2,DNS:localhost"));
  connect();
  expect_refused();
}

TEST_P(TlsTest, AcceptsAnAddressAmongTheAlternativeNames) {
  serve_as(authority_.make_server("DNS:other.example,IP:127.0.0.1"));
  connect();
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(TlsTest, ShowsItsClientCertificate) {
  ServerOptions options;
  options.identity = authority_.make_server("IP:127.0.0.1");
  options.client_authority = authority_.pem();
  serve(std::move(options), [](Peer& peer) {
    while (peer.read_request()) peer.answer(200, peer.client_name());
  });
  const Identity client = authority_.make_client("todoapp");
  kube::ClusterAccess by_certificate = access();
  by_certificate.token = {};
  by_certificate.certificate.data = client.certificate;
  by_certificate.key.data = client.key;
  connect(by_certificate);
  EXPECT_EQ(call(get()).body(), "todoapp");
  EXPECT_FALSE(server_->seen().at(0).headers.contains("authorization"));
}

TEST_P(TlsTest, SaysWhichCertificateItCannotUse) {
  serve_as(authority_.make_server("IP:127.0.0.1"));
  kube::ClusterAccess broken = access();
  broken.authority = {"no certificate", ""};
  connect(broken);
  EXPECT_THAT(base::to_string(call(get()).error()), HasSubstr("certificate authority"));

  broken = access();
  broken.certificate.data = authority_.make_client("a").certificate;
  broken.key.data = authority_.make_client("b").key;
  connect(broken);
  EXPECT_THAT(base::to_string(call(get()).error()), HasSubstr("client key"));
}

TEST_P(TlsTest, SpeaksToAnIpv6Address) {
  serve_as(authority_.make_server("IP:::1,DNS:localhost"), "::1");
  connect(access("::1"));
  const Answer answer = call(get());
  if (is_asio()) {
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(server_->seen().at(0).headers.at("host"), "[::1]:" + server_->port());
    return;
  }
  EXPECT_TRUE(answer.failed(ErrorCode::invalid));
  EXPECT_THAT(answer.error().detail, HasSubstr("IPv6"));
}

TEST_P(TlsTest, GoesByTheClustersNameWhereItCannotByTheAddress) {
  serve_as(authority_.make_server("IP:::1,DNS:localhost"), is_asio() ? "::1" : "127.0.0.1");
  kube::ClusterAccess in_cluster = access("::1");
  in_cluster.server.other_host = "localhost";
  connect(in_cluster);
  EXPECT_EQ(call(get()).status(), 200);
}

TEST_P(TlsTest, VerifiesTheNameThatTheKubeconfigGives) {
  serve_as(authority_.make_server("DNS:api.example"));
  kube::ClusterAccess named = access();
  named.server.tls_name = "api.example";
  connect(named);
  const Answer answer = call(get());
  if (is_asio()) {
    EXPECT_EQ(answer.status(), 200);
  } else {
    EXPECT_TRUE(answer.failed(ErrorCode::invalid));
  }
}

TEST_P(TlsTest, SpeaksPlainHttpToTheLoopback) {
  ServerOptions options;
  options.tls = false;
  serve(std::move(options), TestServer::answering(200, "{}"));
  kube::ClusterAccess plain = access();
  plain.server = kube::parse_server_url("http://127.0.0.1:" + server_->port()).value();
  plain.authority = {};
  connect(plain);
  EXPECT_EQ(call(get()).status(), 200);
}

}  // namespace
}  // namespace transport_test
