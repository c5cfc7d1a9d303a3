// The pods of an app as the plugin speaks of them.
// Law: pure; read from what the server sends of a pod and of the app's records. Nothing of it is fit for a terminal:
// `plain` of text.hpp is between.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/model/object.hpp"

namespace kubectl {

struct PodView {
  std::string name;
  std::string component;  ///< "frontend", "backend", "migration"
  std::string state;      ///< as kubectl's STATUS: "Running", "CrashLoopBackOff", "Init:Error", "Terminating"
  std::string message;    ///< what is said about that state; often empty
  std::int64_t ready{0};  ///< containers
  std::int64_t containers{0};
  std::int64_t restarts{0};
  std::string template_hash;
  std::string node;
  base::WallTime created{};

  [[nodiscard]] bool is_ready() const { return containers > 0 && ready == containers; }
};

/// What `status` shows of pods.
struct PodsView {
  bool allowed{true};  ///< false: the server does not let this user list them
  std::vector<PodView> pods;
  std::map<std::string, std::int64_t> revisions;  ///< the newest revision with that template
  base::WallTime now{};
};

/// What to keep of a pod, so that `pod_of` finds all that it reads.
[[nodiscard]] kube::Pruning pod_pruning();
/// Error: invalid.
[[nodiscard]] base::Result<PodView> pod_of(const kube::Object& pod);

/// Adds the templates of one record, a ControllerRevision.
void note_templates(std::map<std::string, std::int64_t>& revisions, const kube::Object& record);

/// "5s", "3m", "2h", "4d".
[[nodiscard]] std::string age_words(base::WallTime since, base::WallTime now);

}  // namespace kubectl
