#include <utility>

#include "base/hash.hpp"
#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

JsonText encoded(const StringMap& values) {
  StringMap data;
  for (const auto& [name, value] : values) data[name] = base::base64_encode(value);
  return desired::text_of(data);
}

}  // namespace

Intent sealed_secret_intent(const App& app, Tier tier, const std::string& name, const StringMap& values,
                            const SealedOrigin& origin) {
  desired::Body body{.kind = Kind::secret,
                     .name = name,
                     .labels = object_labels(app.name, &tier),
                     .annotations = {{marked(mark::sources), origin.sources}},
                     .immutable = true,
                     .type = "Opaque"};
  if (!origin.generated.empty()) body.annotations[marked(mark::generated)] = origin.generated;
  if (!origin.rotate.empty()) body.annotations[marked(mark::rotate)] = origin.rotate;
  // The name is a keyed hash of the values already; a plain one beside it would let a value be guessed.
  return desired::finish_with_secret(app, std::move(body), encoded(values));
}

Intent keys_intent(const App& app, const StringMap& values) {
  desired::Body body{.kind = Kind::secret,
                     .name = keys_name(app.name),
                     .labels = object_labels(app.name, nullptr),
                     .data = encoded(values),  // with the app's random key in it, a hash gives no guess of a value
                     .type = "Opaque"};
  if (!app.requests.rotate.empty()) body.annotations[marked(mark::rotate)] = app.requests.rotate;
  return desired::finish(app, body);
}

}  // namespace todoapp
