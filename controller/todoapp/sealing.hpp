// The secrets step: which values an app's pods get, under which names, and what has to be read or written for it.
//
// Law: values are read only when what they were made from changed (the resourceVersion of a source, the rotate token,
// the list of variables), and leave this step only inside Secrets. The name of a sealed Secret is an HMAC of its values
// with the app's own key, so that it gives no guess of a value; what it was made from stands beside it, so that a
// restarted operator finds it again without reading anything.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "todoapp/desired/desired.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"

namespace todoapp {

struct Sealing {
  std::vector<Action> reads;  ///< to be done before anything else is decided
  std::string problem;        ///< a sentence on what is missing and what to do; nothing else is valid then
  SealedSecrets names;
  std::vector<Action> writes;  ///< the keys Secret and sealed Secrets that do not stand as they should
  std::map<std::string, LiveSource> live;
  std::map<Tier, Overlay> overlays;  ///< without the restart token
};

[[nodiscard]] Sealing seal_secrets(const Observed& observed);

/// Under which of the app's values its sealed Secrets are named.
inline constexpr const char* hmac_key = "hmac.key";
/// The name of the sealed Secret that holds just these values.
[[nodiscard]] std::string sealed_name_of(const App& app, Tier tier, const StringMap& values, const std::string& key);

/// What a Secret holds at that version, or nullptr: then a read of it is added to `reads`, once.
[[nodiscard]] const StringMap* held_values(const Observed& observed, const std::string& name,
                                           const std::string& version, std::vector<Action>& reads);

}  // namespace todoapp
