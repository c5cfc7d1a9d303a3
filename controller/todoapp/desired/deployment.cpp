#include <nlohmann/json.hpp>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::Json;

/// The sealed template and what lies over it.
Json overlaid(const TierContent& content, const Overlay& overlay) {
  auto body = Json::parse(content.pod_template);
  auto& metadata = body["metadata"];
  metadata["labels"][marked(mark::template_)] = content.template_hash;
  if (!overlay.restart.empty()) metadata["annotations"][marked(mark::restart)] = overlay.restart;
  if (!overlay.live_secrets.empty()) metadata["annotations"][marked(mark::live_secrets)] = overlay.live_secrets;
  return body;
}

Json rolling_update(const Strategy& strategy) {
  Json limits = Json::object();
  limits["maxSurge"] = desired::parsed(strategy.max_surge);
  limits["maxUnavailable"] = desired::parsed(strategy.max_unavailable);
  return Json::object({{"type", "RollingUpdate"}, {"rollingUpdate", std::move(limits)}});
}

Json spec_of(const App& app, Tier which, Json pod_template) {
  const auto& tier = app.spec.tier(which);
  Json spec = Json::object();
  // An autoscaler owns the number of pods where there is one.
  if (!tier.autoscaling) spec["replicas"] = tier.replicas;
  spec["selector"] = Json::object({{"matchLabels", selector_labels(app.name, which)}});
  spec["strategy"] = rolling_update(tier.strategy);
  spec["minReadySeconds"] = tier.strategy.min_ready_seconds;
  spec["progressDeadlineSeconds"] = app.spec.upgrade.progress_deadline.count();
  spec["revisionHistoryLimit"] = app.spec.revision_history_limit;
  spec["template"] = std::move(pod_template);
  return spec;
}

}  // namespace

Intent deployment_intent(const App& app, Tier tier, const TierContent& content, std::int64_t revision,
                         const Overlay& overlay) {
  auto body = desired::body_of(app, Kind::deployment, tier_name(app.name, tier), &tier);
  auto& annotations = desired::annotations_of(body);
  annotations[marked(mark::revision)] = std::to_string(revision);
  annotations[marked(mark::template_)] = content.template_hash;
  if (!overlay.restart.empty()) annotations[marked(mark::restart)] = overlay.restart;
  if (!overlay.secret_versions.empty()) annotations[marked(mark::secret_versions)] = overlay.secret_versions;
  body["spec"] = spec_of(app, tier, overlaid(content, overlay));
  return desired::finish(Kind::deployment, std::move(body));
}

}  // namespace todoapp
