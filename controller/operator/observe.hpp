// Caches to Observed: what one pass of the core is given. Law: reads caches only, writes nothing, decides nothing.
#pragma once

#include <string>

#include "kube/model/object_key.hpp"
#include "operator/caches.hpp"
#include "todoapp/observed.hpp"

namespace shell {

/// What is not in the caches.
struct Moment {
  base::WallTime now{};
  std::string entropy;      ///< 32 fresh random bytes
  std::string process_key;  ///< the same for the life of the process
};

/// What one app's pass looked at besides what it owns: objects whose change is its business too.
using Interests = std::vector<kube::ObjectKey>;

struct Observation {
  todoapp::Observed observed;
  Interests interests;
};

/// `app` is an object of the app's kind out of `caches`.
[[nodiscard]] Observation observe(const Caches& caches, const kube::Object& app, const todoapp::Memory& memory,
                                  Moment moment);

}  // namespace shell
