#include "model/mutations.hpp"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "kube/model/canonical_json.hpp"
#include "todoapp/history.hpp"
#include "todoapp/names.hpp"
#include "todoapp/reconcile.hpp"
#include "todoapp/revision.hpp"

namespace todoapp::model {
namespace {

/// What the core is given, with annotations of records changed.
struct Doctored {
  template <class Change>
  Doctored(const Observed& original, const Change& change) : observed(original) {
    for (auto& child : observed.owned) {
      if (child.kind != Kind::controller_revision) continue;
      auto& object = objects.emplace_back(*child.object);
      change(object);
      child.object = &object;
    }
  }

  std::deque<kube::Object> objects;
  Observed observed;
};

void set(kube::Object& object, std::string_view mark, const std::string& value) {
  for (auto& [key, held] : object.annotations) {
    if (key == mark) held = value;
  }
}

bool says(const kube::Object& object, std::string_view mark, std::string_view value) {
  const auto* held = kube::find(object.annotations, mark);
  return held != nullptr && *held == value;
}

bool short_of_pods(const Observed& observed) {
  return std::any_of(observed.owned.begin(), observed.owned.end(), [](const Child& child) {
    const auto* state = std::get_if<kube::DeploymentState>(&child.object->state);
    return state != nullptr && state->available < state->wanted;
  });
}

}  // namespace

Decide forgetting_failures() {
  return [](const Observed& observed) {
    const Doctored doctored(observed, [](kube::Object& record) {
      if (says(record, mark::outcome, "Failed")) set(record, mark::outcome, "Superseded");
    });
    return reconcile(doctored.observed);
  };
}

Decide filling_gaps_in_numbers() {
  return [](const Observed& observed) {
    auto plan = reconcile(observed);
    std::set<std::string> names;
    for (const auto& child : observed.owned) names.insert(child.object->name);
    for (auto& action : plan.actions) {
      auto* create = std::get_if<CreateRevision>(&action);
      if (create == nullptr) continue;
      std::int64_t number = 1;
      while (names.contains(revision_name(observed.app.name, number))) ++number;
      create->number = number;
      create->name = revision_name(observed.app.name, number);
      auto body = nlohmann::json::parse(create->body);
      body["revision"] = number;
      body["metadata"]["name"] = create->name;
      create->body = kube::canonical(body);
    }
    return plan;
  };
}

Decide judging_again_what_was_not_seen() {
  return [](const Observed& observed) {
    auto forgetful = observed;
    forgetful.memory.ending.reset();
    return reconcile(forgetful);
  };
}

Decide without_timers() {
  return [](const Observed& observed) {
    auto plan = reconcile(observed);
    std::erase_if(plan.actions, [](const Action& action) { return std::holds_alternative<RequeueAt>(action); });
    return plan;
  };
}

Decide restarting_what_is_down() {
  return [](const Observed& observed) {
    auto eager = observed;
    const History history(observed);
    const auto* newest = history.latest();
    if (newest != nullptr && newest->outcome == Outcome::succeeded && short_of_pods(observed)) {
      eager.app.requests.restart = "it is down";
    }
    return reconcile(eager);
  };
}

Decide judging_success_again() {
  return [](const Observed& observed) {
    const bool down = short_of_pods(observed);
    const Doctored doctored(observed, [&](kube::Object& record) {
      if (down && says(record, mark::outcome, "Succeeded")) set(record, mark::outcome, "");
    });
    return reconcile(doctored.observed);
  };
}

}  // namespace todoapp::model
