#include "kube/model/subset.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kube {
namespace {

TEST(Subset, SeesWhatSomebodyAddsToASelector) {
  const auto service = [](const char* selector) { return std::string(R"({"spec":{"selector":)") + selector + "}}"; };
  EXPECT_TRUE(is_subset(service(R"({"app":"todo"})"), service(R"({"app":"todo"})")));
  EXPECT_FALSE(is_subset(service(R"({"app":"todo"})"), service(R"({"app":"todo","tier":"x"})")));
}

struct Row {
  const char* name;
  const char* intent;
  const char* live;
  bool subset;
};

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    EXPECT_EQ(is_subset(row.intent, row.live), row.subset) << row.name;
  }
}

TEST(Subset, ComparesFieldsThatTheIntentSets) {
  check({
      {"equal", R"({"a":1})", R"({"a":1})", true},
      {"the server added one", R"({"a":1})", R"({"a":1,"b":2})", true},
      {"one is missing", R"({"a":1,"b":2})", R"({"a":1})", false},
      {"another value", R"({"a":1})", R"({"a":2})", false},
      {"deep inside", R"({"a":{"b":{"c":"x"}}})", R"({"a":{"b":{"c":"x","d":1},"e":2}})", true},
      {"deep inside, another value", R"({"a":{"b":{"c":"x"}}})", R"({"a":{"b":{"c":"y"}}})", false},
      {"another type", R"({"a":{}})", R"({"a":1})", false},
      {"an object where there is a list", R"({"a":{"b":1}})", R"({"a":[1]})", false},
      {"int-or-string is strict", R"({"maxSurge":"25%"})", R"({"maxSurge":25})", false},
      {"a number is no string", R"({"targetPort":80})", R"({"targetPort":"80"})", false},
      {"one and one point nought", R"({"a":1})", R"({"a":1.0})", true},
  });
}

TEST(Subset, TakesEmptyForAbsent) {
  check({
      {"null", R"({"a":null})", R"({})", true},
      {"null sets nothing", R"({"a":null})", R"({"a":1})", true},
      {"empty object", R"({"a":{}})", R"({})", true},
      {"empty list", R"({"a":[]})", R"({})", true},
      {"empty text", R"({"a":""})", R"({})", true},
      {"live null is absent", R"({"a":""})", R"({"a":null})", true},
      {"an empty object in an object", R"({"emptyDir":{}})", R"({"emptyDir":{"medium":""}})", true},
      {"an empty list wants it empty", R"({"tolerations":[]})", R"({"tolerations":[{"key":"x"}]})", false},
      {"an empty text wants it empty", R"({"a":""})", R"({"a":"x"})", false},
      {"false that is left out by the server", R"({"readOnly":false})", R"({})", true},
      {"false that the server would keep", R"({"automountServiceAccountToken":false})", R"({})", false},
      {"nought seconds", R"({"initialDelaySeconds":0,"minReadySeconds":0})", R"({})", true},
      {"nought replicas are kept", R"({"replicas":0})", R"({})", false},
      {"true is never left out", R"({"readOnly":true})", R"({})", false},
      {"an empty value of a map of strings", R"({"data":{"A":""}})", R"({"data":{}})", false},
      {"an empty label", R"({"labels":{"a":""}})", R"({"labels":{}})", false},
  });
}

TEST(Subset, MatchesKeyedListsByKey) {
  check({
      {"another order", R"({"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]})",
       R"({"env":[{"name":"B","value":"2"},{"name":"A","value":"1"}]})", true},
      {"a sidecar was injected", R"({"containers":[{"name":"main","image":"x"}]})",
       R"({"containers":[{"name":"proxy","image":"y"},{"name":"main","image":"x","imagePullPolicy":"Always"}]})", true},
      {"a container's image", R"({"containers":[{"name":"main","image":"x"}]})",
       R"({"containers":[{"name":"main","image":"y"}]})", false},
      {"init containers", R"({"initContainers":[{"name":"a"}]})", R"({"initContainers":[{"name":"b"}]})", false},
      {"volumes", R"({"volumes":[{"name":"tmp","emptyDir":{}}]})",
       R"({"volumes":[{"name":"token"},{"name":"tmp","emptyDir":{}}]})", true},
      {"mounts", R"({"volumeMounts":[{"name":"tmp","mountPath":"/tmp"}]})",
       R"({"volumeMounts":[{"name":"x","mountPath":"/x"},{"name":"tmp","mountPath":"/tmp"}]})", true},
      {"a mount of another volume", R"({"volumeMounts":[{"name":"tmp","mountPath":"/tmp"}]})",
       R"({"volumeMounts":[{"name":"x","mountPath":"/tmp"}]})", false},
      {"container ports, protocol by default", R"({"containers":[{"name":"m","ports":[{"containerPort":80}]}]})",
       R"({"containers":[{"name":"m","ports":[{"containerPort":80,"protocol":"TCP"}]}]})", true},
      {"container ports of another protocol",
       R"({"containers":[{"name":"m","ports":[{"containerPort":80,"protocol":"UDP"}]}]})",
       R"({"containers":[{"name":"m","ports":[{"containerPort":80,"protocol":"TCP"}]}]})", false},
      {"Service ports, more of them", R"({"spec":{"ports":[{"port":80,"targetPort":"http"}]}})",
       R"({"spec":{"ports":[{"port":443,"protocol":"TCP"},{"port":80,"protocol":"TCP","targetPort":"http","nodePort":3}]}})",
       true},
      {"a Service port's target", R"({"spec":{"ports":[{"port":80,"targetPort":"http"}]}})",
       R"({"spec":{"ports":[{"port":80,"protocol":"TCP","targetPort":8080}]}})", false},
      {"owners", R"({"ownerReferences":[{"uid":"1","controller":true}]})",
       R"({"ownerReferences":[{"uid":"2"},{"uid":"1","controller":true,"kind":"X"}]})", true},
      {"pull secrets", R"({"imagePullSecrets":[{"name":"a"}]})", R"({"imagePullSecrets":[{"name":"b"},{"name":"a"}]})",
       true},
      {"spread constraints", R"({"topologySpreadConstraints":[{"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule",
        "maxSkew":1}]})",
       R"({"topologySpreadConstraints":[{"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway","maxSkew":1}]})",
       false},
      {"conditions", R"({"conditions":[{"type":"Ready","status":"True"}]})",
       R"({"conditions":[{"type":"X","status":"True"},{"type":"Ready","status":"True"}]})", true},
      {"an element without its key", R"({"env":[{"value":"1"}]})", R"({"env":[{"value":"1"}]})", false},
      {"an empty keyed list", R"({"env":[]})", R"({"env":[{"name":"A"}]})", true},
  });
}

TEST(Subset, ComparesOtherListsElementByElement) {
  check({
      {"command", R"({"command":["a","b"]})", R"({"command":["a","b"]})", true},
      {"another order", R"({"command":["a","b"]})", R"({"command":["b","a"]})", false},
      {"one more in the live object", R"({"command":["a"]})", R"({"command":["a","b"]})", false},
      {"one less in the live object", R"({"command":["a","b"]})", R"({"command":["a"]})", false},
      {"defaults inside an element", R"({"items":[{"key":"a"}]})", R"({"items":[{"key":"a","mode":420}]})", true},
      {"metrics of an autoscaler", R"({"spec":{"metrics":[{"type":"Resource"}]}})",
       R"({"spec":{"metrics":[{"type":"Resource"},{"type":"Pods"}]}})", false},
      {"ports of a network policy", R"({"spec":{"ingress":[{"ports":[{"port":"http"}]}]}})",
       R"({"spec":{"ingress":[{"ports":[{"port":"http","protocol":"TCP"},{"port":"x","protocol":"TCP"}]}]}})", false},
      {"a list where there is none", R"({"command":["a"]})", R"({"command":"a"})", false},
  });
}

TEST(Subset, ComparesQuantitiesAsAmounts) {
  check({
      {"limits", R"({"limits":{"cpu":"1000m","memory":"1024Mi"}})", R"({"limits":{"cpu":"1","memory":"1Gi"}})", true},
      {"requests as numbers", R"({"requests":{"cpu":1}})", R"({"requests":{"cpu":"1"}})", true},
      {"another amount", R"({"limits":{"cpu":"1"}})", R"({"limits":{"cpu":"1100m"}})", false},
      {"the size of a volume", R"({"emptyDir":{"sizeLimit":"0.5Gi"}})", R"({"emptyDir":{"sizeLimit":"512Mi"}})", true},
      {"an average", R"({"averageValue":"1000m"})", R"({"averageValue":"1"})", true},
      {"elsewhere texts are texts", R"({"value":"1000m"})", R"({"value":"1"})", false},
      {"also under a name of the user's", R"({"data":{"sizeLimit":"1000m"}})", R"({"data":{"sizeLimit":"1"}})", false},
  });
}

TEST(Subset, TakesWhatIsNoJsonForNothing) {
  EXPECT_FALSE(is_subset(R"({"a":1)", R"({"a":1})"));
  EXPECT_FALSE(is_subset(R"({"a":1})", ""));
}

TEST(BodyHolds, LooksForEverythingButTheObjectsIdentity) {
  const std::string intent =
      R"({"apiVersion":"v1","kind":"Service","metadata":{"labels":{"a":"b"},"name":"x","namespace":"y"},"spec":{"type":"ClusterIP"}})";
  EXPECT_TRUE(
      body_holds(R"({"metadata":{"labels":{"a":"b","c":"d"}},"spec":{"type":"ClusterIP"}})", intent, Shows::whole));
  EXPECT_FALSE(body_holds(R"({"metadata":{"labels":{"a":"c"}},"spec":{"type":"ClusterIP"}})", intent, Shows::whole));
  EXPECT_FALSE(body_holds(R"({"metadata":{"labels":{"a":"b"}},"spec":{"type":"NodePort"}})", intent, Shows::whole));
  EXPECT_FALSE(body_holds(R"({"metadata":{"labels":{"a":"b"}}})", intent, Shows::whole));
  EXPECT_FALSE(body_holds(R"({"spec":{"type":"ClusterIP"}})", intent, Shows::whole));
}

TEST(BodyHolds, LooksForMetadataOnlyWhereNothingElseIsShown) {
  const std::string intent = R"({"data":{"k":"v"},"kind":"ConfigMap","metadata":{"labels":{"a":"b"},"name":"x"}})";
  EXPECT_TRUE(body_holds(R"({"metadata":{"labels":{"a":"b"}}})", intent, Shows::metadata));
  EXPECT_FALSE(body_holds(R"({"metadata":{}})", intent, Shows::metadata));
}

TEST(SameJson, IsBlindToTheOrderOfMembersOnly) {
  EXPECT_TRUE(same_json(R"({"a":[1,true,null],"b":"\u003c"})", R"({ "b": "<", "a": [1, true, null] })"));
  EXPECT_TRUE(same_json(R"({"a":1})", R"({"a":1.0})"));
  for (const char* other : {R"({"a":[2,1]})", R"({"a":[1,2],"b":1})", R"({"a":[1,"2"]})", R"({"a":[1]})",
                            R"({"c":[1,2]})", R"({"a":{}})", "", "[]"}) {
    EXPECT_FALSE(same_json(R"({"a":[1,2]})", other)) << other;
  }
  EXPECT_FALSE(same_json(R"({"a":true})", R"({"a":false})"));
  EXPECT_FALSE(same_json(R"({"a":null})", R"({"a":0})"));
}

}  // namespace
}  // namespace kube
