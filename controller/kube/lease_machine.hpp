// Leader election by a Lease, as a machine: it is told the time and the answers, and says what to do next.
//
// Law: nobody trusts another's clock. A held lease has expired when *this* process saw its record unchanged for the
// record's own duration; times written into the record are never judged. Every write carries the resourceVersion that
// was read, so of two candidates one gets a conflict. `may_write` is the fence: it ends `renew_deadline` after the
// *start* of the last renewal that succeeded, which is earlier than any other candidate may take over. Losing is final.
// Limits: the identity must be new for each start of a process. As in client-go, no protection against somebody who
// deletes the Lease while the leader lives: until its next renewal there may be two.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace kube {

struct LeaseSettings {
  std::string namespace_;
  std::string name;
  std::string identity;
  std::chrono::milliseconds lease_duration{15'000};
  std::chrono::milliseconds renew_deadline{10'000};
  std::chrono::milliseconds retry_period{2'000};
  double jitter{1.2};  ///< a candidate looks again after retry_period * [1, 1 + jitter)
};

/// Leader election compares these; a change of any is a sign of life of the holder.
struct LeaseRecord {
  std::string holder;  ///< empty: free
  std::chrono::seconds duration{0};
  std::string acquired;  ///< acquireTime and renewTime as they were written: compared, never judged
  std::string renewed;
  std::int32_t transitions{0};

  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

struct Lease {
  LeaseRecord record;
  std::string metadata;  ///< as JSON text, written back as it was: resourceVersion, and labels that are others'

  friend bool operator==(const Lease&, const Lease&) = default;
};

/// Error: invalid.
[[nodiscard]] base::Result<Lease> read_lease(std::string_view body);
[[nodiscard]] std::string write_lease(const Lease& lease);

/// What the world says at an input. `random` lies in [0, 1).
struct LeaseNow {
  base::MonoTime mono;
  base::WallTime wall;
  double random{0};
};

struct ReadLease {
  friend bool operator==(const ReadLease&, const ReadLease&) = default;
};
struct CreateLease {
  std::string body;
  friend bool operator==(const CreateLease&, const CreateLease&) = default;
};
struct UpdateLease {
  std::string body;
  friend bool operator==(const UpdateLease&, const UpdateLease&) = default;
};
/// Call `tick` then; takes the place of an earlier one.
struct WaitUntil {
  base::MonoTime when;
  friend bool operator==(const WaitUntil&, const WaitUntil&) = default;
};
struct BecameLeader {
  friend bool operator==(const BecameLeader&, const BecameLeader&) = default;
};
/// The process must end: its writes are no longer fenced. Nothing follows.
struct LostLeadership {
  std::string why;
  friend bool operator==(const LostLeadership&, const LostLeadership&) = default;
};
struct ObservedLeader {
  std::string identity;
  friend bool operator==(const ObservedLeader&, const ObservedLeader&) = default;
};
/// The answer to `release`: given up, or nothing to give up, or it could not be and expires by itself. Nothing follows.
struct Released {
  friend bool operator==(const Released&, const Released&) = default;
};

using LeaseAction = std::variant<ReadLease, CreateLease, UpdateLease, WaitUntil, BecameLeader, LostLeadership,
                                 ObservedLeader, Released>;
using LeaseActions = std::vector<LeaseAction>;

//               tick              free, expired or absent              written
//   Standby ----------> Looking --------------------------> Taking ------------> Leading
//      ^                   |  held by another, or failed       | refused, or failed
//      +-------------------+-----------------------------------+
//
//                 tick                   written
//   Leading ------------> Renewing ----------------------------------> Leading
//      |  ^                |    ^ ours, free or absent: write again
//      |  |       stale    v    |
//      |  +-- failed --- Checking <---- tick, where what we know is stale ---- Leading
//      |                   |
//      +--> Lost <---------+   the renew deadline passed (from any of the three), or another holds it
//
//   release: Standby, Looking -> Ended. Leading -> Releasing. Taking, Renewing, Checking hear their answer first: the
//   lease is ours -> Releasing, else -> Ended. Releasing, once more where its write was stale -> Ended.
namespace lease_state {
struct Standby {
  base::MonoTime until;
};
struct Looking {};
struct Taking {
  base::MonoTime start;
};
struct Leading {
  base::MonoTime until;
  bool look_first{false};  ///< what we know of the Lease is stale
};
struct Renewing {
  base::MonoTime start;
  bool looked{false};  ///< just before: another conflict then means a busy Lease, not stale knowledge
};
struct Checking {};
struct Releasing {
  bool reading{false};
  bool again{false};  ///< the second and last write
};
struct Lost {};
struct Ended {};
}  // namespace lease_state

using LeaseState = std::variant<lease_state::Standby, lease_state::Looking, lease_state::Taking, lease_state::Leading,
                                lease_state::Renewing, lease_state::Checking, lease_state::Releasing, lease_state::Lost,
                                lease_state::Ended>;

class LeaseMachine {
 public:
  explicit LeaseMachine(LeaseSettings settings) : settings_(std::move(settings)) {}

  /// The start, and each time that a WaitUntil named.
  [[nodiscard]] LeaseActions tick(const LeaseNow& now);
  /// The answer to a ReadLease.
  [[nodiscard]] LeaseActions read(const base::Result<Lease>& answer, const LeaseNow& now);
  /// The answer to a CreateLease or UpdateLease: the Lease as the server now has it.
  [[nodiscard]] LeaseActions wrote(const base::Result<Lease>& answer, const LeaseNow& now);
  /// Gives the lease up. From here on `may_write` is false: all other work has stopped before.
  [[nodiscard]] LeaseActions release(const LeaseNow& now);

  [[nodiscard]] bool is_leader() const { return renewed_at_.has_value(); }
  /// The fence: ask before each write.
  [[nodiscard]] bool may_write(base::MonoTime now) const;
  /// Until when writes are fenced as things stand; nothing where they are not.
  [[nodiscard]] std::optional<base::MonoTime> may_write_until() const;
  [[nodiscard]] const LeaseState& state() const { return state_; }

 private:
  [[nodiscard]] LeaseActions looked(const base::Result<Lease>& answer, const LeaseNow& now);
  [[nodiscard]] LeaseActions taken(const base::Result<Lease>& answer, base::MonoTime start, const LeaseNow& now);
  [[nodiscard]] LeaseActions renewed(const base::Result<Lease>& answer, const lease_state::Renewing& renewing,
                                     const LeaseNow& now);
  [[nodiscard]] LeaseActions checked(const base::Result<Lease>& answer, const LeaseNow& now);
  [[nodiscard]] LeaseActions observe(const Lease& lease, const LeaseNow& now);
  [[nodiscard]] bool mine(const Lease& lease) const { return lease.record.holder == settings_.identity; }
  [[nodiscard]] bool takeable(base::MonoTime now) const;
  [[nodiscard]] base::MonoTime deadline() const { return *renewed_at_ + settings_.renew_deadline; }

  [[nodiscard]] LeaseActions stand_by(const LeaseNow& now);
  [[nodiscard]] LeaseActions take(const LeaseNow& now);
  [[nodiscard]] LeaseActions renew(const LeaseNow& now, bool looked);
  [[nodiscard]] LeaseActions check();
  [[nodiscard]] LeaseActions lead(const LeaseNow& now, bool look_first);
  [[nodiscard]] LeaseActions lose(std::string why);
  [[nodiscard]] LeaseActions give_up(const LeaseNow& now, bool again);
  [[nodiscard]] LeaseActions read_to_give_up();
  [[nodiscard]] LeaseActions end();
  [[nodiscard]] LeaseAction write_held(const LeaseNow& now) const;

  LeaseSettings settings_;
  LeaseState state_{lease_state::Standby{base::MonoTime::min()}};
  std::optional<Lease> observed_;
  base::MonoTime changed_at_;                 ///< when the observed record last changed
  std::optional<base::MonoTime> renewed_at_;  ///< the start of the last renewal that succeeded; none: not the leader
  std::string reported_;
  bool releasing_{false};
};

}  // namespace kube
