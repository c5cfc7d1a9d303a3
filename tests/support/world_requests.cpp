#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "support/world.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/revision.hpp"

namespace todoapp::test {
namespace {

using Json = nlohmann::json;

/// Shorter ones would be found by chance.
constexpr std::size_t shortest_secret = 6;

}  // namespace

void World::touch(Json& json, bool new_generation) {
  auto& metadata = json["metadata"];
  metadata["resourceVersion"] = std::to_string(++version_);
  if (new_generation) metadata["generation"] = metadata.value("generation", 0) + 1;
}

void World::keep_secret(const std::string& text) const {
  const auto check = [&](const std::string& value) {
    if (value.size() < shortest_secret) return;
    EXPECT_EQ(text.find(value), std::string::npos) << "a secret value stands in " << text;
    EXPECT_EQ(text.find(base::base64_encode(value)), std::string::npos) << "a secret value stands in " << text;
  };
  for (const auto& [name, secret] : user_secrets_) {
    for (const auto& [key, value] : secret.data) check(value);
  }
  for (const auto& [key, stored] : objects_) {
    if (key.first != Kind::secret) continue;
    for (const auto& [name, value] : stored.json.value("data", StringMap{})) check(*base::base64_decode(value));
  }
}

bool World::refused(const Key& key) {
  const auto at = refusals_.find(key);
  if (at == refusals_.end()) return false;
  const auto what = named(key.first, key.second);
  auto& refusal = memory_.refusal;
  const auto tries = refusal && refusal->what == what ? refusal->tries + 1 : 1;
  refusal = Refusal{at->second.first, what, at->second.second, app().generation, tries, std::nullopt};
  return true;
}

void World::store(const Key& key, Json json) {
  auto& stored = objects_[key];
  auto& metadata = json["metadata"];
  const bool exists = stored.json.is_object();
  if (exists) {
    const auto& old = stored.json;
    for (const auto* member : {"uid", "creationTimestamp", "generation"}) metadata[member] = old["metadata"][member];
    if (old.contains("status")) json["status"] = old["status"];
    // An autoscaler's number stays where the intent has none.
    if (const auto at = "/spec/replicas"_json_pointer; old.contains(at) && !json.contains(at)) json[at] = old[at];
  } else {
    metadata["uid"] = "uid-" + std::to_string(++version_);
    metadata["creationTimestamp"] = base::format_time(now_);
    metadata["generation"] = 0;
  }
  const auto spec = [](const Json& of) { return of.value("spec", Json::object()); };
  touch(json, !exists || spec(stored.json) != spec(json));
  stored.json = std::move(json);
}

bool World::write(const Intent& intent, const std::string& uid) {
  const Key key{intent.kind, intent.name};
  if (refused(key)) return false;
  const auto at = objects_.find(key);
  EXPECT_EQ(uid, at == objects_.end() ? "" : at->second.json["metadata"]["uid"].get<std::string>()) << intent.name;
  if (intent.kind != Kind::secret) keep_secret(intent.body);
  auto& count = uid.empty() ? requests_.creates : requests_.changes;
  ++count;
  store(key, Json::parse(intent.body));
  auto& stored = objects_.at(key);
  stored.verified_intent = intent.hash;
  stored.verified_fingerprint = cached(intent.kind, stored.json).fingerprint;
  wrote_objects_ = true;
  if (intent.kind != Kind::deployment || !at_once_) return true;
  for (const auto tier : all_tiers) {
    if (intent.name == tier_name(app().name, tier)) becomes_available(tier);
  }
  return true;
}

bool World::act(const Apply& apply) { return write(apply.intent, apply.uid); }

bool World::act(const ReplacePorts& replace) { return write(replace.intent, replace.uid); }

bool World::act(const HandOverReplicas& handover) { return !refused({Kind::deployment, handover.name}); }

bool World::act(const CreateRevision& create) {
  const Key key{Kind::controller_revision, create.name};
  if (refused(key)) return false;
  EXPECT_TRUE(numbers_.insert(create.number).second) << "revision " << create.number << " was used before";
  EXPECT_FALSE(objects_.contains(key)) << create.name;
  keep_secret(create.body);
  ++requests_.revisions;
  store(key, Json::parse(create.body));
  return true;
}

bool World::act(const RecordOutcome& outcome) {
  auto& json = objects_.at({Kind::controller_revision, outcome.name}).json;
  EXPECT_EQ(outcome.uid, json["metadata"]["uid"].get<std::string>()) << outcome.name;
  if (outcome.version != json["metadata"]["resourceVersion"].get<std::string>()) return false;  // a conflict
  ++requests_.outcomes;
  for (const auto& [name, value] : outcome.marks) {
    keep_secret(value);
    json["metadata"]["annotations"][marked(name)] = value;
  }
  touch(json, false);
  return true;
}

bool World::act(const Delete& removal) {
  const auto at = objects_.find({removal.kind, removal.name});
  EXPECT_NE(at, objects_.end()) << removal.name;
  if (at == objects_.end()) return true;
  EXPECT_EQ(removal.uid, at->second.json["metadata"]["uid"].get<std::string>()) << removal.name;
  ++requests_.deletes;
  objects_.erase(at);
  return true;
}

bool World::act(const WriteStatus& written) {
  keep_secret(written.status);
  ++requests_.status_writes;
  status_ = written.status;
  return true;
}

bool World::act(const EmitEvent& event) {
  keep_secret(event.note);
  events_.push_back(event.reason);
  return true;
}

bool World::act(const MarkVerified& verified) {
  auto& stored = objects_.at({verified.kind, verified.name});
  EXPECT_EQ(cached(verified.kind, stored.json).fingerprint, verified.fingerprint) << verified.name;
  stored.verified_intent = verified.intent_hash;
  stored.verified_fingerprint = cached(verified.kind, stored.json).fingerprint;
  return true;
}

bool World::act(const ReadSecret& read) {
  ++requests_.reads;
  auto& values = memory_.secrets[read.name];
  values.data.clear();
  if (const auto at = user_secrets_.find(read.name); at != user_secrets_.end()) {
    values = {std::to_string(at->second.version), at->second.data};
    return true;
  }
  const auto& json = objects_.at({Kind::secret, read.name}).json;
  values.resource_version = json["metadata"]["resourceVersion"];
  for (const auto& [name, value] : json.value("data", StringMap{})) values.data[name] = *base::base64_decode(value);
  return true;
}

bool World::act(const ReadRevision& read) {
  ++requests_.reads;
  const auto& json = objects_.at({Kind::controller_revision, read.name}).json;
  memory_.contents[read.number] = std::make_shared<const Content>(decode_content(json.dump()).value());
  return true;
}

bool World::act(const ListPods&) {
  ++requests_.reads;
  memory_.pods = PodsSeen{now_, pods_};
  return true;
}

bool World::act(const RequeueAt&) { return true; }

}  // namespace todoapp::test
