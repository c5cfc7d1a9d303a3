#include <nlohmann/json.hpp>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

using desired::Json;

Intent service_intent(const App& app, Tier tier) {
  const auto& service = app.spec.tier(tier).service;
  Json port = Json::object({{"name", "http"}, {"port", service.port}, {"protocol", "TCP"}, {"targetPort", "http"}});
  if (service.node_port) port["nodePort"] = *service.node_port;
  Json spec = Json::object();
  spec["type"] = service.type;
  spec["selector"] = selector_labels(app.name, tier);
  spec["ports"] = Json::array({std::move(port)});

  auto body = desired::body_of(app, Kind::service, tier_name(app.name, tier), &tier);
  auto& annotations = desired::annotations_of(body);
  for (const auto& [key, value] : service.annotations) annotations.emplace(key, value);
  // The cache lets go of the body; a change of the number has to be noticed without it.
  annotations[marked(mark::ports)] = std::to_string(service.port);
  body["spec"] = std::move(spec);
  return desired::finish(Kind::service, std::move(body));
}

}  // namespace todoapp
