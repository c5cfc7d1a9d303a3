#include "todoapp/desired/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "kube/model/canonical_json.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp::desired {
namespace {

struct Variable {
  std::string name;
  JsonText entry;  ///< an EnvVar
};

/// The user's list. Some tools render before they validate, so nothing may throw at an entry without a name.
std::vector<Variable> variables_of(const JsonText& list) {
  std::vector<Variable> variables;
  if (list.empty()) return variables;
  const auto entries = nlohmann::json::parse(list);
  for (const auto& entry : entries) {
    const auto name = entry.find("name");
    const bool named = name != entry.end() && name->is_string();
    variables.push_back({named ? name->get<std::string>() : std::string{}, kube::canonical(entry)});
  }
  return variables;
}

bool names(const std::vector<Variable>& variables, std::string_view name) {
  return std::any_of(variables.begin(), variables.end(), [&](const Variable& each) { return each.name == name; });
}

Variable live_secret(const SecretVariable& secret) {
  const auto source = ObjectText{}.text("key", secret.source_key).text("name", secret.source_name).str();
  const auto from = ObjectText{}.json("secretKeyRef", source).str();
  return {secret.name, ObjectText{}.text("name", secret.name).json("valueFrom", from).str()};
}

Variable plain(const char* name, const std::string& value) {
  return {name, ObjectText{}.text("name", name).text("value", value).str()};
}

std::vector<Variable> environment(const App& app, Tier tier, const TierContent& content) {
  auto own = variables_of(app.spec.tier(tier).env);
  std::vector<Variable> list;
  const auto add_unless_set = [&](const char* name, const std::string& value) {
    const auto& secrets = app.spec.secrets;
    const bool secret = std::any_of(secrets.begin(), secrets.end(),
                                    [&](const auto& each) { return each.used_by(tier) && each.name == name; });
    if (!secret && !content.config.contains(name) && !names(own, name)) list.push_back(plain(name, value));
  };
  for (const auto& secret : app.spec.secrets) {
    if (!secret.sealed() && secret.used_by(tier)) list.push_back(live_secret(secret));
  }
  if (tier == Tier::frontend) {
    const auto host = tier_name(app.name, Tier::backend);
    add_unless_set("BACKEND_URL", fmt::format("http://{}:{}", host, app.spec.backend.service.port));
  }
  add_unless_set("PORT", std::to_string(app.spec.tier(tier).port));
  std::move(own.begin(), own.end(), std::back_inserter(list));
  return list;
}

JsonText text_of(const std::vector<Variable>& variables) {
  ListText list;
  for (const auto& variable : variables) list.json(variable.entry);
  return list.str();
}

}  // namespace

JsonText env_from(const TierContent& content) {
  ListText list;
  const auto add = [&](const char* kind, const std::string& name) {
    if (!name.empty()) list.json(ObjectText{}.json(kind, ObjectText{}.text("name", name).str()).str());
  };
  add("configMapRef", content.config_name);
  add("secretRef", content.secrets_name);
  return list.str();
}

JsonText env(const App& app, Tier tier, const TierContent& content) { return text_of(environment(app, tier, content)); }

JsonText migration_env(const App& app, const TierContent& content) {
  auto own = variables_of(app.spec.backend.migration->env);
  std::vector<Variable> list;
  for (auto& variable : environment(app, Tier::backend, content)) {
    if (!names(own, variable.name)) list.push_back(std::move(variable));
  }
  std::move(own.begin(), own.end(), std::back_inserter(list));
  return text_of(list);
}

}  // namespace todoapp::desired
