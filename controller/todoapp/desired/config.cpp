#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

Intent config_intent(const App& app, Tier tier, const TierContent& content) {
  return desired::finish(app, {.kind = Kind::config_map,
                               .name = content.config_name,
                               .labels = object_labels(app.name, &tier),
                               .data = desired::text_of(content.config),
                               .immutable = true});
}

}  // namespace todoapp
