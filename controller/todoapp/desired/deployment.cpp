#include <simdjson.h>

#include <string_view>

#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/desired/pod.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using desired::ObjectText;

StringMap map_in(simdjson::dom::element object, std::string_view key) {
  StringMap map;
  simdjson::dom::object members;
  if (object[key].get(members)) return map;
  for (const auto member : members) {
    std::string_view value;
    if (!member.value.get(value)) map.emplace(member.key, value);
  }
  return map;
}

/// The sealed template and what lies over it. Only the metadata is taken apart: in canonical text it comes first, and
/// as it holds nothing but maps of strings, the first `,"spec":{` ends it.
JsonText overlaid(const TierContent& content, const Overlay& overlay) {
  constexpr std::string_view head = R"({"metadata":)";
  constexpr std::string_view middle = R"(,"spec":)";
  const std::string_view text = content.pod_template;
  const auto end = text.find(R"(,"spec":{)");
  if (!text.starts_with(head) || end == std::string_view::npos) return content.pod_template;
  thread_local simdjson::dom::parser parser;  // for its buffers; each call begins anew
  simdjson::dom::element metadata;
  if (parser.parse(text.data() + head.size(), end - head.size()).get(metadata)) return content.pod_template;
  auto labels = map_in(metadata, "labels");
  auto annotations = map_in(metadata, "annotations");
  labels[marked(mark::template_)] = content.template_hash;
  if (!overlay.attempt.empty()) labels[marked(mark::attempt)] = overlay.attempt;
  if (!overlay.restart.empty()) annotations[marked(mark::restart)] = overlay.restart;
  if (!overlay.live_secrets.empty()) annotations[marked(mark::live_secrets)] = overlay.live_secrets;
  const auto spec = text.substr(end + middle.size(), text.size() - end - middle.size() - 1);
  return desired::pod_template(labels, annotations, spec);
}

JsonText rolling_update(const Strategy& strategy) {
  const auto limits =
      ObjectText{}.json("maxSurge", strategy.max_surge).json("maxUnavailable", strategy.max_unavailable).str();
  return ObjectText{}.json("rollingUpdate", limits).text("type", "RollingUpdate").str();
}

JsonText spec_of(const App& app, Tier which, const JsonText& pod_template) {
  const auto& tier = app.spec.tier(which);
  return ObjectText{}
      .number("minReadySeconds", tier.strategy.min_ready_seconds)
      .number("progressDeadlineSeconds", app.spec.upgrade.progress_deadline.count())
      // An autoscaler owns the number of pods where there is one.
      .json("replicas", tier.autoscaling ? "" : std::to_string(tier.replicas))
      // The history are our own records; an old ReplicaSet would refer to sealed objects that they let go.
      .number("revisionHistoryLimit", 0)
      .json("selector", ObjectText{}.map("matchLabels", selector_labels(app.name, which)).str())
      .json("strategy", rolling_update(tier.strategy))
      .json("template", pod_template)
      .str();
}

}  // namespace

Intent deployment_intent(const App& app, Tier tier, const TierContent& content, std::int64_t revision,
                         const Overlay& overlay) {
  desired::Body body{.kind = Kind::deployment,
                     .name = tier_name(app.name, tier),
                     .labels = object_labels(app.name, &tier),
                     .spec = spec_of(app, tier, overlaid(content, overlay))};
  body.annotations[marked(mark::revision)] = std::to_string(revision);
  body.annotations[marked(mark::template_)] = content.template_hash;
  if (app.spec.tier(tier).autoscaling) body.annotations[marked(mark::autoscaled)] = "true";
  if (!overlay.restart.empty()) body.annotations[marked(mark::restart)] = overlay.restart;
  if (!overlay.attempt.empty()) body.annotations[marked(mark::attempt)] = overlay.attempt;
  if (!overlay.secret_versions.empty()) body.annotations[marked(mark::secret_versions)] = overlay.secret_versions;
  return desired::finish(app, body);
}

}  // namespace todoapp
