#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::Json;
using desired::set;

Json path_to(const App& app, Tier tier, const std::string& path) {
  Json service = Json::object();
  service["name"] = tier_name(app.name, tier);
  service["port"] = Json::object({{"name", "http"}});
  return Json::object(
      {{"path", path}, {"pathType", "Prefix"}, {"backend", Json::object({{"service", std::move(service)}})}});
}

Json tls_of(const Ingress& ingress) {
  if (ingress.tls_secret_name.empty()) return Json::array();
  Json tls = Json::object({{"secretName", ingress.tls_secret_name}});
  if (!ingress.host.empty()) tls["hosts"] = Json::array({ingress.host});
  return Json::array({std::move(tls)});
}

}  // namespace

std::optional<Intent> ingress_intent(const App& app) {
  if (!app.spec.ingress) return std::nullopt;
  const auto& ingress = *app.spec.ingress;
  Json paths = Json::array();
  if (ingress.expose_backend) paths.push_back(path_to(app, Tier::backend, "/api"));
  paths.push_back(path_to(app, Tier::frontend, ingress.path));
  Json rule = Json::object({{"http", Json::object({{"paths", std::move(paths)}})}});
  set(rule, "host", ingress.host);
  Json spec = Json::object();
  set(spec, "ingressClassName", ingress.class_name);
  set(spec, "tls", tls_of(ingress));
  spec["rules"] = Json::array({std::move(rule)});

  auto body = desired::body_of(app, Kind::ingress, app.name, nullptr);
  auto& annotations = desired::annotations_of(body);
  for (const auto& [key, value] : ingress.annotations) annotations.emplace(key, value);
  body["spec"] = std::move(spec);
  return desired::finish(Kind::ingress, std::move(body));
}

}  // namespace todoapp
