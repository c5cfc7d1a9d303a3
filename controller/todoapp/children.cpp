#include "todoapp/children.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "kube/model/subset.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using Json = nlohmann::json;

/// ConfigMaps and Secrets are watched as metadata, and sealed ones cannot change otherwise.
kube::Shows shown_of(Kind kind) {
  return kind == Kind::config_map || kind == Kind::secret ? kube::Shows::metadata : kube::Shows::whole;
}

/// What apply knows a port by.
using PortKeys = std::set<std::pair<int, std::string>>;

PortKeys port_keys(const Json& service) {
  PortKeys keys;
  const auto spec = service.find("spec");
  if (spec == service.end()) return keys;
  for (const auto& port : spec->value("ports", Json::array())) {
    keys.emplace(port.value("port", 0), port.value("protocol", "TCP"));
  }
  return keys;
}

/// Apply merges a Service's ports by number: another number would be added beside the old one, under the same name.
bool ports_moved(const Intent& intent, const kube::Object& service) {
  const auto wanted = Json::parse(intent.body);
  if (service.body != nullptr) {
    // Further ports are somebody else's, and stay.
    const auto live = port_keys(Json::parse(*service.body)), asked = port_keys(wanted);
    return !std::includes(live.begin(), live.end(), asked.begin(), asked.end());
  }
  const auto* noted = kube::find(service.annotations, mark::ports);
  return noted == nullptr || *noted != wanted["metadata"]["annotations"].value(marked(mark::ports), "");
}

/// The intent leaves the number of pods to an autoscaler, and the one applied before it did not.
bool gives_up_replicas(const Intent& intent, const kube::Object& deployment) {
  return kube::find(deployment.annotations, mark::autoscaled) == nullptr &&
         !Json::parse(intent.body)["spec"].contains("replicas");
}

std::vector<Action> write(const Intent& intent, const kube::Object& object, Why why) {
  if (intent.kind == Kind::service && ports_moved(intent, object)) return {ReplacePorts{intent, object.uid, why}};
  std::vector<Action> actions;
  if (intent.kind == Kind::deployment && gives_up_replicas(intent, object)) {
    // Our own write, answered but not seen by the watch yet: its event brings the number that was asked for then.
    if (object.fingerprint == 0) return {};
    const auto* state = std::get_if<kube::DeploymentState>(&object.state);
    if (state != nullptr) actions.emplace_back(HandOverReplicas{object.name, object.uid, state->wanted});
  }
  actions.emplace_back(Apply{intent, object.uid, why});
  return actions;
}

}  // namespace

const kube::Object* find_child(const Observed& observed, Kind kind, std::string_view name) {
  const auto at = std::find_if(observed.owned.begin(), observed.owned.end(),
                               [&](const Child& child) { return child.kind == kind && child.object->name == name; });
  return at == observed.owned.end() ? nullptr : at->object;
}

bool untouched(const kube::Object& object) {
  return object.body == nullptr && object.verified_fingerprint == object.fingerprint;
}

std::vector<Action> bring_in_line(const Observed& observed, const Intent& intent) {
  const auto* object = find_child(observed, intent.kind, intent.name);
  if (object == nullptr) return {Apply{intent, "", Why::create}};
  // Being deleted: what replaces it can be made only when it is gone; its end is an event of its own.
  if (object->deleting) return {};
  const auto* applied = kube::find(object->annotations, mark::applied);
  if (applied == nullptr) return write(intent, *object, Why::drift);
  if (*applied != intent.hash) return write(intent, *object, Why::change);
  if (object->verified_intent == intent.hash && object->verified_fingerprint == object->fingerprint) return {};
  // Our own write, answered but not seen by the watch yet: its event brings the body to compare with.
  if (object->body == nullptr) return {};
  if (kube::body_holds(*object->body, intent.body, shown_of(intent.kind))) {
    return {MarkVerified{intent.kind, intent.name, intent.hash, object->fingerprint}};
  }
  return write(intent, *object, Why::drift);
}

std::vector<Action> remove_unasked(const Observed& observed, const std::vector<Intent>& intents) {
  std::vector<Action> actions;
  for (const auto& child : observed.owned) {
    const bool optional = child.kind == Kind::horizontal_pod_autoscaler || child.kind == Kind::pod_disruption_budget ||
                          child.kind == Kind::network_policy || child.kind == Kind::ingress;
    if (!optional || child.object->deleting) continue;
    const bool asked = std::any_of(intents.begin(), intents.end(), [&](const Intent& intent) {
      return intent.kind == child.kind && intent.name == child.object->name;
    });
    if (!asked) actions.emplace_back(Delete{child.kind, child.object->name, child.object->uid});
  }
  return actions;
}

std::vector<Stranger> claimed_names(const App& app) {
  std::vector<Stranger> names;
  for (const auto tier : all_tiers) {
    for (const auto kind : {Kind::deployment, Kind::service}) names.push_back({kind, tier_name(app.name, tier)});
    const auto& spec = app.spec.tier(tier);
    if (spec.autoscaling) names.push_back({Kind::horizontal_pod_autoscaler, tier_name(app.name, tier)});
    if (spec.disruption_budget) names.push_back({Kind::pod_disruption_budget, tier_name(app.name, tier)});
  }
  if (app.spec.network_policy.enabled) names.push_back({Kind::network_policy, tier_name(app.name, Tier::backend)});
  if (app.spec.ingress) names.push_back({Kind::ingress, app.name});
  const bool seals = std::any_of(app.spec.secrets.begin(), app.spec.secrets.end(),
                                 [](const SecretVariable& variable) { return variable.sealed(); });
  if (seals) names.push_back({Kind::secret, keys_name(app.name)});
  return names;
}

}  // namespace todoapp
