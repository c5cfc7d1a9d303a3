// What `status` says: the tree of one app, the table of several, and the line that a watch in a pipe prints at each
// change. Law: pure; from the views of the app and its pods alone.
#pragma once

#include <string>
#include <vector>

#include "kubectl/app_view.hpp"
#include "kubectl/pod_view.hpp"
#include "kubectl/text.hpp"

namespace kubectl {

/// How many pods of a tier are shown; those that are not ready come first.
inline constexpr std::size_t most_pods = 10;

/// Several lines, each with its end. `wide` shows times, plan and pods in full. Without `pods` there is no word of
/// them.
[[nodiscard]] std::string status_tree(const AppView& app, const Style& style, bool wide,
                                      const PodsView* pods = nullptr);

/// One line for each, under a heading; `namespaces` adds that column, `wide` step and message.
[[nodiscard]] std::string status_table(const std::vector<AppView>& apps, const Style& style, bool namespaces,
                                       bool wide);

/// "Progressing  revision 2  RollingBackend 1/2  frontend 1/1  backend 0/1", no line end.
[[nodiscard]] std::string status_line(const AppView& app);

/// The pods that should serve and are not ready, a line each without its end; at most `most_pods`.
[[nodiscard]] std::vector<std::string> unready_pods(const PodsView& pods, const Style& style);

/// What a revision is to the app: "active, last good"; empty where it is nothing of that.
[[nodiscard]] std::string marks_of(const AppView& app, std::int64_t revision);

}  // namespace kubectl
