// A renderer of a later version: what the shipped one makes of a spec, and one more annotation on every serving pod.
// Linked into `todoapp-operator-next-renderer`, with which tests play the upgrade of the operator itself.
//
// Law: the same spec renders to another template, under another renderer version; nothing else differs.
#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"

namespace todoapp {

/// The shipped `render_content`, compiled once more under this name.
Content shipped_render_content(const App& app, const SealedSecrets& sealed);

Content render_content(const App& app, const SealedSecrets& sealed) {
  auto content = shipped_render_content(app, sealed);
  ++content.renderer_version;
  for (auto* tier : {&content.frontend, &content.backend}) {
    auto pod = nlohmann::json::parse(tier->pod_template);
    pod["metadata"]["annotations"]["example.org/renderer"] = "next";
    tier->pod_template = kube::canonical(pod);
    tier->template_hash = desired::short_hash_of(tier->pod_template);
  }
  return content;
}

}  // namespace todoapp
