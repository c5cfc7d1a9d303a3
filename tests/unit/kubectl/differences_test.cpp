#include "kubectl/differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kubectl {

static void PrintTo(const Difference& difference, std::ostream* out) {
  *out << difference.path << ": " << difference.from << " -> " << difference.to;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Differences, AreFieldsThatAreWantedOtherwise) {
  EXPECT_THAT(
      differences(R"({"spec":{"replicas":1,"paused":true,"a":"x"}})", "{}", R"({"spec":{"replicas":2,"a":"x"}})"),
      ElementsAre(Difference{"spec.replicas", "1", "2"}))
      << "what is not ours is left alone";
}

TEST(Differences, AreFieldsThatWereWantedAndAreNoMore) {
  const auto* live = R"({"spec":{"replicas":3,"type":"NodePort","nodePort":30000}})";
  EXPECT_THAT(differences(live, R"({"spec":{"replicas":3,"gone":"x"}})", R"({"spec":{"type":"NodePort"}})"),
              ElementsAre(Difference{"spec.replicas", "3", ""}));
  EXPECT_THAT(differences(live, "{}", R"({"spec":{"type":"NodePort"}})"), IsEmpty());
}

TEST(Differences, TakeListsApartByTheKeyThatTheApiMergesThemBy) {
  const auto* live = R"({"containers":[{"name":"sidecar","image":"s"},{"name":"backend","image":"b:1",
                         "env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80,"protocol":"TCP"}]}]})";
  const auto* before = R"({"containers":[{"name":"backend","image":"b:1",
                           "env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}]})";
  const auto* wanted = R"({"containers":[{"name":"backend","image":"b:2","env":[{"name":"A","value":"1"},
                           {"name":"C","value":"3"}],"ports":[{"containerPort":80,"protocol":"TCP"}]}]})";
  EXPECT_THAT(differences(live, before, wanted),
              ElementsAre(Difference{"containers[backend].env[B].name", R"("B")", ""},
                          Difference{"containers[backend].env[B].value", R"("2")", ""},
                          Difference{"containers[backend].env[C].name", "", R"("C")"},
                          Difference{"containers[backend].env[C].value", "", R"("3")"},
                          Difference{"containers[backend].image", R"("b:1")", R"("b:2")"}));
}

TEST(Differences, AreNotWhatAServerWritesInOtherWords) {
  const auto* live = R"({"resources":{"limits":{"cpu":"1","memory":"1Gi"}},"minReadySeconds":0,"env":[]})";
  const auto* wanted = R"({"resources":{"limits":{"cpu":"1000m","memory":"1024Mi"}},"volumes":[],"tolerations":null})";
  EXPECT_THAT(differences(live, "{}", wanted), IsEmpty());
  EXPECT_THAT(differences(live, "{}", R"({"resources":{"limits":{"cpu":"2"}}})"),
              ElementsAre(Difference{"resources.limits.cpu", R"("1")", R"("2")"}));
}

TEST(Differences, OfOtherListsAreWhole) {
  EXPECT_THAT(differences(R"({"args":["a"]})", "{}", R"({"args":["a","b"]})"),
              ElementsAre(Difference{"args", R"(["a"])", R"(["a","b"])"}));
  EXPECT_THAT(
      differences(R"({"spec":{"ports":[{"port":80,"name":"http"}]}})",
                  R"({"spec":{"ports":[{"port":80,"name":"http"}]}})",
                  R"({"spec":{"ports":[{"port":81,"name":"http"}]}})"),
      ElementsAre(Difference{"spec.ports[80].name", R"("http")", ""}, Difference{"spec.ports[80].port", "80", ""},
                  Difference{"spec.ports[81].name", "", R"("http")"}, Difference{"spec.ports[81].port", "", "81"}));
}

TEST(Differences, NameKeysWithDotsSoThatTheyAreNotTakenForTwo) {
  EXPECT_THAT(differences("{}", "{}", R"({"labels":{"a.b/c":"x"}})"),
              ElementsAre(Difference{"labels[a.b/c]", "", R"("x")"}));
}

}  // namespace
}  // namespace kubectl
