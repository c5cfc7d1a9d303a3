// Chained builders of what one pass is given: an app's cached children, records of its revisions, the time.
// Law: `observing(app)` alone is an app of which nothing exists yet, at `noon`. An ObservationBuilder owns the objects
// that its Observed points to, so it has to outlive it. Objects are read from JSON as the caches read them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/model/canonical_json.hpp"
#include "kube/model/decode.hpp"
#include "support/builders.hpp"
#include "todoapp/history.hpp"
#include "todoapp/names.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/revision.hpp"

namespace todoapp::test {

inline const base::WallTime noon = base::parse_time("2026-01-31T12:00:00Z").value();

/// What the shell keeps of children of that kind.
[[nodiscard]] inline kube::Pruning child_pruning(Kind kind) {
  const bool bodiless = kind == Kind::controller_revision || kind == Kind::job;
  return {.prefix = std::string(prefix), .keep_body = !bodiless};
}

/// An object as the cache of its kind would show it: Secrets and ConfigMaps are watched as metadata.
[[nodiscard]] inline kube::Object cached(Kind kind, nlohmann::json json) {
  if (kind == Kind::secret || kind == Kind::config_map) {
    for (const auto* member : {"data", "immutable", "type"}) json.erase(member);
  }
  return kube::decode_object(json.dump(), resource_of(kind), child_pruning(kind)).value();
}

/// The object that applying `intent` makes, with what a server adds.
[[nodiscard]] inline nlohmann::json applied(const Intent& intent) {
  auto json = nlohmann::json::parse(intent.body);
  json["metadata"]["uid"] = "uid-of-" + intent.name;
  json["metadata"]["resourceVersion"] = "200";
  json["metadata"]["generation"] = 1;
  json["metadata"]["creationTimestamp"] = base::format_time(noon);
  return json;
}

/// The same object after it was compared with its intent: the body is let go.
[[nodiscard]] inline kube::Object verified(kube::Object object) {
  const auto* mark = kube::find(object.annotations, mark::applied);
  object.verified_intent = mark == nullptr ? std::string{} : *mark;
  object.verified_fingerprint = object.fingerprint;
  object.body.reset();
  return object;
}

/// The record of a revision, of what `app` asks for.
class RecordBuilder {
 public:
  RecordBuilder(App app, std::int64_t number) : app_(std::move(app)), origin_{number, "a test", {}, {}} {}

  RecordBuilder& succeeded() { return marking(mark::outcome, "Succeeded"); }
  RecordBuilder& superseded() { return marking(mark::outcome, "Superseded"); }
  RecordBuilder& failed(std::string reason = "ProgressDeadlineExceeded") {
    return marking(mark::outcome, "Failed").marking(mark::reason, std::move(reason));
  }
  RecordBuilder& reached_schema(int version) { return marking(mark::schema, std::to_string(version)); }
  RecordBuilder& rendered_by(int version) { return marking(mark::renderer, std::to_string(version)); }
  RecordBuilder& marking(std::string_view name, std::string value) {
    marks_[marked(name)] = std::move(value);
    return *this;
  }
  RecordBuilder& caused_by(std::string cause) {
    origin_.cause = std::move(cause);
    return *this;
  }
  RecordBuilder& rolling_back_to(std::int64_t number) {
    origin_.rollback_of = number;
    return *this;
  }
  RecordBuilder& asked_by(std::string retry) {
    origin_.retry = std::move(retry);
    return *this;
  }
  RecordBuilder& sealing(SealedSecrets sealed) {
    sealed_ = std::move(sealed);
    return *this;
  }
  RecordBuilder& created_at(base::WallTime time) {
    created_ = time;
    return *this;
  }
  RecordBuilder& being_deleted() {
    deleting_ = true;
    return *this;
  }

  [[nodiscard]] kube::Object build() const {
    auto json = nlohmann::json::parse(revision_body(app_, want(app_, sealed_), origin_));
    auto& metadata = json["metadata"];
    for (const auto& [name, value] : marks_) metadata["annotations"][name] = value;
    metadata["uid"] = "uid-of-" + metadata["name"].get<std::string>();
    metadata["resourceVersion"] = std::to_string(100 + origin_.number);
    metadata["creationTimestamp"] = base::format_time(created_);
    if (deleting_) metadata["deletionTimestamp"] = base::format_time(created_);
    return cached(Kind::controller_revision, std::move(json));
  }

 private:
  App app_;
  Origin origin_;
  SealedSecrets sealed_;
  StringMap marks_;
  base::WallTime created_{noon};
  bool deleting_{false};
};

[[nodiscard]] inline RecordBuilder a_record(App app, std::int64_t number) { return {std::move(app), number}; }

/// A Deployment's status in which all of `count` pods serve the newest template.
[[nodiscard]] inline nlohmann::json serving(std::int64_t generation, std::int32_t count) {
  return {{"observedGeneration", generation},
          {"replicas", count},
          {"updatedReplicas", count},
          {"readyReplicas", count},
          {"availableReplicas", count}};
}

class ObservationBuilder {
 public:
  explicit ObservationBuilder(App app) {
    observed_.app = std::move(app);
    observed_.entropy = std::string(32, 'e');
    observed_.process_key = std::string(32, 'p');
    observed_.now = noon;
  }
  ObservationBuilder(ObservationBuilder&&) = default;

  /// The app is another one than the children were made for.
  ObservationBuilder& asking(App app) {
    observed_.app = std::move(app);
    return *this;
  }
  ObservationBuilder& at(base::WallTime time) {
    observed_.now = time;
    return *this;
  }
  ObservationBuilder& with(Kind kind, kube::Object object) {
    objects_.push_back(std::move(object));
    observed_.owned.push_back({kind, &objects_.back()});
    return *this;
  }
  ObservationBuilder& with(const RecordBuilder& record) { return with(Kind::controller_revision, record.build()); }
  /// A child just as `intent` asks, with the body still to be compared.
  ObservationBuilder& with(const Intent& intent) { return with(intent.kind, cached(intent.kind, applied(intent))); }
  /// A tier's Deployment on `content`, its status as given: {} for one that no controller has looked at.
  ObservationBuilder& with_deployment(Tier tier, const Content& content, nlohmann::json status,
                                      std::int64_t revision = 1, const Overlay& overlay = {}) {
    const auto intent = deployment_intent(observed_.app, tier, content.tier(tier), revision, overlay);
    auto json = applied(intent);
    json["status"] = std::move(status);
    return with(Kind::deployment, verified(cached(Kind::deployment, std::move(json))));
  }
  ObservationBuilder& with_source(const std::string& name, std::string version, std::string uid = "uid-of-source") {
    observed_.sources[name] = {std::move(uid), std::move(version)};
    return *this;
  }
  ObservationBuilder& having_read(const std::string& secret, std::string version, StringMap data) {
    observed_.memory.secrets[secret] = {std::move(version), std::move(data)};
    return *this;
  }
  ObservationBuilder& with_stranger(Kind kind, std::string name) {
    observed_.strangers.push_back({kind, std::move(name)});
    return *this;
  }
  ObservationBuilder& showing(JsonText status) {
    observed_.status = std::move(status);
    return *this;
  }
  ObservationBuilder& remembering(const std::function<void(Memory&)>& change) {
    change(observed_.memory);
    return *this;
  }

  [[nodiscard]] const Observed& get() const { return observed_; }
  operator const Observed&() const { return observed_; }  // NOLINT(google-explicit-constructor): reads as a sentence

 private:
  std::deque<kube::Object> objects_;
  Observed observed_;
};

[[nodiscard]] inline ObservationBuilder observing(App app) { return ObservationBuilder(std::move(app)); }

}  // namespace todoapp::test
