#include "kube/request.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kube {
namespace {

constexpr const char* metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr const char* metadata_list = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

const Resource cluster_wide{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition",
                            false};

TEST(RequestTest, GetsAnObjectOfTheCoreGroup) {
  Request expected;
  expected.target = "/api/v1/namespaces/shop/configmaps/todo-config";
  EXPECT_EQ(make_get(resources::config_maps(), {"shop", "todo-config"}), expected);
}

TEST(RequestTest, GetsAnObjectOfANamedGroup) {
  EXPECT_EQ(make_get(resources::deployments(), {"shop", "todo"}).target,
            "/apis/apps/v1/namespaces/shop/deployments/todo");
}

TEST(RequestTest, GetsAnObjectThatLiesInNoNamespace) {
  EXPECT_EQ(make_get(cluster_wide, {"ignored", "apps.example"}).target,
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/apps.example");
}

TEST(RequestTest, AsksForTheMetadataOfOneObject) {
  EXPECT_EQ(make_get(resources::secrets(), {"shop", "s"}, Accept::metadata).accept, metadata);
}

TEST(RequestTest, ListsAllNamespacesWhereNoneIsNamed) {
  EXPECT_EQ(make_list(resources::pods(), "", {}).target, "/api/v1/pods");
}

TEST(RequestTest, ListsInPagesFromAVersionBySelectors) {
  ListOptions options;
  options.limit = 100;
  options.continue_token = "a/b==";
  options.resource_version = "0";
  options.resource_version_match = "NotOlderThan";
  options.label_selector = "app in (a, b),tier=web";
  options.field_selector = "metadata.name=x";
  const Request request = make_list(resources::pods(), "shop", options, Accept::metadata);
  EXPECT_EQ(request.method, Method::get);
  EXPECT_EQ(request.target,
            "/api/v1/namespaces/shop/pods?limit=100&continue=a%2Fb%3D%3D&resourceVersion=0"
            "&resourceVersionMatch=NotOlderThan&labelSelector=app%20in%20%28a%2C%20b%29%2Ctier%3Dweb"
            "&fieldSelector=metadata.name%3Dx");
  EXPECT_EQ(request.accept, metadata_list);
}

TEST(RequestTest, WatchesFromAVersionWithBookmarks) {
  WatchOptions options;
  options.resource_version = "77";
  options.timeout = std::chrono::seconds(300);
  const Request request = make_watch(resources::services(), "shop", options, Accept::metadata);
  EXPECT_EQ(
      request.target,
      "/api/v1/namespaces/shop/services?watch=true&allowWatchBookmarks=true&resourceVersion=77&timeoutSeconds=300");
  EXPECT_EQ(request.accept, metadata) << "a watch sends single objects, not lists";
  EXPECT_EQ(request.idle, std::chrono::seconds(150));
}

TEST(RequestTest, WatchesFromTheInitialEventsOn) {
  WatchOptions options;
  options.send_initial_events = true;
  options.label_selector = "app=x";
  EXPECT_EQ(make_watch(resources::pods(), "", options).target,
            "/api/v1/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
            "&labelSelector=app%3Dx");
}

TEST(RequestTest, Creates) {
  const Request request = make_create(resources::events(), "shop", "{}");
  EXPECT_EQ(request.method, Method::post);
  EXPECT_EQ(request.target, "/apis/events.k8s.io/v1/namespaces/shop/events?fieldManager=todoapp-operator");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.body, "{}");
}

TEST(RequestTest, AppliesStrictlyAndByForce) {
  const Request request = make_apply(resources::deployments(), {"shop", "todo"}, R"({"a":1})");
  EXPECT_EQ(request.method, Method::patch);
  EXPECT_EQ(
      request.target,
      "/apis/apps/v1/namespaces/shop/deployments/todo?fieldManager=todoapp-operator&force=true&fieldValidation=Strict");
  EXPECT_EQ(request.content_type, "application/apply-patch+yaml");
  EXPECT_EQ(request.body, R"({"a":1})");
}

TEST(RequestTest, AppliesWithoutLastingEffect) {
  WriteOptions options;
  options.dry_run = true;
  options.subresource = "status";
  options.accept = Accept::metadata;
  const Request request = make_apply(resources::deployments(), {"shop", "todo"}, "{}", options);
  EXPECT_EQ(request.target,
            "/apis/apps/v1/namespaces/shop/deployments/todo/status?dryRun=All&fieldManager=todoapp-operator&force=true"
            "&fieldValidation=Strict");
  EXPECT_EQ(request.accept, metadata);
}

TEST(RequestTest, PatchesTheStatus) {
  WriteOptions options;
  options.subresource = "status";
  const Request merge = make_merge_patch(resources::jobs(), {"shop", "j"}, "{}", options);
  EXPECT_EQ(merge.method, Method::patch);
  EXPECT_EQ(merge.target, "/apis/batch/v1/namespaces/shop/jobs/j/status?fieldManager=todoapp-operator");
  EXPECT_EQ(merge.content_type, "application/merge-patch+json");
  EXPECT_EQ(make_json_patch(resources::jobs(), {"shop", "j"}, "[]").content_type, "application/json-patch+json");
}

TEST(RequestTest, Updates) {
  const Request request = make_update(resources::leases(), {"sys", "leader"}, "{}");
  EXPECT_EQ(request.method, Method::put);
  EXPECT_EQ(request.target, "/apis/coordination.k8s.io/v1/namespaces/sys/leases/leader?fieldManager=todoapp-operator");
}

TEST(RequestTest, DeletesOnlyTheObjectThatWasMeant) {
  DeleteOptions options;
  options.uid = "u-1";
  options.resource_version = "12";
  const Request request = make_delete(resources::services(), {"shop", "todo"}, options);
  EXPECT_EQ(request.method, Method::del);
  EXPECT_EQ(request.target, "/api/v1/namespaces/shop/services/todo");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(request.body), nlohmann::json::parse(R"({"apiVersion":"v1","kind":"DeleteOptions",
      "propagationPolicy":"Background","preconditions":{"uid":"u-1","resourceVersion":"12"}})"));
}

TEST(RequestTest, DeletesInTheForegroundWithoutLastingEffect) {
  DeleteOptions options;
  options.propagation = "Foreground";
  options.dry_run = true;
  EXPECT_EQ(nlohmann::json::parse(make_delete(resources::services(), {"shop", "todo"}, options).body),
            nlohmann::json::parse(R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground",
                "dryRun":["All"]})"));
}

TEST(RequestTest, NoNameEscapesFromItsSegment) {
  EXPECT_EQ(make_get(resources::pods(), {"../..", "a/b?c#d e\r\n"}).target,
            "/api/v1/namespaces/..%2F../pods/a%2Fb%3Fc%23d%20e%0D%0A");
  EXPECT_EQ(percent_encode("\xC3\xA9~"), "%C3%A9~");
}

}  // namespace
}  // namespace kube
