// The cache of one kind: what the watch says, corrected by what we wrote ourselves.
//
// Law: an object never goes back: whatever is older than what is held is not taken, wherever it comes from. Our own
// writes are seen at once (`note_write`), our own deletes too (`note_delete`), before the watch tells of them. A
// relist removes what it does not hold, except what we wrote after it was taken. A body is held only until it was
// compared: `mark_verified` lets it go, and the same body read again is not kept.
// One watch feeds it, in the order of resource versions: so what it does not hold after the watch has come past a
// version was not there in that version, and a late answer to a write brings nothing back that was deleted since.
// Limits: pointers that `find` and `children_of` return are good until the next call that is not const. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kube/model/object.hpp"
#include "kube/model/object_key.hpp"

namespace kube {

/// Is resource version `one` after `other`? Both are decimal numbers of any length; an empty one is before all others.
[[nodiscard]] bool is_newer(std::string_view one, std::string_view other);

/// Something that whoever owns the object may want to look at. An object that changed hands gives two.
struct Change {
  ObjectKey key;
  std::string controller_uid;

  friend bool operator==(const Change&, const Change&) = default;
};

class Store {
 public:
  [[nodiscard]] const Object* find(const ObjectKey& key) const;
  /// What the object of this uid controls, in the order of their keys.
  [[nodiscard]] std::vector<const Object*> children_of(std::string_view controller_uid) const;
  void for_each(const std::function<void(const Object&)>& visit) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// What the objects take, about: for a gauge.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// ADDED or MODIFIED. Nothing changed: the object is older than what is held, or tells no more than our own write.
  std::vector<Change> upsert(Object object);
  /// DELETED; of another uid than the one held it says nothing.
  std::vector<Change> remove(const Object& object);
  /// A whole list, taken at `resource_version`. Of an object that comes twice the later one counts.
  std::vector<Change> replace(std::vector<Object> objects, std::string_view resource_version);

  /// Lets go of a body that `upsert` would not keep either: for objects held aside while a new set is read.
  void drop_known_body(Object& object) const;

  /// The answer to our own write. Where it lacks state, status or body (an answer that is metadata only), those held of
  /// the same uid stay; the body only while the generation is the same.
  void note_write(Object answer);
  /// Our delete of that uid succeeded: it is not shown again until the watch has it gone, or shows it as lingering
  /// (`deleting`, which is for finalizers).
  void note_delete(const ObjectKey& key, std::string_view uid);
  /// What is held of `key` was found to contain (or just became) all that the intent of this hash asks for: its body is
  /// let go. Where the body was not there yet, that of the same resource version counts as verified when it comes.
  void mark_verified(const ObjectKey& key, std::string intent_hash);

 private:
  struct Entry {
    Object object;
    bool hidden{false};   ///< we deleted it
    bool written{false};  ///< the body, if any, is from before our last write
  };
  struct KeyView {
    std::string_view namespace_;
    std::string_view name;
    friend bool operator==(const KeyView&, const KeyView&) = default;
  };
  static KeyView view(const KeyView& key) { return key; }
  static KeyView view(const std::unique_ptr<Entry>& entry) { return {entry->object.namespace_, entry->object.name}; }
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const auto& key) const noexcept {
      const auto parts = view(key);
      return std::hash<std::string_view>{}(parts.name) * 31U + std::hash<std::string_view>{}(parts.namespace_);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& one, const auto& other) const noexcept { return view(one) == view(other); }
  };

  [[nodiscard]] Entry* entry_of(const KeyView& key) const;
  std::vector<Change> insert(Object object);
  std::vector<Change> overwrite(Entry& entry, Object object);
  void erase(Entry& entry);
  void link(Entry& entry);
  void unlink(const Entry& entry);
  void seen(std::string_view version);

  std::unordered_set<std::unique_ptr<Entry>, Hash, Equal> entries_;
  /// By the hash of the controller's uid: half the size of an index by the uid itself.
  std::unordered_multimap<std::size_t, Entry*> children_;
  std::string seen_version_;  ///< how far the watch has come
  std::size_t bytes_{0};
};

}  // namespace kube
