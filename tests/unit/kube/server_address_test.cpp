#include "kube/server_address.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace kube {
namespace {

TEST(ServerAddress, IsReadFromAUrl) {
  const auto server = parse_server_url("https://api.example:6443/k8s/clusters/c-1/");
  ASSERT_TRUE(server);
  EXPECT_TRUE(server->tls);
  EXPECT_EQ(std::tie(server->host, server->port, server->base_path),
            std::make_tuple(std::string("api.example"), std::string("6443"), std::string("/k8s/clusters/c-1")));
}

TEST(ServerAddress, HasThePortOfItsScheme) {
  EXPECT_EQ(parse_server_url("https://api.example")->port, "443");
  EXPECT_EQ(parse_server_url("http://127.0.0.1")->port, "80");
}

TEST(ServerAddress, KeepsAnIpv6HostWithoutBracketsAndWritesItWithThem) {
  const auto server = parse_server_url("https://[fd00::1]:6443");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->host, "fd00::1");
  EXPECT_EQ(authority(*server), "[fd00::1]:6443");
  EXPECT_TRUE(is_ipv6_address(server->host));
}

TEST(ServerAddress, IsRefusedWhereATokenWouldLeaveTheMachineInTheClearOrTheUrlIsNone) {
  for (const auto* url : {"", "k:6443", "http://api.example", "http://10.0.0.1", "ftp://api.example", "https://",
                          "https://:1", "https://k:0", "https://k:65536", "https://api.example:notaport",
                          "https://[::1", "https://[k]:1", "https://::1", "https://a b",
                          "https://user:word@api.example", "https://k?x=1", "https://k#x", "https://k\r\nX: y"}) {
    const auto server = parse_server_url(url);
    ASSERT_FALSE(server) << url;
    EXPECT_EQ(server.error().code, base::ErrorCode::invalid) << url;
  }
}

TEST(ServerAddress, TellsNamesFromAddresses) {
  EXPECT_TRUE(is_ip_address("10.96.0.1"));
  EXPECT_TRUE(is_ip_address("::1"));
  EXPECT_FALSE(is_ip_address("kubernetes.default.svc"));
  EXPECT_FALSE(is_ipv6_address("10.96.0.1"));
}

}  // namespace
}  // namespace kube
