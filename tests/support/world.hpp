// A tiny picture of a cluster with one app in it, that carries out plans: scenarios of many passes read as sentences.
//
// Law: it knows uid, resourceVersion, generation, what was verified, and counts requests; it is no API server. What
// pods do is said by the test ("the backend becomes available"). Two laws of the operator are checked at every write:
// no revision number is used twice, and no secret value stands outside Secrets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kube/model/pod.hpp"
#include "support/builders.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"

namespace todoapp::test {

/// What was asked of the API server, events apart.
struct Requests {
  int creates{0};
  int changes{0};
  int deletes{0};
  int revisions{0};
  int outcomes{0};
  int status_writes{0};
  int reads{0};
  friend bool operator==(const Requests&, const Requests&) = default;
  friend void PrintTo(const Requests& r, std::ostream* out) {
    *out << r.creates << " creates, " << r.changes << " changes, " << r.deletes << " deletes, " << r.revisions
         << " revisions, " << r.outcomes << " outcomes, " << r.status_writes << " status writes, " << r.reads
         << " reads";
  }
};

class World {
 public:
  explicit World(AppBuilder app);

  // --- what users and others do
  /// The generation goes up where the spec changes.
  World& edit(const std::function<void(AppBuilder&)>& change);
  World& with_user_secret(const std::string& name, StringMap data);
  World& relabel_user_secret(const std::string& name);
  World& remove(Kind kind, const std::string& name);
  /// Somebody else changes a part of a child, by JSON pointer.
  World& tamper(Kind kind, const std::string& name, const std::string& pointer, const nlohmann::json& value);
  World& with_stranger(Kind kind, std::string name);
  World& without_strangers();

  // --- what the cluster does
  World& tiers_start_at_once();
  World& becomes_available(Tier tier);
  World& loses_pods(Tier tier, std::int32_t left);
  World& misses_deadline(Tier tier);
  World& migration_ends(std::int64_t revision, const std::string& condition);
  World& refuse(Kind kind, const std::string& name, base::ErrorCode code, std::string words);
  World& refuse_nothing();
  World& wait(std::chrono::milliseconds time);
  World& with_pods(std::vector<kube::Pod> pods);

  // --- what the operator does
  /// The process ends and another begins: nothing is remembered, nothing verified.
  World& restart();
  /// The process ends before the request after `requests` more.
  World& crash_after(int requests);
  [[nodiscard]] Plan decide() const;
  Plan pass();
  /// Passes until nothing is left to do but to wait for longer than a second.
  World& settle();

  // --- what there is to see
  [[nodiscard]] const Requests& requests() const { return requests_; }
  World& count_anew();
  [[nodiscard]] base::WallTime now() const { return now_; }
  [[nodiscard]] App app() const { return app_.build(); }
  [[nodiscard]] nlohmann::json status() const;
  /// The condition's reason, or "" where it is not there or not true; of Ready the reason in any case.
  [[nodiscard]] std::string condition(const std::string& type) const;
  [[nodiscard]] std::vector<std::string> names(Kind kind) const;
  [[nodiscard]] bool exists(Kind kind, const std::string& name) const;
  /// The whole object; its part at a JSON pointer, or null.
  [[nodiscard]] nlohmann::json object(Kind kind, const std::string& name, const std::string& pointer = "") const;
  [[nodiscard]] std::string image(Tier tier) const;
  /// An annotation under our prefix.
  [[nodiscard]] std::string mark(Kind kind, const std::string& name, std::string_view mark) const;
  [[nodiscard]] const std::vector<std::string>& events() const { return events_; }
  /// All that was done, in words, since `count_anew`.
  [[nodiscard]] const std::vector<std::string>& done() const { return done_; }

 private:
  using Key = std::pair<Kind, std::string>;
  struct Stored {
    nlohmann::json json;
    std::string verified_intent;
    std::uint64_t verified_fingerprint{0};
  };
  struct UserSecret {
    std::string uid;
    std::int64_t version{0};
    StringMap data;
  };

  struct View;
  [[nodiscard]] View observe() const;
  /// False: the plan ends here.
  bool act(const Apply& apply);
  bool act(const ReplacePorts& replace);
  bool act(const HandOverReplicas& handover);
  bool act(const CreateRevision& create);
  bool act(const RecordOutcome& outcome);
  bool act(const Delete& removal);
  bool act(const WriteStatus& status);
  bool act(const EmitEvent& event);
  bool act(const MarkVerified& verified);
  bool act(const ReadSecret& read);
  bool act(const ReadRevision& read);
  bool act(const ListPods&);
  bool act(const RequeueAt&);
  bool write(const Intent& intent, const std::string& uid);
  void store(const Key& key, nlohmann::json json);
  void touch(nlohmann::json& json, bool new_generation);
  [[nodiscard]] bool refused(const Key& key);
  void keep_secret(const std::string& text) const;
  nlohmann::json& deployment(Tier tier);
  [[nodiscard]] bool dies_now();

  AppBuilder app_;
  JsonText status_;
  std::map<Key, Stored> objects_;
  std::map<std::string, UserSecret> user_secrets_;
  std::vector<Stranger> strangers_;
  std::map<Key, std::pair<base::ErrorCode, std::string>> refusals_;
  std::vector<kube::Pod> pods_;
  Memory memory_;
  base::WallTime now_;
  std::int64_t version_{1000};
  bool at_once_{false};
  std::optional<int> left_;
  Requests requests_;
  std::set<std::int64_t> numbers_;
  std::vector<std::string> events_;
  std::vector<std::string> done_;
  bool wrote_objects_{false};
};

}  // namespace todoapp::test
