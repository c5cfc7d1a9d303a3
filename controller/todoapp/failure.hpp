// From pods to causes: what a rollout that does not move fails of, and whether waiting could help.
//
// Law: judged by restart counts and last states as well as by the state of the moment, for a crash loop shows three
// faces in turn; init containers too. What only time or an administrator can mend (no room, quota, network) never fails
// a rollout by itself. Pods of the last good revision that fail in the same way speak for the environment.
// Pure: pods, conditions and times are arguments. Limits: what stands only in Events (volumes) is not seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kube/model/pod.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// Why a rollout failed, or what it waits for.
struct Cause {
  std::string reason;  ///< "CrashLoopBackOff", "ProgressDeadlineExceeded", ...
  std::optional<Tier> tier{};
  std::string pod{};
  std::string container{};
  std::optional<std::int32_t> exit_code{};
  std::int32_t restarts{0};
  std::string message{};  ///< the server's words or the last log lines; secret values are not masked yet
  friend bool operator==(const Cause&, const Cause&) = default;
};

enum class CauseClass : std::uint8_t {
  terminal,        ///< fails at once
  graced,          ///< fails when it lasted `image_grace`
  infrastructure,  ///< waits, past the progress deadline too
};

/// How long a pull that is refused, or a reference that does not resolve, may still come right.
inline constexpr std::chrono::seconds failure_grace{60};

struct Finding {
  CauseClass kind{CauseClass::terminal};
  Cause cause;
  base::WallTime since{};
  bool stale{false};  ///< it waits to start again after an end that does not count any more
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// What is wrong with one pod, or nothing. A container whose last end lies before `began` may have mended since: one
/// that runs has, one that waits for its next start is `stale`.
[[nodiscard]] std::optional<Finding> examine(const kube::Pod& pod, Tier tier, std::int32_t max_restarts,
                                             base::WallTime began = {});

/// What keeps a Deployment from making pods at all (`ReplicaFailure`), or nothing.
[[nodiscard]] std::optional<Finding> examine(const kube::DeploymentState& deployment, Tier tier, base::WallTime now);

/// The Job of a migration failed.
inline constexpr const char* migration_failed = "MigrationFailed";

/// A failed migration's `cause` (its pod being the Job's name) with what its newest pod had to say, if that is there.
[[nodiscard]] Cause told_by_pods(Cause cause, const std::vector<kube::Pod>& pods);

struct Diagnosis {
  std::optional<Cause> fails;           ///< the rollout fails of it now
  std::optional<Cause> waits_for;       ///< infrastructure, or the environment
  bool environment{false};              ///< `waits_for` shows on pods of the last good revision too
  std::optional<base::WallTime> until;  ///< when a grace runs out
  std::optional<Cause> unready{};       ///< of a new pod that does not serve: the best that is known
  base::WallTime began{};               ///< when the newest of the new pods could begin
  bool restarting{false};               ///< a new pod's container has ended, and may again
  friend bool operator==(const Diagnosis&, const Diagnosis&) = default;
};

/// Whose pods are judged, and by what.
struct Judged {
  Tier tier{Tier::backend};
  std::string template_hash;    ///< the new pods' label
  std::string attempt{};        ///< their second one; empty where they are of no retry
  std::string good_template{};  ///< of the last good revision, whose pods speak for the environment; empty for none
  std::int32_t max_restarts{2};
  base::WallTime began{};  ///< of the rollout, or the end of what it waited for: what ended before does not count
};

/// `pods` are all of the app's.
[[nodiscard]] Diagnosis diagnose(const std::vector<kube::Pod>& pods, const kube::DeploymentState* deployment,
                                 const Judged& judged, base::WallTime now);

}  // namespace todoapp
