#include "operator/observe.hpp"

#include <algorithm>
#include <utility>

#include "todoapp/app_object.hpp"
#include "todoapp/children.hpp"

namespace shell {
namespace {

void look_at_sources(const Caches& caches, Observation& observation) {
  const auto& app = observation.observed.app;
  for (const auto& variable : app.spec.secrets) {
    if (variable.generated()) continue;
    kube::ObjectKey key{app.namespace_, variable.source_name};
    const auto* secret = caches.find(todoapp::Kind::secret, key);
    if (secret != nullptr && !secret->deleting) {
      observation.observed.sources[variable.source_name] = {secret->uid, secret->resource_version};
    }
    const auto& known = observation.interests;  // several variables may come from one Secret
    if (std::find(known.begin(), known.end(), key) == known.end()) observation.interests.push_back(std::move(key));
  }
}

void look_for_strangers(const Caches& caches, Observation& observation) {
  const auto& app = observation.observed.app;
  for (auto& claimed : todoapp::claimed_names(app)) {
    kube::ObjectKey key{app.namespace_, claimed.name};
    const auto* object = caches.find(claimed.kind, key);
    if (object == nullptr || object->controller_uid == app.uid) continue;
    observation.observed.strangers.push_back(std::move(claimed));
    observation.interests.push_back(std::move(key));
  }
}

}  // namespace

Observation observe(const Caches& caches, const kube::Object& app, const todoapp::Memory& memory, Moment moment) {
  Observation observation;
  auto& observed = observation.observed;
  observed.app = todoapp::app_of(app, observed.spec_error);
  if (app.status != nullptr) observed.status = *app.status;
  observed.owned = caches.owned_by(app.namespace_, app.uid);
  look_at_sources(caches, observation);
  look_for_strangers(caches, observation);
  observed.memory = memory;
  observed.entropy = std::move(moment.entropy);
  observed.process_key = std::move(moment.process_key);
  observed.now = moment.now;
  return observation;
}

}  // namespace shell
