#include "kube/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "unit/kube/temporary_folder.hpp"

namespace kube {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using State = Credentials::State;

constexpr const char* api_version = "client.authentication.k8s.io/v1";

class CredentialsTest : public testing::Test {
 protected:
  ClusterAccess access() {
    ClusterAccess result;
    result.server.host = "k";
    result.server.port = "443";
    result.authority.path = folder_.write("ca.crt", "CA");
    return result;
  }
  ClusterAccess access_by_plugin(const std::string& script) {
    ClusterAccess result = access();
    result.exec.emplace();
    result.exec->command = folder_.write_script("plugin", script);
    result.exec->api_version = api_version;
    return result;
  }
  static std::string answer(const std::string& status) {
    return "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":" +
           status + "}'\n";
  }
  /// Waits for the plugin that runs, and says how that went.
  base::Result<void> settle(Credentials& credentials) {
    base::Result<void> result = base::fail(ErrorCode::stopped, "wait", "the plugin was not heard of");
    bool told = false;
    credentials.when_ready([&](base::Result<void> outcome) {
      result = std::move(outcome);
      told = true;
    });
    loop_.restart();
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    while (!told && loop_.run_one_until(until) > 0) {
    }
    return result;
  }

  kube_test::TemporaryFolder folder_;
  boost::asio::io_context loop_;
  base::MonoTime now_{std::chrono::steady_clock::now()};
};

TEST_F(CredentialsTest, AStaticTokenIsReadyAtOnce) {
  ClusterAccess by_token = access();
  by_token.token.data = "abc";
  Credentials credentials(loop_, by_token);
  EXPECT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer abc");
  EXPECT_EQ(credentials.tls().authority, "CA");
  EXPECT_EQ(credentials.tls_version(), 1U);
}

TEST_F(CredentialsTest, ATokenFileIsReadAgainEachMinute) {
  ClusterAccess by_file = access();
  by_file.token.path = folder_.write("token", "one\n");
  Credentials credentials(loop_, by_file);
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer one");

  folder_.write("token", "two\n");
  ASSERT_EQ(credentials.refresh(now_ + seconds(59)), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer one");
  ASSERT_EQ(credentials.refresh(now_ + seconds(60)), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer two");
}

TEST_F(CredentialsTest, ATokenFileIsReadAgainAfterA401) {
  ClusterAccess by_file = access();
  by_file.token.path = folder_.write("token", "one");
  Credentials credentials(loop_, by_file);
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  folder_.write("token", "two");

  credentials.rejected("Bearer of long ago");
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer one") << "an answer to an older token says nothing of this one";
  credentials.rejected("Bearer one");
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer two");
}

TEST_F(CredentialsTest, WhatCannotBeReadLeavesWhatWeHad) {
  ClusterAccess by_file = access();
  by_file.token.path = folder_.write("token", "one");
  Credentials credentials(loop_, by_file);
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  std::filesystem::remove(by_file.token.path);
  std::filesystem::remove(by_file.authority.path);
  EXPECT_EQ(credentials.refresh(now_ + seconds(61)), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer one");
  EXPECT_EQ(credentials.tls(), (TlsMaterial{"CA", "", ""}));
}

TEST_F(CredentialsTest, AMissingFileIsAnErrorUntilItIsThere) {
  ClusterAccess by_file = access();
  by_file.token.path = folder_.path("token");
  Credentials credentials(loop_, by_file);
  const auto result = credentials.refresh(now_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::retry);
  EXPECT_THAT(result.error().act, HasSubstr(by_file.token.path));
  folder_.write("token", "late");
  EXPECT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer late");
}

TEST_F(CredentialsTest, ATokenThatWouldBreakTheHeaderIsRefused) {
  for (const char* text : {"", " \n", "a b", "a\r\nX-Evil: 1"}) {
    ClusterAccess by_file = access();
    by_file.token.path = folder_.write("token", text);
    Credentials credentials(loop_, by_file);
    const auto result = credentials.refresh(now_);
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(base::to_string(result.error()), Not(HasSubstr("Evil")));
  }
}

TEST_F(CredentialsTest, CertificatesAreReadAgainAfterATlsFailure) {
  ClusterAccess by_certificate = access();
  by_certificate.certificate.path = folder_.write("me.crt", "CERT");
  by_certificate.key.path = folder_.write("me.key", "KEY");
  Credentials credentials(loop_, by_certificate);
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.tls(), (TlsMaterial{"CA", "CERT", "KEY"}));

  credentials.tls_failed();
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.tls_version(), 1U) << "the same content is no rotation";
  folder_.write("me.crt", "CERT2");
  credentials.tls_failed();
  ASSERT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.tls().certificate, "CERT2");
  EXPECT_EQ(credentials.tls_version(), 2U);
}

TEST_F(CredentialsTest, APluginGivesATokenAndKnowsWhatItIsFor) {
  const std::string seen = folder_.path("seen");
  Credentials credentials(loop_, access_by_plugin("printf %s \"$KUBERNETES_EXEC_INFO\" > " + seen + "\n" +
                                                  answer(R"({"token":"from-plugin"})")));
  ASSERT_EQ(credentials.refresh(now_), State::waiting);
  ASSERT_TRUE(settle(credentials));
  EXPECT_EQ(credentials.refresh(now_), State::ready);
  EXPECT_EQ(credentials.authorization(), "Bearer from-plugin");
  EXPECT_EQ(read_text_file(seen).value_or(""),
            R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}})");
}

TEST_F(CredentialsTest, APluginGivesAClientCertificate) {
  Credentials credentials(loop_, access_by_plugin(answer(R"({"clientCertificateData":"CERT","clientKeyData":"KEY"})")));
  ASSERT_EQ(credentials.refresh(now_), State::waiting);
  ASSERT_TRUE(settle(credentials));
  EXPECT_EQ(credentials.tls(), (TlsMaterial{"CA", "CERT", "KEY"}));
  EXPECT_EQ(credentials.authorization(), "");
  EXPECT_EQ(credentials.tls_version(), 2U);
}

TEST_F(CredentialsTest, APluginRunsAgainBeforeItsTokenExpiresAndAfterA401) {
  const std::string runs = folder_.path("runs");
  const std::string expires =
      base::format_time(std::chrono::floor<milliseconds>(std::chrono::system_clock::now()) + seconds(3600));
  CredentialTimes times;
  times.plugin_pause = milliseconds(0);
  Credentials credentials(loop_,
                          access_by_plugin("echo x >> " + runs + "\n" +
                                           answer(R"({"token":"t","expirationTimestamp":")" + expires + R"("})")),
                          times);
  ASSERT_EQ(credentials.refresh(now_), State::waiting);
  ASSERT_TRUE(settle(credentials));
  EXPECT_EQ(credentials.refresh(now_ + seconds(3500)), State::ready);
  ASSERT_EQ(credentials.refresh(now_ + seconds(3595)), State::waiting);
  ASSERT_TRUE(settle(credentials));
  EXPECT_EQ(credentials.refresh(now_), State::ready);
  credentials.rejected("Bearer t");
  ASSERT_EQ(credentials.refresh(now_ + seconds(60)), State::waiting);
  ASSERT_TRUE(settle(credentials));
  EXPECT_EQ(read_text_file(runs).value_or(""), "x\nx\nx\n");
}

TEST_F(CredentialsTest, AFailedPluginIsNotRunForEachCallAnew) {
  Credentials credentials(loop_, access_by_plugin("exit 3\n"));
  ASSERT_EQ(credentials.refresh(now_), State::waiting);
  ASSERT_FALSE(settle(credentials));
  EXPECT_FALSE(credentials.refresh(std::chrono::steady_clock::now()));
  EXPECT_EQ(credentials.refresh(std::chrono::steady_clock::now() + seconds(2)), State::waiting);
}

class PluginFailureTest : public CredentialsTest {
 protected:
  std::string failure_of(const std::string& script, CredentialTimes times = {}) {
    ClusterAccess by_plugin = access_by_plugin(script);
    by_plugin.exec->install_hint = "get it from example.com";
    return failure_of(by_plugin, times);
  }
  std::string failure_of(const ClusterAccess& by_plugin, CredentialTimes times = {}) {
    Credentials credentials(loop_, by_plugin, times);
    EXPECT_EQ(credentials.refresh(now_), State::waiting);
    const auto result = settle(credentials);
    if (result) return "it succeeded";
    EXPECT_THAT(result.error().act, HasSubstr(by_plugin.exec->command));
    return result.error().detail;
  }
};

TEST_F(PluginFailureTest, SaysWhatFailedAndWhatToDo) {
  EXPECT_THAT(failure_of("echo s3cr3t; exit 3\n"),
              testing::AllOf(HasSubstr("exit code 3"), HasSubstr("example.com"), Not(HasSubstr("s3cr3t"))));
  EXPECT_THAT(failure_of("echo s3cr3t\n"), testing::AllOf(HasSubstr("no ExecCredential"), Not(HasSubstr("s3cr3t"))));
  EXPECT_THAT(failure_of("kill -9 $$\n"), HasSubstr("signal"));
  EXPECT_THAT(failure_of("head -c 2000000 /dev/zero\n"), HasSubstr("longer than 1 MiB"));
  EXPECT_THAT(failure_of(answer("{}")), HasSubstr("neither a token nor a client certificate"));
  EXPECT_THAT(failure_of(answer(R"({"clientKeyData":"KEY"})")), HasSubstr("without its certificate"));
  EXPECT_THAT(failure_of(answer(R"({"token":"a b"})")), HasSubstr("holds blanks"));
}

TEST_F(PluginFailureTest, SaysThatACommandIsNotThere) {
  ClusterAccess by_plugin = access_by_plugin("");
  by_plugin.exec->command = "no-such-plugin-anywhere";
  EXPECT_THAT(failure_of(by_plugin), HasSubstr("is it installed"));
}

TEST_F(PluginFailureTest, RefusesToRunWhatNeedsATerminal) {
  ClusterAccess by_plugin = access_by_plugin("");
  by_plugin.exec->needs_terminal = true;
  EXPECT_THAT(failure_of(by_plugin), HasSubstr("wants a terminal"));
}

TEST_F(PluginFailureTest, KillsAPluginThatTakesTooLongWithItsChildren) {
  CredentialTimes times;
  times.plugin_timeout = milliseconds(100);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(failure_of("sleep 60 & sleep 60\n", times), HasSubstr("did not end within 100 ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(10));
}

TEST_F(CredentialsTest, LettingGoKillsThePlugin) {
  const auto start = std::chrono::steady_clock::now();
  {
    Credentials credentials(loop_, access_by_plugin("sleep 60\n"));
    ASSERT_EQ(credentials.refresh(now_), State::waiting);
  }
  loop_.run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(10));
}

TEST_F(CredentialsTest, ReadsAPodsServiceAccount) {
  folder_.write("ca.crt", "CA");
  folder_.write("token", "abc");
  folder_.write("namespace", "shop\n");
  const auto access = in_cluster_access("fd00::1", "443", folder_.path("."));
  ASSERT_TRUE(access) << base::to_string(access.error());
  EXPECT_EQ(access->server.host, "fd00::1");
  EXPECT_EQ(access->server.other_host, "kubernetes.default.svc");
  EXPECT_EQ(access->namespace_, "shop");
  EXPECT_EQ(access->token.path, folder_.path("./token"));
}

TEST_F(CredentialsTest, SaysThatItIsInNoCluster) {
  EXPECT_EQ(in_cluster_access("", "").error().code, ErrorCode::not_found);
  const auto access = in_cluster_access("10.0.0.1", "443", folder_.path("empty"));
  ASSERT_FALSE(access);
  EXPECT_THAT(access.error().detail, HasSubstr("automountServiceAccountToken"));
}

}  // namespace
}  // namespace kube
