// Everything that two apps are rendered to, held against the files in tests/golden. After a change that is meant, write
// them again with `UPDATE_GOLDEN=1 unit_todoapp --gtest_filter=Golden.*`, read the difference, and raise
// `renderer_version` where a pod template changed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"
#include "todoapp/validation.hpp"
#include "unit/todoapp/yaml_json.hpp"

namespace todoapp {
namespace {

namespace fs = std::filesystem;

const fs::path golden_folder = fs::path(TODOAPP_SOURCE_DIR) / "tests/golden";

App load_app(const std::string& name) {
  const auto json = test::load_yaml("tests/golden/apps/" + name + ".yaml");
  auto app = test::an_app().build();
  app.name = json.at("/metadata/name"_json_pointer);
  app.namespace_ = json.at("/metadata/namespace"_json_pointer);
  const auto annotations = json["metadata"].value("annotations", nlohmann::json::object());
  app.requests.restart = annotations.value(marked(mark::restart), "");
  app.requests.rotate = annotations.value(marked(mark::rotate), "");
  app.spec = decode_spec(json.at("spec").dump()).value();
  EXPECT_TRUE(problems_of(app).empty());
  return app;
}

void add(std::vector<Intent>& intents, const std::optional<Intent>& intent) {
  if (intent) intents.push_back(*intent);
}

/// What sealing would have come to: names are keyed hashes, here simply given.
SealedSecrets sealed_secrets(const App& app) {
  SealedSecrets sealed;
  for (const auto& secret : app.spec.secrets) {
    if (!secret.sealed()) continue;
    if (secret.in_frontend) sealed.frontend = sealed_secret_name(app.name, Tier::frontend, "0f0f0f0f0f");
    if (secret.in_backend) sealed.backend = sealed_secret_name(app.name, Tier::backend, "0b0b0b0b0b");
  }
  return sealed;
}

std::vector<Intent> render_tier(const App& app, Tier tier, const TierContent& content) {
  StringMap values;
  Overlay overlay{.restart = app.requests.restart, .live_secrets = "", .secret_versions = ""};
  for (const auto& secret : app.spec.secrets) {
    if (!secret.used_by(tier)) continue;
    if (secret.sealed()) values[secret.name] = "value of " + secret.name;
    if (!secret.sealed())
      overlay.live_secrets = "abcdef0123", overlay.secret_versions = secret.source_name + "=120:101";
  }
  std::vector<Intent> intents{deployment_intent(app, tier, content, 7, overlay), service_intent(app, tier)};
  if (!content.config_name.empty()) intents.push_back(config_intent(app, tier, content));
  if (!values.empty()) {
    intents.push_back(sealed_secret_intent(app, tier, content.secrets_name, values, {.sources = "0123456789"}));
  }
  add(intents, autoscaler_intent(app, tier));
  add(intents, disruption_budget_intent(app, tier));
  return intents;
}

std::vector<Intent> render_all(const App& app) {
  const auto content = render_content(app, sealed_secrets(app));
  std::vector<Intent> intents;
  for (const auto tier : all_tiers) {
    for (auto& intent : render_tier(app, tier, content.tier(tier))) intents.push_back(std::move(intent));
  }
  if (!app.spec.secrets.empty()) {
    intents.push_back(keys_intent(app, {{"hmac.key", "not a key"}, {"SESSION_KEY", "value of SESSION_KEY"}}));
  }
  if (content.migration) intents.push_back(migration_intent(app, *content.migration, 7));
  add(intents, network_policy_intent(app));
  add(intents, ingress_intent(app));
  return intents;
}

std::string file_name(const Intent& intent) {
  return std::string(to_string(intent.kind)) + "." + intent.name + ".json";
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What lies between the first and the last line that differ.
std::string difference(const std::string& golden, const std::string& rendered) {
  const auto before = lines_of(golden), after = lines_of(rendered);
  const auto [first, other] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  const auto [last, _] = std::mismatch(before.rbegin(), std::make_reverse_iterator(first), after.rbegin(),
                                       std::make_reverse_iterator(other));
  std::string text;
  const auto common = last - before.rbegin();
  std::for_each(first, before.end() - common, [&](const auto& line) { text += "\n- " + line; });
  std::for_each(other, after.end() - common, [&](const auto& line) { text += "\n+ " + line; });
  return text;
}

std::set<std::string> files_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

void compare(const std::string& name) {
  const bool update = std::getenv("UPDATE_GOLDEN") != nullptr;
  const auto folder = golden_folder / name;
  if (update) fs::remove_all(folder), fs::create_directories(folder);
  std::set<std::string> expected;
  for (const auto& intent : render_all(load_app(name))) {
    const auto text = nlohmann::json::parse(intent.body).dump(2) + "\n";
    const auto file = file_name(intent);
    expected.insert(file);
    if (update) std::ofstream(folder / file) << text;
    const auto golden = read_file(folder / file);
    EXPECT_TRUE(golden == text) << file << " (see the head of this test):" << difference(golden, text);
  }
  EXPECT_EQ(files_in(folder), expected);
}

TEST(Golden, TheLeastApp) { compare("minimal"); }

TEST(Golden, TheFullestApp) { compare("full"); }

}  // namespace
}  // namespace todoapp
