#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

using desired::ListText;
using desired::ObjectText;

Intent service_intent(const App& app, Tier tier) {
  const auto& service = app.spec.tier(tier).service;
  const auto port = ObjectText{}
                        .text("name", "http")
                        .json("nodePort", service.node_port ? std::to_string(*service.node_port) : "")
                        .number("port", service.port)
                        .text("protocol", "TCP")
                        .text("targetPort", "http")
                        .str();
  const auto spec = ObjectText{}
                        .json("ports", ListText{}.json(port).str())
                        .map("selector", selector_labels(app.name, tier))
                        .text("type", service.type)
                        .str();
  auto annotations = service.annotations;
  // The cache lets go of the body; a change of the number has to be noticed without it.
  annotations[marked(mark::ports)] = std::to_string(service.port);
  return desired::finish(app, {.kind = Kind::service,
                               .name = tier_name(app.name, tier),
                               .labels = object_labels(app.name, &tier),
                               .annotations = annotations,
                               .spec = spec});
}

}  // namespace todoapp
