// What processes of the operator remember between passes, each once; and what becomes of it when time passes.
//
// Law: the model's clock always shows `now`; when time passes, the times that are remembered move into the past
// instead. Times that no decision can tell apart any more are made equal, each with the reason beside it, so that
// waiting makes no new states for ever.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include "model/state.hpp"
#include "todoapp/observed.hpp"

namespace todoapp::model {

/// The time at which every pass takes place.
[[nodiscard]] base::WallTime now();

class Memories {
 public:
  explicit Memories(std::chrono::seconds soak);

  /// 0 is the empty one.
  MemoryId of(Memory memory);
  [[nodiscard]] const Memory& at(MemoryId id) const { return memories_[id]; }
  MemoryId after(MemoryId id, std::chrono::seconds waited);

 private:
  void level(Memory& memory) const;

  std::chrono::seconds soak_;
  std::deque<Memory> memories_;
  std::unordered_map<std::string, MemoryId> by_key_;
};

}  // namespace todoapp::model
