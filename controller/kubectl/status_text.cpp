#include "kubectl/status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using todoapp::all_tiers;

Ink ink_of(const AppView& app) {
  switch (state_of(app)) {
    case State::ready:
      return Ink::good;
    case State::stalled:
      return Ink::bad;
    case State::under_way:
      return Ink::busy;
  }
  return Ink::busy;
}

std::string reason_word(const AppView& app) { return app.ready.reason.empty() ? "Unknown" : plain(app.ready.reason); }

std::string counts(const TierView& tier) { return fmt::format("{}/{}", tier.ready, tier.replicas); }

/// Lines that become branches of a tree.
class Tree {
 public:
  explicit Tree(const Style& style) : style_(style) {}

  void branch(std::string text) { branches_.push_back({std::move(text), {}}); }
  void leaf(std::string text) { branches_.back().leaves.push_back(std::move(text)); }
  /// Branches of the last branch.
  void twigs(const std::vector<std::string>& texts) {
    for (const auto& each : texts) {
      leaf((&each == &texts.back() ? pick("└─ ", "`- ") : pick("├─ ", "|- ")) + each);
    }
  }

  [[nodiscard]] std::string text(const std::string& head, const std::string& trunk) const {
    auto text = head + '\n';
    if (!trunk.empty()) text += (branches_.empty() ? "   " : pick("│  ", "|  ")) + trunk + '\n';
    for (const auto& each : branches_) {
      const bool last = &each == &branches_.back();
      text += (last ? pick("└─ ", "`- ") : pick("├─ ", "|- ")) + each.text + '\n';
      for (const auto& leaf : each.leaves) text += (last ? "   " : pick("│  ", "|  ")) + leaf + '\n';
    }
    return text;
  }

 private:
  struct Branch {
    std::string text;
    std::vector<std::string> leaves;
  };

  [[nodiscard]] std::string pick(const char* unicode, const char* ascii) const {
    return style_.unicode ? unicode : ascii;
  }

  const Style& style_;
  std::vector<Branch> branches_;
};

/// What the app waits for a user to do or to undo.
void add_requests(Tree& tree, const AppView& app, const Style& style, bool wide) {
  const auto command = [&](const char* verb) {
    return painted(style, Ink::bold, fmt::format("kubectl todoapp {} {} -n {}", verb, app.name, app.namespace_));
  };
  if (app.suspended) tree.branch("paused; to go on: " + command("resume"));
  if (app.pinned > 0) {
    tree.branch(
        fmt::format("pinned to revision {}; to follow the spec again: {} --undo", app.pinned, command("rollback")));
  }
  if (!app.plan) return;
  tree.branch(fmt::format("plan {} waits for approval: {}", plain(app.plan->hash), command("approve")));
  for (const auto& change : app.plan->changes) {
    const bool values = wide && !(change.from.empty() && change.to.empty());
    tree.leaf(plain(values ? fmt::format("{}: {} -> {}", change.path, change.from.empty() ? "(none)" : change.from,
                                         change.to.empty() ? "(none)" : change.to)
                           : change.path));
  }
}

void add_revision(Tree& tree, const AppView& app, std::int64_t number, bool wide) {
  const auto* revision = app.find(number);
  auto text = fmt::format("revision {}: {}", number, marks_of(app, number));
  if (revision != nullptr) {
    if (!revision->outcome.empty()) text += "; " + plain(revision->outcome);
    if (!revision->cause.empty()) text += "; " + plain(revision->cause);
    if (wide && !revision->created.empty()) text += "; recorded " + plain(revision->created);
  }
  tree.branch(std::move(text));
}

void add_failure(Tree& tree, const AppView& app, const Style& style) {
  // A failure is shown for as long as its record is kept; an app that is well has left it behind.
  if (!app.failure || state_of(app) == State::ready) return;
  const auto& failure = *app.failure;
  const bool matters = failure_matters(app);
  auto text =
      fmt::format("{}revision {} failed: {}", matters ? "" : "earlier, ", failure.revision, plain(failure.reason));
  if (!failure.pod.empty()) text += fmt::format("; pod {}", plain(failure.pod));
  if (failure.exit_code) text += fmt::format(", exit code {}", *failure.exit_code);
  tree.branch(matters ? painted(style, Ink::bad, text) : std::move(text));
  tree.leaf(fmt::format("why, and what to do: kubectl todoapp explain {} -n {}", app.name, app.namespace_));
}

/// Which revision a pod is of; a migration's says so in its name, for its template is none of a tier's.
std::string revision_of(const PodView& pod, const PodsView& all) {
  constexpr std::string_view mark = "-migrate-";
  if (const auto at = pod.name.rfind(mark); pod.component == "migration" && at != std::string::npos) {
    const auto number = pod.name.substr(at + mark.size());
    return "revision " + plain(number.substr(0, number.find('-')));
  }
  const auto at = all.revisions.find(pod.template_hash);
  return at == all.revisions.end() ? std::string("revision ?") : fmt::format("revision {}", at->second);
}

/// A pod's line, in columns that `table` puts below each other.
std::vector<std::string> pod_row(const PodView& pod, const PodsView& all, const Style& style, bool wide) {
  const bool done = pod.state == "Completed";
  const auto ink = pod.is_ready() || done                             ? Ink::good
                   : pod.state == "Running" || pod.state == "Pending" ? Ink::busy
                                                                      : Ink::bad;
  std::vector<std::string> row{plain(pod.name),
                               painted(style, ink, plain(pod.state)),
                               fmt::format("{}/{} ready", pod.ready, pod.containers),
                               fmt::format("{} restart{}", pod.restarts, pod.restarts == 1 ? "" : "s"),
                               revision_of(pod, all),
                               age_words(pod.created, all.now)};
  if (wide) row.push_back(pod.node.empty() ? "no node" : plain(pod.node));
  // Of a pod that is well there is nothing to say.
  if (!pod.message.empty() && !pod.is_ready()) row.push_back(plain(pod.message));
  return row;
}

std::vector<std::string> lines_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::string> lines;
  const auto text = table(rows);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void add_pods(Tree& tree, std::string_view component, const PodsView& all, const Style& style, bool wide) {
  std::vector<const PodView*> pods;
  for (const auto& pod : all.pods) {
    if (pod.component == component) pods.push_back(&pod);
  }
  std::sort(pods.begin(), pods.end(), [](const auto* one, const auto* other) {
    return std::tuple(one->is_ready(), one->name) < std::tuple(other->is_ready(), other->name);
  });
  std::vector<std::vector<std::string>> rows;
  for (const auto* pod : pods) {
    if (!wide && rows.size() == most_pods) break;
    rows.push_back(pod_row(*pod, all, style, wide));
  }
  auto lines = lines_of(rows);
  if (rows.size() < pods.size())
    lines.push_back(fmt::format("and {} more; -o wide shows all", pods.size() - rows.size()));
  tree.twigs(lines);
}

void add_tiers(Tree& tree, const AppView& app, const Style& style, bool wide, const PodsView* pods) {
  for (const auto tier : all_tiers) {
    const auto& shown = app.tier(tier);
    const auto ink = shown.ready >= shown.replicas ? Ink::good : Ink::busy;
    tree.branch(fmt::format("{:<8}  {}  {} ready, {} updated  {}", todoapp::to_string(tier),
                            painted(style, ink, bar(style, shown.ready, shown.replicas)), counts(shown), shown.updated,
                            painted(style, Ink::faint, plain(shown.image))));
    if (pods != nullptr) add_pods(tree, todoapp::to_string(tier), *pods, style, wide);
  }
  if (pods == nullptr) return;
  const auto of_migration = [](const PodView& pod) { return pod.component == "migration"; };
  if (std::any_of(pods->pods.begin(), pods->pods.end(), of_migration)) {
    tree.branch("migration");
    add_pods(tree, "migration", *pods, style, wide);
  }
  if (!pods->allowed) tree.branch("pods are not shown: you may not list them");
}

std::string ready_word(const AppView& app) { return app.ready.status.empty() ? "Unknown" : plain(app.ready.status); }

}  // namespace

std::string marks_of(const AppView& app, std::int64_t revision) {
  std::string marks;
  const auto add = [&](std::int64_t number, const char* word) {
    if (number == revision) marks += fmt::format("{}{}", marks.empty() ? "" : ", ", word);
  };
  add(app.active, "active");
  if (app.target != app.active) add(app.target, "target");
  add(app.last_good, "last good");
  if (app.pinned > 0) add(app.pinned, "pinned");
  return marks;
}

std::string status_tree(const AppView& app, const Style& style, bool wide, const PodsView* pods) {
  const auto word = painted(style, ink_of(app), reason_word(app));
  // What matters most comes first: a narrow terminal cuts the end.
  auto head = fmt::format("{}: {}", painted(style, Ink::bold, app.name), word);
  if (wide && !app.ready.since.empty()) {
    head += fmt::format(", {} since {}", app.ready.holds() ? "ready" : "not ready", plain(app.ready.since));
  }
  head += fmt::format(" (namespace {})", app.namespace_);
  Tree tree(style);
  if (app.deleting) tree.branch("it is being deleted");
  if (app.observed_generation == 0) {
    tree.branch("no operator has looked at it yet; is one running, and does it watch this namespace?");
    return tree.text(head, "");
  }
  if (unseen(app)) tree.branch(std::string(unseen_words));
  if (!app.step.empty()) tree.branch("step: " + painted(style, Ink::busy, plain(app.step)));
  add_failure(tree, app, style);
  add_requests(tree, app, style, wide);
  if (app.target > 0 && app.target != app.active) add_revision(tree, app, app.target, wide);
  if (app.active > 0) add_revision(tree, app, app.active, wide);
  add_tiers(tree, app, style, wide, pods);
  return tree.text(head, plain(app.ready.message));
}

std::vector<std::string> unready_pods(const PodsView& pods, const Style& style) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& pod : pods.pods) {
    if (pod.is_ready() || pod.state == "Terminating" || pod.state == "Completed") continue;
    if (rows.size() < most_pods) rows.push_back(pod_row(pod, pods, style, false));
  }
  return lines_of(rows);
}

std::string status_table(const std::vector<AppView>& apps, const Style& style, bool namespaces, bool wide) {
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"NAME", "READY", "REASON", "REVISION", "FRONTEND", "BACKEND"});
  if (wide) rows.back().insert(rows.back().end(), {"STEP", "MESSAGE"});
  if (namespaces) rows.back().insert(rows.back().begin(), "NAMESPACE");
  for (const auto& app : apps) {
    const auto revision = app.target > 0 && app.target != app.active ? fmt::format("{} to {}", app.active, app.target)
                                                                     : std::to_string(app.active);
    rows.push_back({app.name, ready_word(app), painted(style, ink_of(app), reason_word(app)), revision,
                    counts(app.tier(todoapp::Tier::frontend)), counts(app.tier(todoapp::Tier::backend))});
    if (wide)
      rows.back().insert(rows.back().end(), {app.step.empty() ? "-" : plain(app.step), plain(app.ready.message)});
    if (namespaces) rows.back().insert(rows.back().begin(), app.namespace_);
  }
  return table(rows);
}

std::string status_line(const AppView& app) {
  auto line = reason_word(app);
  const auto revision = app.target > 0 ? app.target : app.active;
  if (revision > 0) line += fmt::format("  revision {}", revision);
  if (!app.step.empty()) line += "  " + plain(app.step);
  for (const auto tier : all_tiers) line += fmt::format("  {} {}", todoapp::to_string(tier), counts(app.tier(tier)));
  return line;
}

}  // namespace kubectl
