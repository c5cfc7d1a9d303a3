// What stops an app before anything is decided: an invalid spec, `suspend`, foreign objects, a refusal by the API
// server. Law: nothing but status is written while an app is stopped, and what to do about it is said. Pure.
#pragma once

#include <optional>
#include <string>

#include "todoapp/observed.hpp"
#include "todoapp/status.hpp"

namespace todoapp {

struct Stop {
  Reason reason{Reason::invalid_spec};
  std::string message;
  std::optional<base::WallTime> until;  ///< when it is tried again by itself; empty where something has to happen
};

/// `refusal` is let go where the spec has changed since, and told when it will be tried again.
[[nodiscard]] std::optional<Stop> stop_of(const Observed& observed, std::optional<Refusal>& refusal);

}  // namespace todoapp
