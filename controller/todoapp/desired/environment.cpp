#include "todoapp/desired/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp::desired {
namespace {

/// The name of an EnvVar. Validation comes later than rendering in some tools, so nothing may throw here.
std::string_view name_of(const Json& entry) {
  const auto name = entry.find("name");
  return name != entry.end() && name->is_string() ? std::string_view{name->get_ref<const std::string&>()}
                                                  : std::string_view{};
}

bool names(const Json& list, std::string_view variable) {
  return std::any_of(list.begin(), list.end(), [&](const Json& entry) { return name_of(entry) == variable; });
}

/// Whether the user gives the variable a value, in whichever way.
bool set_by_user(const App& app, Tier tier, const TierContent& content, const Json& user_env, const char* variable) {
  const auto& secrets = app.spec.secrets;
  return content.config.contains(variable) || names(user_env, variable) ||
         std::any_of(secrets.begin(), secrets.end(),
                     [&](const SecretVariable& secret) { return secret.used_by(tier) && secret.name == variable; });
}

Json live_secret(const SecretVariable& secret) {
  Json source = Json::object({{"key", secret.source_key}, {"name", secret.source_name}});
  return Json::object({{"name", secret.name}, {"valueFrom", Json::object({{"secretKeyRef", std::move(source)}})}});
}

Json variable(const char* name, std::string value) {
  return Json::object({{"name", name}, {"value", std::move(value)}});
}

}  // namespace

Json env_from(const TierContent& content) {
  Json list = Json::array();
  const auto add = [&](const char* kind, const std::string& name) {
    if (!name.empty()) list.push_back(Json::object({{kind, Json::object({{"name", name}})}}));
  };
  add("configMapRef", content.config_name);
  add("secretRef", content.secrets_name);
  return list;
}

Json env(const App& app, Tier tier, const TierContent& content) {
  const auto user_env = parsed(app.spec.tier(tier).env);
  Json list = Json::array();
  for (const auto& secret : app.spec.secrets) {
    if (!secret.sealed() && secret.used_by(tier)) list.push_back(live_secret(secret));
  }
  if (tier == Tier::frontend && !set_by_user(app, tier, content, user_env, "BACKEND_URL")) {
    const auto& backend = app.spec.backend.service;
    list.push_back(
        variable("BACKEND_URL", fmt::format("http://{}:{}", tier_name(app.name, Tier::backend), backend.port)));
  }
  if (!set_by_user(app, tier, content, user_env, "PORT")) {
    list.push_back(variable("PORT", std::to_string(app.spec.tier(tier).port)));
  }
  list.insert(list.end(), user_env.begin(), user_env.end());
  return list;
}

Json migration_env(const App& app, const TierContent& content) {
  const auto own = parsed(app.spec.backend.migration->env);
  Json list = Json::array();
  for (auto& entry : env(app, Tier::backend, content)) {
    if (!names(own, name_of(entry))) list.push_back(std::move(entry));
  }
  list.insert(list.end(), own.begin(), own.end());
  return list;
}

}  // namespace todoapp::desired
