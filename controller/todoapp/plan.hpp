// What the core decided: an ordered list of actions, to be carried out one after another until one fails.
//
// Law: a plan holds only what may be done now; the next observation decides what follows. Plans are values, compared
// whole in tests. Actions that read come alone: nothing is decided on what is not known yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "todoapp/observed.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// Why an object is written; drift is counted and told.
enum class Why : std::uint8_t { create, change, drift };

/// Server-side apply of the whole intent. `uid` is that of the object it changes; empty where the object must not exist
/// yet, so that a foreign object of that name is never taken over.
struct Apply {
  Intent intent;
  std::string uid;
  Why why{Why::create};
  friend bool operator==(const Apply&, const Apply&) = default;
};

/// A Service whose port number changes: apply would add a second port of the same name. One JSON patch sets the ports
/// and the marks of `intent`.
struct ReplacePorts {
  Intent intent;
  std::string uid;
  Why why{Why::change};
  friend bool operator==(const ReplacePorts&, const ReplacePorts&) = default;
};

/// Makes somebody else the owner of `spec.replicas`, at the number that stands there: an apply that merely left the
/// field out would have the server fall back to 1.
struct HandOverReplicas {
  std::string name;
  std::string uid;
  std::int32_t replicas{0};
  friend bool operator==(const HandOverReplicas&, const HandOverReplicas&) = default;
};

struct CreateRevision {
  std::int64_t number{0};
  std::string name;
  JsonText body;
  std::string_view rollback{};  ///< who asked, where it is one: "user", "automatic"
  friend bool operator==(const CreateRevision&, const CreateRevision&) = default;
};

/// Annotations (without the prefix) of a revision's record: how it went. Void where the record is not what was seen:
/// its outcome may stand there already, and is never judged again.
struct RecordOutcome {
  std::string name;
  std::string uid;
  StringMap marks;
  std::string version{};  ///< resourceVersion of the record that was judged
  friend bool operator==(const RecordOutcome&, const RecordOutcome&) = default;
};

struct Delete {
  Kind kind{Kind::config_map};
  std::string name;
  std::string uid;
  friend bool operator==(const Delete&, const Delete&) = default;
};

struct WriteStatus {
  JsonText status;
  friend bool operator==(const WriteStatus&, const WriteStatus&) = default;
};

struct EmitEvent {
  bool warning{false};
  std::string reason;
  std::string action;
  std::string note;
  friend bool operator==(const EmitEvent&, const EmitEvent&) = default;
};

/// The cached body of that object was compared with the intent of this hash and holds all of it. Void where another
/// body came in the meantime, which nobody has compared.
struct MarkVerified {
  Kind kind{Kind::deployment};
  std::string name;
  std::string intent_hash;
  std::uint64_t fingerprint{0};  ///< of the body that was compared
  friend bool operator==(const MarkVerified&, const MarkVerified&) = default;
};

struct ReadSecret {
  std::string name;
  friend bool operator==(const ReadSecret&, const ReadSecret&) = default;
};

struct ReadRevision {
  std::int64_t number{0};
  std::string name;
  friend bool operator==(const ReadRevision&, const ReadRevision&) = default;
};

struct ListPods {
  friend bool operator==(const ListPods&, const ListPods&) = default;
};

/// Look again then, unless something happens before.
struct RequeueAt {
  base::WallTime at{};
  friend bool operator==(const RequeueAt&, const RequeueAt&) = default;
};

using Action = std::variant<Apply, ReplacePorts, HandOverReplicas, CreateRevision, RecordOutcome, Delete, WriteStatus,
                            EmitEvent, MarkVerified, ReadSecret, ReadRevision, ListPods, RequeueAt>;

struct Plan {
  std::vector<Action> actions;
  Memory memory;            ///< what to remember instead of what was
  std::string_view reason;  ///< of the condition Ready, for a gauge; empty where the pass came to none
  bool ready{false};
};

}  // namespace todoapp
