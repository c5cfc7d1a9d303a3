#include "kubectl/restarting.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kubectl/members.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

std::string token_in(const Json& metadata) {
  return member(metadata, "annotations").value(todoapp::marked(todoapp::mark::restart), "");
}

}  // namespace

base::Result<std::string> restart_token(std::string_view app_json) {
  try {
    return token_in(member(Json::parse(app_json), "metadata"));
  } catch (const Json::exception& error) {
    return base::fail(base::ErrorCode::invalid, "read an app", error.what());
  }
}

base::Result<TierRestart> restart_of(std::string_view deployment_json, std::string_view token) {
  try {
    const auto deployment = Json::parse(deployment_json);
    const auto metadata = member(deployment, "metadata");
    const auto spec = member(deployment, "spec"), status = member(deployment, "status");
    const auto count = [&](const char* name) { return status.value(name, std::int64_t{0}); };
    TierRestart tier{.wanted = spec.value("replicas", std::int64_t{1})};
    const bool asked = token_in(member(member(spec, "template"), "metadata")) == token;
    // Until then the counts are of the template before.
    if (!asked || count("observedGeneration") < metadata.value("generation", std::int64_t{0})) return tier;
    const auto old = count("replicas") - count("updatedReplicas");
    tier.fresh = std::clamp(count("availableReplicas") - old, std::int64_t{0}, count("updatedReplicas"));
    tier.done = old <= 0 && tier.fresh >= tier.wanted && count("replicas") == tier.wanted;
    return tier;
  } catch (const Json::exception& error) {
    return base::fail(base::ErrorCode::invalid, "read a Deployment", error.what());
  }
}

}  // namespace kubectl
