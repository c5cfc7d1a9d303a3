// What `explain` says: why an app is as it is, what the evidence is, and what to do about it.
// Law: pure; every reason of the core has an entry here as it has one in docs/deployment/troubleshooting.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kubectl/app_view.hpp"
#include "kubectl/pod_view.hpp"
#include "kubectl/text.hpp"

namespace kubectl {

/// One thing to do: in words, and the command for it, which may be empty. `{app}` and `{ns}` stand for the app's.
struct Deed {
  std::string_view words;
  std::string_view command;
};

struct Advice {
  std::string_view meaning;
  std::vector<Deed> deeds;
};

[[nodiscard]] Advice advice_for(todoapp::Reason reason);
/// For an app that no operator has looked at, or whose reason is one of a newer operator.
[[nodiscard]] Advice advice_without_reason();

/// "docs/deployment/troubleshooting.md#rolledback".
[[nodiscard]] std::string link_for(const AppView& app);

/// With `pods` it shows those that hold up a rollout.
[[nodiscard]] std::string explanation(const AppView& app, const Style& style, const PodsView* pods = nullptr);

}  // namespace kubectl
