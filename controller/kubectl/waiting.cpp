#include "kubectl/waiting.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "kubectl/advice.hpp"
#include "kubectl/asks.hpp"
#include "kubectl/restarting.hpp"
#include "kubectl/status_text.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

class Show {
 public:
  Show(const Wait& wait, Client& client, Terminal& terminal) : wait_(wait), client_(client), terminal_(terminal) {}

  base::Result<int> run() {
    const auto ended = client_.follow(
        wait_.key,
        {.timeout = wait_.timeout,
         .with_pods = terminal_.redraws(),
         .on_app = [this](const AppView& app, const PodsView* pods) { return look(app, pods); },
         .on_trouble =
             [this](const base::Error& error) {
               terminal_.complain(fmt::format("kubectl-todoapp: {}; trying again\n", plain(base::to_string(error))));
             }});
    if (!ended) return base::Failure(ended.error());
    return *ended ? tell_end() : tell_timeout();
  }

 private:
  /// Whether to go on.
  bool look(const AppView& app, const PodsView* pods) {
    show(app, pods);
    last_ = app;
    if (wait_.after > 0 && app.newest() <= wait_.after) return true;
    if (app.generation < wait_.generation) return true;
    if (wait_.upgrade && app.plan && app.observed_generation >= app.generation) return false;
    return state_of(app) == State::under_way;
  }

  void show(const AppView& app, const PodsView* pods) {
    if (terminal_.redraws()) return terminal_.redraw(status_tree(app, terminal_.style(), wait_.wide, pods));
    auto line = status_line(app);
    if (line != before_) terminal_.print(line + "\n");
    before_ = std::move(line);
  }

  int tell_timeout() {
    const auto why = last_ && unseen(*last_) ? fmt::format(": {}; what to do: kubectl todoapp explain {} -n {}",
                                                           unseen_words, wait_.key.name, wait_.key.namespace_)
                                             : std::string();
    terminal_.complain(fmt::format("kubectl-todoapp: {} is not ready after {} s{}\n", kube::to_string(wait_.key),
                                   wait_.timeout.count(), why));
    return exit_timeout;
  }

  int tell_end() {
    const auto& [namespace_, name] = wait_.key;
    const auto complain = [&](const std::string& words) {
      terminal_.complain(fmt::format("kubectl-todoapp: {} {}\n", kube::to_string(wait_.key), words));
    };
    switch (state_of(*last_)) {
      case State::ready:
        return exit_done;
      case State::under_way:
        complain(fmt::format("waits for an approval: kubectl todoapp approve {} -n {}", name, namespace_));
        return exit_failed;
      case State::stalled:
        break;
    }
    if (wait_.upgrade) {
      terminal_.print("\n" + explanation(*last_, terminal_.style()));
      complain("was not upgraded" + (wait_.same && wants_retry(*last_) ? retry_words(*last_) : ""));
    } else {
      complain(fmt::format("cannot go on by itself; why, and what to do: kubectl todoapp explain {} -n {}", name,
                           namespace_));
    }
    return exit_failed;
  }

  static std::string retry_words(const AppView& app) {
    const auto what =
        app.failure ? fmt::format(" (revision {}: {})", app.failure->revision, plain(app.failure->reason)) : "";
    return fmt::format(
        ": the spec asks for that already, and it failed{}; try it again: kubectl todoapp retry {} -n {}", what,
        app.name, app.namespace_);
  }

  const Wait& wait_;
  Client& client_;
  Terminal& terminal_;
  std::string before_;
  std::optional<AppView> last_;
};

}  // namespace

base::Result<int> wait_for_restart(const kube::ObjectKey& key, const std::string& token, std::chrono::seconds timeout,
                                   Client& client, Terminal& terminal) {
  // Of two Deployments, for the seconds that a restart takes: to ask twice a second is simpler than to follow both.
  constexpr std::chrono::milliseconds pause{500};
  const auto start = std::chrono::steady_clock::now();
  std::string before;
  while (true) {
    bool done = true;
    std::string line;
    for (const auto tier : todoapp::all_tiers) {
      const auto text =
          client.find(kube::resources::deployments(), {key.namespace_, todoapp::tier_name(key.name, tier)});
      if (!text) return base::Failure(text.error());
      const auto restart = *text ? restart_of(**text, token) : TierRestart{};
      if (!restart) return base::Failure(restart.error());
      done = done && restart->done;
      line += fmt::format("{}{} {}/{} new", line.empty() ? "" : "  ", todoapp::to_string(tier), restart->fresh,
                          restart->wanted);
    }
    if (line != before) terminal.print(line + "\n");
    before = std::move(line);
    if (done) return exit_done;
    if (timeout.count() > 0 && std::chrono::steady_clock::now() - start >= timeout) break;
    std::this_thread::sleep_for(pause);
  }
  terminal.complain(fmt::format(
      "kubectl-todoapp: {}: its new pods do not all serve after {} s; why: kubectl todoapp status {} -n {}\n",
      kube::to_string(key), timeout.count(), key.name, key.namespace_));
  return exit_timeout;
}

base::Result<int> wait_for(const Wait& wait, Client& client, Terminal& terminal) {
  return Show(wait, client, terminal).run();
}

}  // namespace kubectl
