#include "todoapp/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "unit/todoapp/yaml_json.hpp"

namespace todoapp {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const Json& schema() {
  static const auto spec = test::load_yaml("crds/apps.todoapp.dev_todoappdeployments.yaml")
                               .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec"_json_pointer);
  return spec;
}

Json minimal() {
  return Json::parse(R"({"frontend":{"image":"todo-frontend:1"},"backend":{"image":"todo-backend:1"}})");
}

Spec decoded(const Json& json) {
  auto spec = decode_spec(json.dump());
  EXPECT_TRUE(spec.has_value()) << (spec ? "" : base::to_string(spec.error()));
  return spec.value_or(Spec{});
}

std::string problem_with(const Json& json) {
  const auto spec = decode_spec(json.dump());
  return spec ? "none" : spec.error().detail;
}

// --- The schema and the codec say the same -------------------------------------------------------------------------

/// Every path of the schema, as `known_spec_paths` writes them: what the codec hands through is not looked into.
void walk(const Json& node, const std::string& path, const std::set<std::string>& known, std::set<std::string>& paths) {
  if (known.contains(path + ".*")) {
    paths.insert(path + ".*");
  } else if (node.contains("properties")) {
    for (const auto& [key, child] : node.at("properties").items()) {
      walk(child, path.empty() ? key : path + "." + key, known, paths);
    }
  } else if (node.value("type", "") == "array" && node.at("items").contains("properties")) {
    walk(node.at("items"), path + "[]", known, paths);
  } else {
    paths.insert(path);
  }
}

TEST(Codec, KnowsEveryFieldOfTheSchemaAndNoOther) {
  const auto& list = known_spec_paths();
  const std::set<std::string> known{list.begin(), list.end()};
  std::set<std::string> in_schema;
  walk(schema(), "", known, in_schema);
  for (const auto& path : in_schema) EXPECT_TRUE(known.contains(path)) << path << " is in the schema only";
  for (const auto& path : known) EXPECT_TRUE(in_schema.contains(path)) << path << " is in the codec only";
  EXPECT_GT(known.size(), 100U);
}

/// Calls `visit` with each default of the schema that a value of this shape would get, and where it belongs.
using Visit = std::function<void(const Json::json_pointer&, const Json&)>;
void each_default(const Json& node, const Json& value, const Json::json_pointer& at, const Visit& visit) {
  if (value.is_array() && node.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) each_default(node["items"], value[i], at / i, visit);
  }
  if (!value.is_object() || !node.contains("properties")) return;
  for (const auto& [key, child] : node.at("properties").items()) {
    if (value.contains(key)) {
      each_default(child, value[key], at / key, visit);
    } else if (child.contains("default")) {
      visit(at / key, child["default"]);
      each_default(child, child["default"], at / key, visit);
    }
  }
}

/// As an API server fills them in.
Json defaulted(const Json& json) {
  Json whole = json;
  each_default(schema(), json, Json::json_pointer{}, [&](const auto& at, const auto& value) { whole[at] = value; });
  return whole;
}

/// Specs that open one optional part after another, so that the defaults inside are reached too.
std::vector<Json> openings() {
  std::vector<Json> specs{minimal()};
  const std::vector<std::pair<std::string, std::string>> table{
      {"/backend/service", "{}"},
      {"/frontend/service", R"({"type":"NodePort"})"},
      {"/backend/probes", "{}"},
      {"/backend/probes", R"({"readiness":{}})"},
      {"/frontend/probes", R"({"liveness":{"disabled":true}})"},
      {"/backend/resources", "{}"},
      {"/backend/resources", R"({"requests":{"cpu":"1"}})"},
      {"/backend/resources", R"({"requests":{},"limits":{}})"},
      {"/frontend/resources", R"({"limits":{"memory":"2Gi"}})"},
      {"/backend/autoscaling", R"({"maxReplicas":3,"targetCPUUtilizationPercentage":70})"},
      {"/backend/strategy", R"({"maxSurge":1})"},
      {"/backend/securityContext", "{}"},
      {"/backend/securityContext", R"({"pod":{"runAsUser":7},"container":{"capabilities":{"add":["CHOWN"]}}})"},
      {"/frontend/securityContext", R"({"pod":{"seccompProfile":{"type":"Unconfined"}}})"},
      {"/backend/migration", R"({"schemaVersion":1,"args":["migrate"]})"},
      {"/secrets", R"([{"name":"A","generate":{}},{"name":"B","valueFrom":{"secretKeyRef":{"name":"b","key":"c"}}}])"},
      {"/upgrade", R"({"soakSeconds":1})"},
      {"/rollback", "{}"},
      {"/ingress", "{}"},
      {"/networkPolicy", R"({"allowFrom":[{"podSelector":{}}]})"},
  };
  for (const auto& [at, part] : table) {
    auto spec = minimal();
    spec[Json::json_pointer(at)] = Json::parse(part);
    specs.push_back(std::move(spec));
  }
  return specs;
}

TEST(Codec, HasTheDefaultsOfTheSchema) {
  for (const auto& spec : openings()) {
    const auto ours = decoded(spec);
    EXPECT_TRUE(ours == decoded(defaulted(spec))) << spec << "\nwith the schema's defaults:\n" << defaulted(spec);
    each_default(schema(), spec, Json::json_pointer{}, [&](const auto& at, const auto& value) {
      auto with_one = spec;
      try {
        with_one[at] = value;
      } catch (const Json::exception&) {
        return;  // inside another default, which is tried whole
      }
      EXPECT_TRUE(ours == decoded(with_one)) << "default of " << at << ": " << value << ", in " << spec;
    });
  }
}

// --- Values --------------------------------------------------------------------------------------------------------

TEST(Codec, GivesEachTierItsOwnDefaults) {
  const auto spec = decoded(minimal());
  EXPECT_EQ(spec.frontend.port, 3000);
  EXPECT_EQ(spec.frontend.service.port, 80);
  EXPECT_EQ(spec.frontend.resources,
            R"({"limits":{"cpu":"500m","memory":"512Mi"},"requests":{"cpu":"100m","memory":"128Mi"}})");
  EXPECT_EQ(spec.backend.port, 8000);
  EXPECT_EQ(spec.backend.service.port, 8000);
  EXPECT_EQ(spec.backend.resources,
            R"({"limits":{"cpu":"1000m","memory":"1Gi"},"requests":{"cpu":"100m","memory":"256Mi"}})");
}

TEST(Codec, ReadsEveryFieldOfTheFullApp) {
  const auto spec = decoded(test::load_yaml("tests/golden/apps/full.yaml").at("spec"));
  EXPECT_EQ(spec.frontend.image_pull_secrets, std::vector<std::string>{"registry"});
  EXPECT_EQ(spec.frontend.service.node_port, 30080);
  EXPECT_EQ(spec.frontend.autoscaling->target_memory, 80);
  EXPECT_EQ(spec.frontend.autoscaling->behavior, R"({"scaleDown":{"stabilizationWindowSeconds":120}})");
  EXPECT_EQ(spec.frontend.disruption_budget->min_available, "1");
  EXPECT_EQ(spec.frontend.strategy.max_unavailable, "\"25%\"");
  EXPECT_TRUE(spec.frontend.probes.startup.disabled);
  EXPECT_EQ(spec.backend.disruption_budget->max_unavailable, "\"50%\"");
  EXPECT_EQ(spec.backend.resources, R"({"limits":{"memory":"1Gi"}})");
  EXPECT_EQ(spec.backend.container_security_context,
            R"({"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL"]},)"
            R"("readOnlyRootFilesystem":true})");
  EXPECT_EQ(spec.backend.migration->args, std::vector<std::string>{"--verbose"});
  ASSERT_EQ(spec.secrets.size(), 3U);
  EXPECT_TRUE(spec.secrets[1].generated() && spec.secrets[1].in_frontend && spec.secrets[1].in_backend);
  EXPECT_EQ(spec.secrets[1].generate_bytes, 48);
  EXPECT_TRUE(spec.secrets[2].sealed() && !spec.secrets[2].in_frontend);
  EXPECT_EQ(spec.upgrade.order, Order::frontend_first);
  EXPECT_EQ(spec.upgrade.timeout, std::chrono::seconds{900});
  EXPECT_EQ(spec.upgrade.on_failure, OnFailure::hold);
  EXPECT_EQ(spec.upgrade.approval, Approval::manual);
  EXPECT_FALSE(spec.rollback_to.has_value());
  EXPECT_EQ(spec.ingress->tls_secret_name, "todo-tls");
  EXPECT_TRUE(spec.network_policy.enabled);
}

TEST(Codec, MakesEqualValuesOfEqualMeanings) {
  auto spec = minimal();
  auto same = minimal();
  same["backend"]["env"] = Json::array();
  same["backend"]["affinity"] = Json::object();
  same["backend"]["config"] = nullptr;
  same["ingress"] = nullptr;
  EXPECT_TRUE(decoded(spec) == decoded(same));
  spec["backend"]["tolerations"] = Json::parse(R"([{"key":"a","operator":"Exists"}])");
  const auto shuffled = R"({"backend":{"tolerations":[ {"operator": "Exists", "key":"a"} ],"image":"todo-backend:1"},)"
                        R"("frontend":{"image":"todo-frontend:1"}})";
  EXPECT_TRUE(decoded(spec) == decode_spec(shuffled).value());
}

TEST(Codec, IgnoresFieldsOfANewerSchema) {
  auto spec = minimal();
  spec["backend"]["somethingNew"] = 1;
  EXPECT_TRUE(decoded(spec) == decoded(minimal()));
}

// --- Problems ------------------------------------------------------------------------------------------------------

TEST(Codec, NamesThePathOfWhatIsWrong) {
  struct Row {
    const char* at;
    const char* value;
    const char* problem;
  };
  const std::vector<Row> table{
      {"/backend/port", R"("x")", "spec.backend.port: must be a whole number of 32 bits, not text"},
      {"/backend/port", "3000000000", "spec.backend.port: must be a whole number of 32 bits, not 3000000000"},
      {"/backend/port", "1.5", "spec.backend.port: must be a whole number of 32 bits, not 1.5"},
      {"/frontend/image", "null", "spec.frontend.image: is required"},
      {"/frontend", "[]", "spec.frontend: must be an object, not a list"},
      {"/config", R"({"A":1})", "spec.config: must be a map of texts only (numbers in quotes), not an object"},
      {"/backend/env", R"({"A":"1"})", "spec.backend.env: must be a list, not an object"},
      {"/backend/env", R"(["A"])", "spec.backend.env: must be a list of objects, not a list"},
      {"/backend/strategy", R"({"maxSurge":true})",
       "spec.backend.strategy.maxSurge: must be a count or a percentage, not true or false"},
      {"/backend/migration", R"({"schemaVersion":1,"command":"migrate"})",
       "spec.backend.migration.command: must be a list of texts, not text"},
      {"/secrets", R"([{"name":"A","generate":{}},{"generate":{}}])", "spec.secrets[1].name: is required"},
      {"/secrets", R"([{"name":"A","tiers":["fronted"]}])",
       "spec.secrets[0].tiers: each entry must be frontend or backend"},
      {"/secrets", R"([{"name":"A","policy":"live"}])", "spec.secrets[0].policy: must be Live or Pinned"},
      {"/secrets", R"([{"name":"A","valueFrom":{"secretKeyRef":{"name":"b"}}}])",
       "spec.secrets[0].valueFrom.secretKeyRef.key: is required"},
      {"/upgrade", R"({"order":1})", "spec.upgrade.order: must be text, not 1"},
      {"/suspend", R"("yes")", "spec.suspend: must be true or false, not text"},
  };
  for (const auto& row : table) {
    auto spec = minimal();
    spec[Json::json_pointer(row.at)] = Json::parse(row.value);
    EXPECT_EQ(problem_with(spec), row.problem) << row.at << " = " << row.value;
  }
}

TEST(Codec, RefusesWhatIsNoSpecAtAll) {
  for (const auto* text : {"", "{", "[]", "null", "\"spec\"", "{\"a\":\"\xff\"}", "{}"}) {
    const auto spec = decode_spec(text);
    ASSERT_FALSE(spec.has_value()) << text;
    EXPECT_EQ(spec.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(spec.error().detail, HasSubstr("spec")) << text;
  }
}

}  // namespace
}  // namespace todoapp
