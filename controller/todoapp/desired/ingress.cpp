#include <string>

#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::ListText;
using desired::ObjectText;

JsonText path_to(const App& app, Tier tier, const std::string& path) {
  const auto service = ObjectText{}.text("name", tier_name(app.name, tier)).json("port", R"({"name":"http"})").str();
  return ObjectText{}
      .json("backend", ObjectText{}.json("service", service).str())
      .text("path", path)
      .text("pathType", "Prefix")
      .str();
}

JsonText tls_of(const Ingress& ingress) {
  if (ingress.tls_secret_name.empty()) return {};
  ListText hosts;
  if (!ingress.host.empty()) hosts.text(ingress.host);
  return ListText{}
      .json(ObjectText{}.json("hosts", hosts.str()).text("secretName", ingress.tls_secret_name).str())
      .str();
}

}  // namespace

std::optional<Intent> ingress_intent(const App& app) {
  if (!app.spec.ingress) return std::nullopt;
  const auto& ingress = *app.spec.ingress;
  ListText paths;
  if (ingress.expose_backend) paths.json(path_to(app, Tier::backend, "/api"));
  paths.json(path_to(app, Tier::frontend, ingress.path));
  const auto http = ObjectText{}.json("paths", paths.str()).str();
  const auto rule = ObjectText{}.text("host", ingress.host).json("http", http).str();
  const auto spec = ObjectText{}
                        .text("ingressClassName", ingress.class_name)
                        .json("rules", ListText{}.json(rule).str())
                        .json("tls", tls_of(ingress))
                        .str();
  return desired::finish(app, {.kind = Kind::ingress,
                               .name = app.name,
                               .labels = object_labels(app.name, nullptr),
                               .annotations = ingress.annotations,
                               .spec = spec});
}

}  // namespace todoapp
