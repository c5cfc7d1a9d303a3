#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "operator/http_server.health.hpp"
#include "operator/http_server.tls.hpp"
#include "operator/logging.hpp"
#include "unit/operator/http_rig.hpp"

namespace shell {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::ServerRig;

struct Pair {
  std::string certificate;
  std::string key;
};

template <class Write>
std::string to_pem(Write write) {
  BIO* out = BIO_new(BIO_s_mem());
  write(out);
  char* bytes = nullptr;
  const auto length = BIO_get_mem_data(out, &bytes);
  std::string pem(bytes, static_cast<std::size_t>(length));
  BIO_free(out);
  return pem;
}

/// A self-signed certificate for that common name, with a key of its own.
Pair make_pair(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  Pair pair{to_pem([&](BIO* out) { PEM_write_bio_X509(out, certificate); }),
            to_pem([&](BIO* out) { PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); })};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

class HttpServerTls : public testing::Test {
 protected:
  HttpServerTls() : folder_(testing::TempDir() + "http_server_tls_test." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
    start_logging(LogLevel::info, LogFormat::text, std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_));
  }
  ~HttpServerTls() override {
    start_logging(LogLevel::info, LogFormat::text);
    SSL_CTX_free(client_);
    std::filesystem::remove_all(folder_);
  }

  TlsFiles files() const { return {folder_ + "/tls.crt", folder_ + "/tls.key"}; }
  void write_certificate(const std::string& bytes) const { std::ofstream(files().certificate) << bytes; }
  void write_key(const std::string& bytes) const { std::ofstream(files().key) << bytes; }
  void write(const Pair& pair) const {
    write_certificate(pair.certificate);
    write_key(pair.key);
  }
  HttpOptions options(HttpLimits limits = {}) const { return {.limits = limits, .tls = files()}; }

  /// The common name that a new connection is shown, and whether it gets an answer.
  std::string served(std::uint16_t port) {
    Client client(port, client_);
    if (!client.connected() || client.get("/x").body != "here") return "nothing";
    X509* certificate = SSL_get1_peer_certificate(client.ssl());
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    return name;
  }

  std::string folder_;
  std::ostringstream logged_;
  SSL_CTX* client_{SSL_CTX_new(TLS_client_method())};
  HttpHandler here_{make_handler([](const HttpQuestion&) { return HttpAnswer{.body = "here"}; })};
};

TEST_F(HttpServerTls, AnswersAndKeepsTheConnection) {
  write(make_pair("one"));
  ServerRig rig(here_, options());
  Client client(rig.port(), client_);
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.get("/x").body, "here");
  EXPECT_EQ(client.get("/x", "Connection: close\r\n").body, "here");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTls, WithoutFilesItMakesACertificateOfItsOwn) {
  ServerRig rig(here_, {.self_signed = true});
  EXPECT_EQ(served(rig.port()), "todoapp-operator");
  EXPECT_EQ(served(rig.port()), "todoapp-operator") << "nothing is looked for on disk";
}

TEST_F(HttpServerTls, ServesAChangedPairToNewConnectionsOnly) {
  write(make_pair("one"));
  ServerRig rig(here_, options());
  Client before(rig.port(), client_);
  EXPECT_EQ(served(rig.port()), "one");
  write(make_pair("two"));
  EXPECT_EQ(served(rig.port()), "two");
  EXPECT_EQ(before.get("/x").body, "here");
}

TEST_F(HttpServerTls, KeepsTheOldPairUntilTheNewOneFitsAndComplainsOnce) {
  const auto two = make_pair("two");
  write(make_pair("one"));
  ServerRig rig(here_, options());
  write_certificate(two.certificate);
  EXPECT_EQ(served(rig.port()), "one");
  EXPECT_EQ(served(rig.port()), "one");
  write_key(two.key);
  EXPECT_EQ(served(rig.port()), "two");
  rig.drop();
  const auto logged = logged_.str();
  EXPECT_EQ(std::count(logged.begin(), logged.end(), '\n'), 1) << logged;
  EXPECT_NE(logged.find("Kept the previous serving certificate"), std::string::npos) << logged;
  EXPECT_EQ(logged.find("PRIVATE KEY"), std::string::npos);
}

TEST_F(HttpServerTls, KeepsTheOldPairWhereTheFilesAreGone) {
  write(make_pair("one"));
  ServerRig rig(here_, options());
  std::filesystem::remove(files().key);
  EXPECT_EQ(served(rig.port()), "one");
  EXPECT_EQ(served(rig.port()), "one");
  rig.drop();
  const auto logged = logged_.str();
  EXPECT_EQ(std::count(logged.begin(), logged.end(), '\n'), 1) << logged;
}

TEST_F(HttpServerTls, RotatesWithoutAFailedQuestion) {
  write(make_pair("zero"));
  ServerRig rig(here_, options());
  for (int round = 1; round <= 10; ++round) {
    const auto pair = make_pair(std::to_string(round));
    EXPECT_NE(served(rig.port()), "nothing");
    write_key(pair.key);
    EXPECT_NE(served(rig.port()), "nothing");
    write_certificate(pair.certificate);
    EXPECT_EQ(served(rig.port()), std::to_string(round));
  }
}

TEST_F(HttpServerTls, ClosesAClientThatSpeaksPlainHttp) {
  write(make_pair("one"));
  ServerRig rig(here_, options());
  Client client(rig.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_NE(client.reply().status, 200);
  EXPECT_EQ(served(rig.port()), "one");
}

TEST_F(HttpServerTls, ClosesAClientThatDoesNotFinishTheHandshake) {
  write(make_pair("one"));
  ServerRig rig(here_, options({.header = 50ms}));
  Client client(rig.port());
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTls, RefusesOldVersions) {
  write(make_pair("one"));
  ServerRig rig(here_, options());
  SSL_CTX_set_max_proto_version(client_, TLS1_1_VERSION);
  SSL_CTX_set_security_level(client_, 0);
  EXPECT_FALSE(Client(rig.port(), client_).connected());
}

TEST_F(HttpServerTls, DoesNotStartWithoutAPairThatFits) {
  const auto one = make_pair("one");
  const auto reason = [&](const std::string& certificate, const std::string& key) {
    write({certificate, key});
    const auto loaded = TlsSource::load(files());
    return loaded ? "none" : to_string(loaded.error());
  };
  EXPECT_EQ(reason(one.certificate, one.key), "none");
  EXPECT_NE(reason("nonsense", one.key).find("tls.crt holds no certificate in PEM"), std::string::npos);
  EXPECT_NE(reason(one.certificate, "").find("tls.key holds no key in PEM that fits"), std::string::npos);
  EXPECT_NE(reason(one.certificate, make_pair("two").key).find("tls.key holds no key in PEM that fits"),
            std::string::npos);
  EXPECT_NE(reason(std::string(70'000, 'x'), one.key).find("larger than 64 KiB"), std::string::npos);
  std::filesystem::remove(files().certificate);
  const auto missing = TlsSource::load(files());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::ErrorCode::invalid);
  EXPECT_NE(missing.error().detail.find("tls.crt cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace shell
