// What one pass of the core is given: the app, what the caches show of it, what was read on request, and the time.
//
// Law: a view, valid for one pass; the objects belong to the caches. `Memory` is what the process remembers of an app
// between passes: losing all of it (a restart) costs reads or waiting, never a wrong write.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/model/object.hpp"
#include "kube/model/pod.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

struct Child {
  Kind kind{Kind::deployment};
  const kube::Object* object{nullptr};
};

/// An object of one of the app's names that the app does not own.
struct Stranger {
  Kind kind{Kind::deployment};
  std::string name;
  friend bool operator==(const Stranger&, const Stranger&) = default;
};

/// A Secret of the app's namespace as the metadata cache shows it.
struct SourceSecret {
  std::string uid;
  std::string resource_version;
};

/// Values read on request; let go when the app has settled.
struct SecretValues {
  std::string resource_version;
  StringMap data;  ///< bytes as they are, not base64
};

/// What is remembered of a user's Secret that pods read live: enough to tell a changed value from a changed label.
struct LiveSource {
  std::string resource_version;
  std::string digest;  ///< keyed with the process's own key, never written anywhere
  friend bool operator==(const LiveSource&, const LiveSource&) = default;
};

/// A refusal by the API server that only a user, an admin or time can end.
struct Refusal {
  base::ErrorCode code{base::ErrorCode::invalid};
  std::string what;                        ///< "Service todo-frontend"
  std::string detail;                      ///< the server's own words
  std::int64_t generation{0};              ///< of the app when it was refused
  std::int32_t tries{1};                   ///< in a row
  std::optional<base::WallTime> retry_at;  ///< set once it stands in the status
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct PodsSeen {
  base::WallTime at{};
  std::vector<kube::Pod> pods;
};

/// An outcome that was sent to a revision's record.
struct Ending {
  std::string uid;
  std::string version;  ///< resourceVersion of the record that was judged
  StringMap marks;      ///< annotations of the record, without the prefix
  bool failed{false};
  std::string note;  ///< for the event
  friend bool operator==(const Ending&, const Ending&) = default;
};

struct Memory {
  std::map<std::int64_t, std::shared_ptr<const Content>> contents;  ///< of records read, by revision
  std::map<std::string, SecretValues> secrets;                      ///< by Secret name
  std::map<std::string, LiveSource> live;                           ///< by "TIER/SECRET"
  std::optional<Refusal> refusal;
  std::optional<base::WallTime> status_written;
  std::int64_t soak_revision{0};
  std::optional<base::WallTime> soak_since;
  std::string progress;  ///< how far the rollout had come when it was last looked at, and since when
  base::WallTime progress_since{};
  std::optional<PodsSeen> pods;
  std::int32_t pod_looks{0};             ///< since it last moved
  std::optional<base::WallTime> behind;  ///< since when the records are known to lag behind the Deployments
  bool waiting{false};                   ///< the rollout waits for what is not its fault
  bool environment{false};               ///< that is, for the environment
  std::optional<base::WallTime> waited;  ///< when the rollout last waited for what is not its fault
  std::int64_t highest_revision{0};      ///< ever seen: the number of a record that somebody deletes is not used again
  std::optional<Ending> ending;          ///< the last outcome, until the record shows it or has become another
};

struct Observed {
  App app;
  std::string spec_error;                       ///< why the spec could not be decoded; empty where it could
  JsonText status;                              ///< as it stands in the cluster, empty where there is none
  std::vector<Child> owned;                     ///< objects whose controller is the app
  std::vector<Stranger> strangers;              ///< objects of the app's names that it does not own
  std::map<std::string, SourceSecret> sources;  ///< those of the Secrets that the spec names which exist
  Memory memory;
  std::string entropy;      ///< 32 fresh random bytes
  std::string process_key;  ///< the same for the life of the process; keys the digests in `Memory::live`
  base::WallTime now{};
};

/// The child of that kind and name, or nullptr.
[[nodiscard]] const kube::Object* find_child(const Observed& observed, Kind kind, std::string_view name);

}  // namespace todoapp
