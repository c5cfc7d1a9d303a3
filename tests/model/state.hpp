// One state of the small cluster: what the API server holds, what the operator sees of it and is about to do, what is
// still allowed to go wrong, and what the laws have to remember.
//
// Law: a value of small numbers, so that millions of them can be told apart. Texts (objects, memories, plans, statuses)
// lie in tables; a state holds their numbers. Two states that differ in nothing that anybody can see have one key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "todoapp/types.hpp"

namespace todoapp::model {

using BodyId = std::uint16_t;
using MemoryId = std::uint16_t;
using StatusId = std::uint16_t;
using PlanId = std::uint32_t;

/// What a Deployment's pods, or a Job, have come to.
enum class Phase : std::uint8_t { none, rolling, late, crashing, serving, lost, running, complete, failed };

enum Flag : std::uint8_t {
  seen = 1,         ///< the Deployment controller has observed the newest generation
  turning = 2,      ///< the template changed, and the controller has not acted on it yet
  old_pods = 4,     ///< pods of the template before still serve
  old_verdict = 8,  ///< the progress deadline was missed by an earlier rollout
  verified = 16,    ///< in the operator's cache: compared with its intent, body let go
};

/// One object.
struct Thing {
  BodyId body{0};
  std::uint8_t slot{0};     ///< which kind and name
  std::uint8_t uid{0};      ///< the how-manieth of that name
  std::uint8_t version{0};  ///< of Secrets: their resourceVersion
  Phase phase{Phase::none};
  std::uint8_t flags{0};
  std::uint8_t age{0};  ///< of records: 0 fresh, 1 past the progress deadline, 2 past the absolute time-out

  [[nodiscard]] bool is(Flag flag) const { return (flags & flag) != 0; }
  void set(Flag flag, bool on = true) { flags = static_cast<std::uint8_t>(on ? flags | flag : flags & ~flag); }
  friend bool operator==(const Thing&, const Thing&) = default;
};
static_assert(sizeof(Thing) == 8);
using Things = std::vector<Thing>;  ///< in the order of slots

/// The app object: the number of a content, and what else users set.
struct AppView {
  std::uint8_t content{0};
  std::uint8_t pin{0};      ///< spec.rollback.toRevision, 0 for unset
  std::uint8_t retry{0};    ///< the how-manieth token
  std::uint8_t restart{0};  ///< the same
  std::uint8_t generation{1};
  std::uint8_t source{1};  ///< version of the user's Secret
  StatusId status{0};
  friend bool operator==(const AppView&, const AppView&) = default;
};

/// How much may still go wrong, or be asked for.
struct Budget {
  std::uint8_t edits{0};     ///< by users, of the app and of its children
  std::uint8_t faults{0};    ///< crashes, take-overs, lost answers, lost requests, refusals
  std::uint8_t lags{0};      ///< watches that fall behind
  std::uint8_t failures{0};  ///< of pods and Jobs
  friend bool operator==(const Budget&, const Budget&) = default;
};

inline constexpr std::size_t most_contents = 8;

/// What the laws remember and the operator may have forgotten.
struct Past {
  std::uint32_t numbers{0};                          ///< every revision number ever recorded, a bit each
  std::array<std::uint8_t, most_contents> failed{};  ///< attempts at a content since it last succeeded
  std::uint8_t tokens{0};                            ///< retry tokens that a record was made for, a bit each
  std::uint8_t rotation{0};  ///< tiers whose live secret changed since their pods did, a bit each
  friend bool operator==(const Past&, const Past&) = default;
};

/// A process of the operator at work on a plan: the next action, or nothing.
struct Work {
  PlanId plan{0};  ///< 0 for none
  std::uint8_t next{0};
  friend bool operator==(const Work&, const Work&) = default;
};

inline constexpr std::uint16_t no_timer = 0xFFFF;
/// A kind's bit in the masks below; the app itself comes after the kinds of children.
inline constexpr std::uint16_t bit_of(Kind kind) {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(kind));
}
inline constexpr std::uint16_t app_bit = 1U << all_kinds.size();

struct State {
  AppView app;         ///< as the API server holds it
  AppView cached_app;  ///< as the leader's cache shows it
  AppView behind_app;
  Things objects;                 ///< as the API server holds them
  Things cache;                   ///< as the leader's caches show them
  Things behind;                  ///< those of the kinds in `lagging` as the standby's caches show them
  std::uint16_t stalled{0};       ///< kinds whose events do not reach the leader for now
  std::uint16_t lagging{0};       ///< kinds whose events do not reach the standby for now
  std::uint16_t timer{no_timer};  ///< seconds until the leader looks again
  bool queued{true};              ///< the leader has a reason to look now
  std::uint8_t secret_writes{0};  ///< so far: where resourceVersions of Secrets come from
  MemoryId memory{0};             ///< of the leader's process
  Work work;                      ///< the leader's
  Work old_work;                  ///< of a process that led before and does not know yet that it no longer does
  Budget budget;
  Past past;

  /// Everything above in one string: equal for equal states only.
  [[nodiscard]] std::string key() const;
  friend bool operator==(const State&, const State&) = default;
};

}  // namespace todoapp::model
