#include "support/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "todoapp/reconcile.hpp"

namespace todoapp::test {
namespace {

using Json = nlohmann::json;

constexpr int most_passes = 80;

int pods_of(const Json& deployment) { return deployment["spec"].value("replicas", 1); }

}  // namespace

struct World::View {
  std::deque<kube::Object> objects;
  Observed observed;
};

World::World(AppBuilder app) : app_(std::move(app)), now_(noon) {}

// --- what users and others do

World& World::edit(const std::function<void(AppBuilder&)>& change) {
  const auto before = app_.build();
  change(app_);
  if (app_.build().spec != before.spec) app_.at_generation(before.generation + 1);
  return *this;
}

World& World::with_user_secret(const std::string& name, StringMap data) {
  auto& secret = user_secrets_[name];
  if (secret.uid.empty()) secret.uid = "uid-of-" + name;
  secret.version = ++version_;
  secret.data = std::move(data);
  return *this;
}

World& World::relabel_user_secret(const std::string& name) {
  user_secrets_.at(name).version = ++version_;
  return *this;
}

World& World::remove(Kind kind, const std::string& name) {
  EXPECT_EQ(objects_.erase({kind, name}), 1U) << name;
  return *this;
}

World& World::tamper(Kind kind, const std::string& name, const std::string& pointer, const Json& value) {
  auto& json = objects_.at({kind, name}).json;
  json[Json::json_pointer(pointer)] = value;
  touch(json, pointer.starts_with("/spec"));
  return *this;
}

World& World::with_stranger(Kind kind, std::string name) {
  strangers_.push_back({kind, std::move(name)});
  return *this;
}

World& World::without_strangers() {
  strangers_.clear();
  return *this;
}

// --- what the cluster does

Json& World::deployment(Tier tier) { return objects_.at({Kind::deployment, tier_name(app().name, tier)}).json; }

World& World::tiers_start_at_once() {
  at_once_ = true;
  return *this;
}

World& World::becomes_available(Tier tier) {
  auto& json = deployment(tier);
  json["status"] = serving(json["metadata"]["generation"], pods_of(json));
  touch(json, false);
  return *this;
}

World& World::loses_pods(Tier tier, std::int32_t left) {
  auto& json = deployment(tier);
  json["status"]["readyReplicas"] = left;
  json["status"]["availableReplicas"] = left;
  touch(json, false);
  return *this;
}

World& World::misses_deadline(Tier tier) {
  now_ += app().spec.upgrade.progress_deadline;
  auto& json = deployment(tier);
  const auto old = json.value("/status/availableReplicas"_json_pointer, 0);
  json["status"] = {{"observedGeneration", json["metadata"]["generation"]},
                    {"replicas", old + 1},
                    {"updatedReplicas", 1},
                    {"readyReplicas", old},
                    {"availableReplicas", old},
                    {"conditions",
                     {{{"type", "Progressing"},
                       {"status", "False"},
                       {"reason", "ProgressDeadlineExceeded"},
                       {"message", "has timed out progressing"},
                       {"lastUpdateTime", base::format_time(now_)},
                       {"lastTransitionTime", base::format_time(now_)}}}}};
  touch(json, false);
  return *this;
}

World& World::migration_ends(std::int64_t revision, const std::string& condition) {
  auto& json = objects_.at({Kind::job, migration_name(app().name, revision)}).json;
  json["status"] = {
      {"conditions", {{{"type", condition}, {"status", "True"}, {"reason", "ATest"}, {"message", "a test says so"}}}}};
  touch(json, false);
  return *this;
}

World& World::refuse(Kind kind, const std::string& name, base::ErrorCode code, std::string words) {
  refusals_[{kind, name}] = {code, std::move(words)};
  return *this;
}

World& World::refuse_nothing() {
  refusals_.clear();
  return *this;
}

World& World::wait(std::chrono::milliseconds time) {
  now_ += time;
  return *this;
}

World& World::with_pods(std::vector<kube::Pod> pods) {
  pods_ = std::move(pods);
  return *this;
}

// --- what the operator does

World& World::restart() {
  memory_ = {};
  for (auto& [key, stored] : objects_) stored.verified_intent.clear(), stored.verified_fingerprint = 0;
  return *this;
}

World& World::crash_after(int requests) {
  left_ = requests;
  return *this;
}

bool World::dies_now() {
  if (!left_) return false;
  if (--*left_ >= 0) return false;
  left_.reset();
  restart();
  return true;
}

World::View World::observe() const {
  View view;
  auto& observed = view.observed;
  observed.app = app();
  observed.status = status_;
  for (const auto& [key, stored] : objects_) {
    auto object = cached(key.first, stored.json);
    object.verified_intent = stored.verified_intent;
    object.verified_fingerprint = stored.verified_fingerprint;
    if (object.verified_fingerprint == object.fingerprint) object.body.reset();
    view.objects.push_back(std::move(object));
    observed.owned.push_back({key.first, &view.objects.back()});
  }
  for (const auto& variable : observed.app.spec.secrets) {
    const auto at = user_secrets_.find(variable.source_name);
    if (at == user_secrets_.end()) continue;
    observed.sources[at->first] = {at->second.uid, std::to_string(at->second.version)};
  }
  observed.strangers = strangers_;
  observed.memory = memory_;
  observed.entropy = "entropy of version " + std::to_string(version_);
  observed.process_key = "a key of this process";
  observed.now = now_;
  return view;
}

Plan World::decide() const {
  const auto view = observe();
  return reconcile(view.observed);
}

Plan World::pass() {
  auto plan = decide();
  memory_ = plan.memory;
  wrote_objects_ = false;
  for (const auto& action : plan.actions) {
    const bool request = !std::holds_alternative<RequeueAt>(action) && !std::holds_alternative<MarkVerified>(action) &&
                         !std::holds_alternative<EmitEvent>(action);
    if (request && dies_now()) return plan;
    if (!std::visit([this](const auto& one) { return act(one); }, action)) return plan;
    if (!std::holds_alternative<RequeueAt>(action)) done_.push_back(words_of(action));
  }
  if (wrote_objects_) memory_.refusal.reset();
  return plan;
}

World& World::settle() {
  Plan plan;
  for (int count = 0; count < most_passes; ++count) {
    plan = pass();
    const auto acts = [](const Action& action) { return !std::holds_alternative<RequeueAt>(action); };
    if (std::any_of(plan.actions.begin(), plan.actions.end(), acts)) continue;
    if (plan.actions.empty()) return *this;
    const auto next = std::get<RequeueAt>(plan.actions.back()).at;
    if (next > now_ + std::chrono::seconds(1)) return *this;
    now_ = std::max(now_, next);
  }
  ADD_FAILURE() << "never settles: " << ::testing::PrintToString(words_of(plan.actions));
  return *this;
}

// --- what there is to see

World& World::count_anew() {
  requests_ = {};
  done_.clear();
  events_.clear();
  return *this;
}

Json World::status() const { return Json::parse(status_, nullptr, false); }

std::string World::condition(const std::string& type) const {
  for (const auto& each : status().value("conditions", Json::array())) {
    if (each["type"] == type && (type == "Ready" || each["status"] == "True")) return each["reason"];
  }
  return {};
}

std::vector<std::string> World::names(Kind kind) const {
  std::vector<std::string> found;
  for (const auto& [key, stored] : objects_) {
    if (key.first == kind) found.push_back(key.second);
  }
  return found;
}

bool World::exists(Kind kind, const std::string& name) const { return objects_.contains({kind, name}); }

Json World::object(Kind kind, const std::string& name, const std::string& pointer) const {
  const auto& json = objects_.at({kind, name}).json;
  const Json::json_pointer at(pointer);
  return json.contains(at) ? json.at(at) : Json{};
}

std::string World::image(Tier tier) const {
  return object(Kind::deployment, tier_name(app().name, tier), "/spec/template/spec/containers/0/image");
}

std::string World::mark(Kind kind, const std::string& name, std::string_view key) const {
  return object(kind, name, "/metadata/annotations").value(marked(key), "");
}

}  // namespace todoapp::test
