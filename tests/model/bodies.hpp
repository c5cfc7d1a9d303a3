// Every object that ever stood in the small cluster, each text once: what an API server stores of it, without what it
// fills in for itself (uid, resourceVersion, times, status).
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/model/object.hpp"
#include "model/state.hpp"
#include "todoapp/plan.hpp"
#include "todoapp/revision.hpp"

namespace todoapp::model {

struct Body {
  std::uint8_t slot{0};
  std::string text;                        ///< canonical JSON
  kube::Object shown;                      ///< as the cache of its kind shows it, body and all
  std::string spec;                        ///< what makes a new generation when it changes
  std::string pods;                        ///< Deployment: its pod template
  std::string template_hash;               ///< Deployment
  std::string overlay_restart;             ///< Deployment: the restart token in its pod template
  std::string overlay_secrets;             ///< Deployment: the mark of live secrets in its pod template
  std::string overlay_attempt;             ///< Deployment: the attempt that its pods are labelled with
  kube::Pairs pod_labels;                  ///< Deployment
  std::optional<Revision> record;          ///< ControllerRevision
  std::shared_ptr<const Content> content;  ///< ControllerRevision
  StringMap values;                        ///< Secret: bytes as they are
  bool tampered{false};                    ///< somebody else changed it
};

/// A kind and a name.
struct Slot {
  Kind kind{Kind::deployment};
  std::string name;
  friend auto operator<=>(const Slot&, const Slot&) = default;
};

class Bodies {
 public:
  BodyId of(Kind kind, const std::string& name, const JsonText& text, bool tampered = false);
  /// The same record with these annotations set.
  BodyId marked(BodyId id, const StringMap& marks);
  /// The same object after somebody took a label off and changed the spec.
  BodyId tampered(BodyId id);

  [[nodiscard]] const Body& at(BodyId id) const { return bodies_[id]; }
  [[nodiscard]] const Body& at(const Thing& thing) const { return bodies_[thing.body]; }
  [[nodiscard]] const Slot& slot(std::uint8_t number) const { return slots_[number]; }
  [[nodiscard]] Kind kind(const Thing& thing) const { return slots_[thing.slot].kind; }
  [[nodiscard]] const std::string& name(const Thing& thing) const { return slots_[thing.slot].name; }
  std::uint8_t slot_of(Kind kind, const std::string& name);
  /// The same number for the same hash of a content.
  std::uint8_t content_number(const std::string& hash);

 private:
  std::deque<Body> bodies_;
  std::map<std::pair<std::uint8_t, std::string>, BodyId> by_text_;
  std::map<std::pair<BodyId, std::string>, BodyId> edited_;
  std::vector<Slot> slots_;
  std::map<Slot, std::uint8_t> by_name_;
  std::map<std::string, std::uint8_t> contents_;
};

/// The thing of that slot, or nullptr.
[[nodiscard]] const Thing* find(const Things& things, std::uint8_t slot);
[[nodiscard]] Thing* find(Things& things, std::uint8_t slot);
void put(Things& things, const Thing& thing);
void erase(Things& things, std::uint8_t slot);

}  // namespace todoapp::model
