#include <nlohmann/json.hpp>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"

namespace todoapp {

Intent config_intent(const App& app, Tier tier, const TierContent& content) {
  auto body = desired::body_of(app, Kind::config_map, content.config_name, &tier);
  body["immutable"] = true;
  desired::set(body, "data", content.config);
  return desired::finish(Kind::config_map, std::move(body));
}

}  // namespace todoapp
