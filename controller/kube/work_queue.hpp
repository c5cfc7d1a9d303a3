// What is to be looked at next: keys, never events and never reasons, so that whoever works on a key looks at all of
// it.
//
// Law: a key stands in the queue at most once. It has one slot: ready now, or waiting for a time; of several wishes the
// earliest time and the higher priority win. A key handed out by `next` is not handed out again until `done`; what is
// added meanwhile waits for that. Live changes go first; after `live_per_low` of them in a row one low key has its
// turn. Failures wait: per key twice as long each time, and all failures together pass one token bucket; whoever is
// added for another reason does not. Time is an argument, and there is no timer: the owner calls `next` again at
// `next_due`. Limits: O(log n) for each call; of an idle key (no slot, not being worked on, no failures) nothing is
// kept. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/time.hpp"
#include "kube/model/object_key.hpp"

namespace kube {

/// `low` is for first lists and resyncs, `live` for what just changed.
enum class Priority : std::uint8_t { low, live };

struct WorkQueueLimits {
  std::chrono::milliseconds first{5};         ///< the wait after a key's first failure
  std::chrono::milliseconds most{1'000'000};  ///< the longest wait after a failure
  std::chrono::milliseconds interval{100};    ///< the bucket gains one failure each
  std::uint32_t burst{100};                   ///< failures that the full bucket lets through at once
  std::uint32_t live_per_low{8};
};

struct WorkItem {
  ObjectKey key;
  Priority priority{Priority::live};
  std::uint32_t failures{0};           ///< in a row, so far
  std::chrono::nanoseconds waited{0};  ///< since it was due

  friend bool operator==(const WorkItem&, const WorkItem&) = default;
};

class WorkQueue {
 public:
  explicit WorkQueue(WorkQueueLimits limits = {}) : limits_(limits) {}

  void add(const ObjectKey& key, Priority priority, base::MonoTime now);
  void add_after(const ObjectKey& key, base::MonoTime when, Priority priority = Priority::live);
  /// After a failure; not before `not_before`, which is what a server asked for. Returns the time it waits for.
  base::MonoTime add_failed(const ObjectKey& key, Priority priority, base::MonoTime now,
                            base::MonoTime not_before = base::MonoTime::min());
  /// The key succeeded, or its object is gone: its failures are no longer counted.
  void forget(const ObjectKey& key) { failures_.erase(key); }

  /// The key whose turn it is; the caller owes a `done`.
  [[nodiscard]] std::optional<WorkItem> next(base::MonoTime now);
  /// The end of the work on a key that `next` gave; returns how long it took.
  std::chrono::nanoseconds done(const ObjectKey& key, base::MonoTime now);
  /// When to call `next` again: `MonoTime::min()` where a key is ready, nothing where none waits for a time.
  [[nodiscard]] std::optional<base::MonoTime> next_due() const;

  // For metrics, named as client-go names them.
  [[nodiscard]] std::size_t depth() const { return ready_[0].size() + ready_[1].size() + held_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::size_t processing() const { return started_.size(); }
  [[nodiscard]] std::uint64_t adds() const { return adds_; }
  [[nodiscard]] std::uint64_t retries() const { return retries_; }
  [[nodiscard]] std::chrono::nanoseconds unfinished_work(base::MonoTime now) const;  ///< summed over keys worked on
  [[nodiscard]] std::chrono::nanoseconds longest_running(base::MonoTime now) const;
  /// Keys of which anything at all is kept.
  [[nodiscard]] std::size_t known() const;

 private:
  enum class Place : std::uint8_t { ready, held, waiting };  ///< held: due, but its key is being worked on

  struct Slot {
    Place place{Place::ready};
    Priority priority{Priority::low};
    base::MonoTime due;
    std::uint64_t number{0};  ///< in order of adding
  };
  using Slots = std::unordered_map<ObjectKey, Slot>;
  using Ready = std::map<std::uint64_t, const ObjectKey*>;

  void raise(Slots::value_type& entry, Priority priority);
  void make_due(Slots::value_type& entry, base::MonoTime due);
  void make_ready(Slots::value_type& entry);
  [[nodiscard]] Ready& ready(Priority priority) { return ready_[static_cast<std::size_t>(priority)]; }
  void promote(base::MonoTime now);
  base::MonoTime spend_token(base::MonoTime now);

  WorkQueueLimits limits_;
  Slots slots_;     ///< its nodes own the keys that `ready_` and `waiting_` point at
  Ready ready_[2];  ///< by Priority
  std::map<std::pair<base::MonoTime, std::uint64_t>, const ObjectKey*> waiting_;
  std::unordered_map<ObjectKey, base::MonoTime> started_;
  std::unordered_map<ObjectKey, std::uint32_t> failures_;
  base::MonoTime bucket_full_at_{base::MonoTime::min()};
  std::size_t held_{0};
  std::uint32_t live_in_a_row_{0};
  std::uint64_t last_number_{0};
  std::uint64_t adds_{0};
  std::uint64_t retries_{0};
};

}  // namespace kube
