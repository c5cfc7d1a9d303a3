// Carries out a Plan: one request after another, and stops at the first that fails.
//
// Law: judges nothing but what an answer means for the next pass. Every write asks the fence first. What the API server
// answered is in the caches before the next action, so that the next pass sees its own writes. Limits: one Execution
// per app at a time; it lives until its `finished` ran, which it does exactly once, from the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kube/transport.hpp"
#include "operator/caches.hpp"
#include "todoapp/plan.hpp"

namespace shell {

/// What the next pass has to know.
struct Executed {
  enum class Next : std::uint8_t {
    settled,  ///< all was done; `look_again` says whether to come back by itself
    again,    ///< something was read or refused: decide again at once
    failed,   ///< a passing failure: decide again with back-off
    stopped,  ///< shutting down, or no longer the leader
  };
  Next next{Next::settled};
  todoapp::Memory memory;
  std::optional<base::WallTime> look_again;
  std::optional<std::chrono::milliseconds> not_before;  ///< what a server asked for
  std::string error;                                    ///< of `failed`
};

struct ExecutionServices {
  kube::Transport& transport;
  Caches& caches;
  std::function<bool()> may_write;
  std::function<void(const todoapp::EmitEvent&, const kube::Object& app)> emit;
  std::function<void(const todoapp::Action&)> done;  ///< told of every write that succeeded, for logs and metrics
};

/// `app` as it was observed.
void execute(const ExecutionServices& services, const kube::Object& app, todoapp::Plan plan,
             std::function<void(Executed)> finished);

}  // namespace shell
