// Apps for the tests of the plugin: JSON as an API server sends it, from the smallest to one in the middle of an
// upgrade.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "kubectl/app_view.hpp"

namespace kubectl::test {

using Json = nlohmann::json;

inline Json revision(int number, const std::string& outcome, const std::string& cause, int rollback_of = 0) {
  Json entry{{"number", number},
             {"outcome", outcome},
             {"cause", cause},
             {"createdAt", "2026-01-31T12:00:0" + std::to_string(number) + "Z"},
             {"restorable", true}};
  if (rollback_of > 0) entry["rollbackOf"] = rollback_of;
  return entry;
}

inline Json ready_condition(const std::string& status, const std::string& reason, const std::string& message) {
  return {{"type", "Ready"},
          {"status", status},
          {"reason", reason},
          {"message", message},
          {"lastTransitionTime", "2026-01-31T12:00:10Z"}};
}

/// Installed and ready, with one upgrade behind it.
inline Json upgraded() {
  const Json tier{
      {"image", "localhost/todo-backend:2.0.0"}, {"replicas", 2}, {"updatedReplicas", 2}, {"readyReplicas", 2}};
  return {{"apiVersion", "apps.todoapp.dev/v1alpha1"},
          {"kind", "TodoAppDeployment"},
          {"metadata",
           {{"name", "todo"}, {"namespace", "shop"}, {"uid", "u"}, {"generation", 3}, {"resourceVersion", "9"}}},
          {"spec", Json::object()},
          {"status",
           {{"observedGeneration", 3},
            {"activeRevision", 2},
            {"targetRevision", 2},
            {"lastGoodRevision", 2},
            {"frontend", tier},
            {"backend", tier},
            {"conditions", {ready_condition("True", "Succeeded", "Revision 2 serves")}},
            {"revisions",
             {revision(2, "Succeeded", "backend image 1.0.0 to 2.0.0"), revision(1, "Succeeded", "first install")}}}}};
}

/// The same with a JSON merge patch on it.
inline Json patched(Json app, const Json& patch) {
  app.merge_patch(patch);
  return app;
}

/// An upgrade failed, and revision 3 brought the first content back.
inline Json rolled_back() {
  auto app = upgraded();
  auto& status = app["status"];
  status["activeRevision"] = status["targetRevision"] = status["lastGoodRevision"] = 3;
  status["conditions"] = {
      ready_condition("False", "RolledBack", "Revision 2 failed: CrashLoopBackOff; revision 3 serves"),
      {{"type", "Stalled"}, {"status", "True"}, {"reason", "RolledBack"}}};
  status["revisions"] = {revision(3, "Succeeded", "rollback to revision 1", 1),
                         revision(2, "Failed", "backend image 1.0.0 to 2.0.0"),
                         revision(1, "Succeeded", "first install")};
  status["revisions"][1]["reason"] = "CrashLoopBackOff";
  status["failure"] = {{"revision", 2},
                       {"tier", "backend"},
                       {"pod", "todo-backend-x"},
                       {"container", "backend"},
                       {"exitCode", 3},
                       {"restarts", 2},
                       {"reason", "CrashLoopBackOff"},
                       {"at", "2026-01-31T12:00:05Z"},
                       {"message", "no database\nbye\x1b[2J\n"}};
  return app;
}

inline AppView view(const Json& app) {
  auto result = read_view(app.dump());
  if (!result) throw std::runtime_error(base::to_string(result.error()));
  return *std::move(result);
}

}  // namespace kubectl::test
