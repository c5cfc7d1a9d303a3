#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::Json;

Json encoded(const StringMap& values) {
  Json data = Json::object();
  for (const auto& [name, value] : values) data[name] = base::base64_encode(value);
  return data;
}

}  // namespace

Intent sealed_secret_intent(const App& app, Tier tier, const std::string& name, const StringMap& values,
                            const std::string& sources) {
  auto body = desired::body_of(app, Kind::secret, name, &tier);
  desired::annotations_of(body)[marked(mark::sources)] = sources;
  body["type"] = "Opaque";
  body["immutable"] = true;
  // The name is a keyed hash of the values already; a plain one beside it would let a value be guessed.
  return desired::finish_with_secret(std::move(body), encoded(values));
}

Intent keys_intent(const App& app, const StringMap& values) {
  auto body = desired::body_of(app, Kind::secret, keys_name(app.name), nullptr);
  if (!app.requests.rotate.empty()) desired::annotations_of(body)[marked(mark::rotate)] = app.requests.rotate;
  body["type"] = "Opaque";
  body["data"] = encoded(values);  // with the app's random key in it, its hash gives no guess of a value
  return desired::finish(Kind::secret, std::move(body));
}

}  // namespace todoapp
