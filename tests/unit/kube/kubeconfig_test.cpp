#include "kube/kubeconfig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/kube/temporary_folder.hpp"

namespace kube {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

constexpr const char* typical = R"(
apiVersion: v1
kind: Config
current-context: dev
preferences: {colors: true}
contexts:
- name: dev
  context: {cluster: local, user: me, namespace: shop}
- name: plain
  context: {cluster: local, user: me}
- name: broken
  context: {cluster: nowhere, user: me}
clusters:
- name: local
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority-data: Q0E=
    extensions: []
users:
- name: me
  user: {token: t0ken}
)";

/// One context "c" with the given cluster and user bodies.
std::string config_of(const std::string& cluster, const std::string& user) {
  return "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
}

constexpr const char* good_cluster = "server: https://k:6443, certificate-authority-data: Q0E=";

class KubeconfigTest : public testing::Test {
 protected:
  base::Result<ClusterAccess> read(const std::string& text, std::string_view context = {}) {
    return read_kubeconfig({folder_.write("config", text)}, context);
  }
  std::string detail_of(const std::string& cluster, const std::string& user) {
    const auto result = read(config_of(cluster, user));
    if (result) return "it was accepted";
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
    EXPECT_THAT(result.error().act, HasSubstr(folder_.path("config")));
    EXPECT_THAT(result.error().act, HasSubstr("context \"c\""));
    return result.error().detail;
  }

  kube_test::TemporaryFolder folder_;
};

TEST_F(KubeconfigTest, ReadsTheCurrentContext) {
  const auto access = read(typical);
  ASSERT_TRUE(access) << base::to_string(access.error());
  ClusterAccess expected;
  expected.server.host = "127.0.0.1";
  expected.server.port = "6443";
  expected.authority.data = "CA";
  expected.token.data = "t0ken";
  expected.namespace_ = "shop";
  EXPECT_EQ(*access, expected);
}

TEST_F(KubeconfigTest, ReadsAnotherContextWhenItIsNamed) {
  const auto access = read(typical, "plain");
  ASSERT_TRUE(access);
  EXPECT_EQ(access->namespace_, "default");
}

TEST_F(KubeconfigTest, TheFirstFileToNameSomethingCounts) {
  const std::string first = folder_.write("one", R"(
contexts: [{name: dev, context: {cluster: local, user: me, namespace: from-one}}]
users: [{name: me, user: {token: first}}]
)");
  const auto access = read_kubeconfig({folder_.path("missing"), first, folder_.write("two", typical)}, "");
  ASSERT_TRUE(access) << base::to_string(access.error());
  EXPECT_EQ(access->namespace_, "from-one");
  EXPECT_EQ(access->token.data, "first");
  EXPECT_EQ(access->server.host, "127.0.0.1") << "what the first file lacks comes from the next";
}

TEST_F(KubeconfigTest, PathsAreRelativeToTheFileTheyStandIn) {
  const auto access = read(config_of("server: https://k, certificate-authority: pki/ca.crt, tls-server-name: api",
                                     "client-certificate: ../me.crt, client-key: /etc/me.key, tokenFile: t, token: x"));
  ASSERT_TRUE(access) << base::to_string(access.error());
  EXPECT_EQ(access->authority.path, folder_.path("pki/ca.crt"));
  EXPECT_EQ(access->certificate.path, std::filesystem::path(folder_.path("../me.crt")).lexically_normal().string());
  EXPECT_EQ(access->key.path, "/etc/me.key");
  EXPECT_EQ(access->token, (Material{"", folder_.path("t")})) << "a token file wins over a token";
  EXPECT_EQ(access->server.tls_name, "api");
  EXPECT_EQ(access->server.port, "443");
}

TEST_F(KubeconfigTest, DataWinsOverPaths) {
  const auto access =
      read(config_of(std::string(good_cluster) + ", certificate-authority: /x",
                     "client-certificate-data: Q0VSVA==, client-certificate: /y, client-key-data: S0VZ"));
  ASSERT_TRUE(access) << base::to_string(access.error());
  EXPECT_EQ(access->authority, (Material{"CA", ""}));
  EXPECT_EQ(access->certificate, (Material{"CERT", ""}));
  EXPECT_EQ(access->key, (Material{"KEY", ""}));
}

TEST_F(KubeconfigTest, ReadsAnExecPlugin) {
  const auto access = read(config_of(good_cluster,
                                     "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/login, "
                                     "args: [token, --now], env: [{name: A, value: b}], interactiveMode: IfAvailable, "
                                     "installHint: get it, provideClusterInfo: true}"));
  ASSERT_TRUE(access) << base::to_string(access.error());
  ASSERT_TRUE(access->exec);
  EXPECT_EQ(access->exec->command, folder_.path("bin/login"));
  EXPECT_EQ(access->exec->arguments, (std::vector<std::string>{"token", "--now"}));
  EXPECT_EQ(access->exec->environment, (std::vector<std::pair<std::string, std::string>>{{"A", "b"}}));
  EXPECT_EQ(access->exec->install_hint, "get it");
  EXPECT_FALSE(access->exec->needs_terminal);
  EXPECT_EQ(nlohmann::json::parse(access->exec->cluster_info),
            nlohmann::json::parse(R"({"server":"https://k:6443","certificate-authority-data":"Q0E="})"));
}

TEST_F(KubeconfigTest, ABareCommandIsLookedUpInThePath) {
  const auto access =
      read(config_of(good_cluster, "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}"));
  ASSERT_TRUE(access);
  EXPECT_EQ(access->exec->command, "aws");
}

TEST_F(KubeconfigTest, RefusesWhatItWillNotDoAndSaysWhatToDo) {
  const std::string cluster = good_cluster;
  EXPECT_THAT(detail_of("server: https://k, insecure-skip-tls-verify: true", ""), HasSubstr("tls-server-name"));
  EXPECT_THAT(detail_of(cluster + ", proxy-url: http://p", ""), HasSubstr("proxy-url is not supported"));
  EXPECT_THAT(detail_of(cluster, "username: a, password: hunter2"), HasSubstr("use a token"));
  EXPECT_THAT(detail_of(cluster, "auth-provider: {name: gcp}"), HasSubstr("use an exec plugin"));
  EXPECT_THAT(detail_of(cluster, "as: admin, token: t"), HasSubstr("impersonation"));
  EXPECT_THAT(detail_of(cluster, "client-certificate-data: Q0VSVA=="), HasSubstr("go together"));
  EXPECT_THAT(detail_of(cluster, "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
              HasSubstr("update the plugin"));
  EXPECT_THAT(detail_of(cluster, "exec: {apiVersion: client.authentication.k8s.io/v1}"), HasSubstr("no command"));
}

TEST_F(KubeconfigTest, RefusesBadClusters) {
  EXPECT_THAT(detail_of("certificate-authority-data: Q0E=", ""), HasSubstr("names no server"));
  EXPECT_THAT(detail_of("server: https://k", ""), HasSubstr("set certificate-authority-data"));
  EXPECT_THAT(detail_of("server: https://k, certificate-authority-data: '%%'", ""), HasSubstr("no base64"));
  EXPECT_THAT(detail_of("server: http://k.example", ""), HasSubstr("use https://"));
}

TEST_F(KubeconfigTest, SaysWhatIsMissing) {
  EXPECT_THAT(read(typical, "prod").error().detail, HasSubstr("kubectl config get-contexts"));
  EXPECT_EQ(read(typical, "prod").error().code, ErrorCode::not_found);
  EXPECT_THAT(read(typical, "broken").error().detail, HasSubstr("its cluster \"nowhere\" is not in the kubeconfig"));
  EXPECT_THAT(read("contexts: []\n").error().detail, HasSubstr("name a context with --context"));
  const auto nothing = read_kubeconfig({folder_.path("nope")}, "");
  EXPECT_EQ(nothing.error().code, ErrorCode::not_found);
  EXPECT_THAT(nothing.error().detail, HasSubstr(folder_.path("nope")));
}

TEST_F(KubeconfigTest, RefusesWhatIsNoKubeconfig) {
  for (const char* text :
       {"- a\n- b\n", "just words", "a: [", "{{{{", "contexts: {name: 3}\ncurrent-context: x",
        "contexts: [1, {name: c}, [], {name: c, context: 5}]\ncurrent-context: c", "\xff\xfe", "&a [*a]"}) {
    EXPECT_FALSE(read(text)) << text;
  }
}

TEST_F(KubeconfigTest, NoSecretGetsIntoAnError) {
  const std::string secret = "s3cr3t";
  const auto unreadable = read("token: " + secret + "\n  bad: [" + secret);
  ASSERT_FALSE(unreadable);
  EXPECT_THAT(base::to_string(unreadable.error()), Not(HasSubstr(secret)));
  EXPECT_THAT(detail_of("server: https://me:" + secret + "@k, certificate-authority-data: Q0E=", ""),
              Not(HasSubstr(secret)));
}

TEST_F(KubeconfigTest, LooksWhereItIsTold) {
  ::setenv("KUBECONFIG", ":/a::/b:", 1);
  EXPECT_EQ(kubeconfig_files(""), (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(kubeconfig_files("/c"), (std::vector<std::string>{"/c"}));
  ::unsetenv("KUBECONFIG");
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(kubeconfig_files(""), (std::vector<std::string>{"/home/me/.kube/config"}));
}

}  // namespace
}  // namespace kube
