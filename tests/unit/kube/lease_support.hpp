// Words in which the tests of the LeaseMachine are written. Second 0 of both clocks is where a test begins.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "kube/lease_machine.hpp"

namespace kube {

// How GoogleTest prints an action.
inline void PrintTo(const ReadLease&, std::ostream* out) { *out << "read"; }
inline void PrintTo(const CreateLease& create, std::ostream* out) { *out << "create " << create.body; }
inline void PrintTo(const UpdateLease& update, std::ostream* out) { *out << "update " << update.body; }
inline void PrintTo(const WaitUntil& wait, std::ostream* out) {
  *out << "wait until second " << std::chrono::duration<double>(wait.when.time_since_epoch()).count();
}
inline void PrintTo(const BecameLeader&, std::ostream* out) { *out << "became leader"; }
inline void PrintTo(const LostLeadership& lost, std::ostream* out) { *out << "lost: " << lost.why; }
inline void PrintTo(const ObservedLeader& leader, std::ostream* out) { *out << "observed leader " << leader.identity; }
inline void PrintTo(const Released&, std::ostream* out) { *out << "released"; }

namespace lease_test {

using namespace std::chrono_literals;
using base::ErrorCode;
using base::MonoTime;
using std::chrono::milliseconds;
using Expected = LeaseActions;

inline const std::string passed = "the renew deadline passed";

inline MonoTime second(double seconds) { return MonoTime{} + milliseconds{static_cast<std::int64_t>(seconds * 1000)}; }

/// The wall clock says what the test likes: it must not matter.
inline base::WallTime wall(double seconds) {
  return base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}} +
         milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

inline LeaseNow at(double seconds, double random = 0.0) { return {second(seconds), wall(seconds), random}; }

inline std::string time(double seconds) { return base::format_micro_time(wall(seconds)); }

inline WaitUntil wait(double seconds) { return {second(seconds)}; }

inline std::string metadata(int version) {
  const std::string tail = R"("name":"op","namespace":"sys")";
  return version == 0 ? "{" + tail + "}" : "{" + tail + R"(,"resourceVersion":")" + std::to_string(version) + "\"}";
}

struct Written {
  std::string holder;
  double acquired{0};
  double renewed{0};
  int transitions{0};
  int version{0};
  std::chrono::seconds duration{15};
};

inline Lease lease(const Written& of) {
  return {.record = {.holder = of.holder,
                     .duration = of.duration,
                     .acquired = time(of.acquired),
                     .renewed = time(of.renewed),
                     .transitions = of.transitions},
          .metadata = metadata(of.version)};
}

inline base::Result<Lease> failed(ErrorCode code) { return base::fail(code, "lease", "said the test"); }

inline LeaseMachine make_machine() { return LeaseMachine({.namespace_ = "sys", .name = "op", .identity = "me"}); }

/// Made the Lease at second 0, asked and answered within no time; its version is 1.
inline LeaseMachine make_leader() {
  auto machine = make_machine();
  (void)machine.tick(at(0));
  (void)machine.read(failed(ErrorCode::not_found), at(0));
  (void)machine.wrote(lease({.holder = "me", .version = 1}), at(0));
  return machine;
}

/// Saw at second 0 that "you" hold it, renewed "at" its second -100.
inline LeaseMachine make_standby() {
  auto machine = make_machine();
  (void)machine.tick(at(0));
  (void)machine.read(lease({.holder = "you", .renewed = -100, .transitions = 4, .version = 7}), at(0));
  return machine;
}

/// As `release` writes it.
inline Lease freed(double seconds, int version) {
  return lease({.holder = "", .acquired = seconds, .renewed = seconds, .version = version, .duration = 1s});
}

}  // namespace lease_test
}  // namespace kube
