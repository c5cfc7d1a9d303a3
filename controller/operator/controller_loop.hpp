// The controller: events to keys, keys to passes, passes to writes.
//
// Law: one pass of an app at a time, up to `max_concurrent` apps side by side; a pass is observe, reconcile, execute,
// and nothing else decides. Nothing is written before every cache holds a whole set and the lease is ours. Limits: of
// an app only `Memory` is kept between passes; losing it costs reads or waiting, never a wrong write.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "kube/event_recorder.hpp"
#include "kube/transport.hpp"
#include "kube/work_queue.hpp"
#include "operator/caches.hpp"
#include "operator/execute.hpp"
#include "operator/metrics.hpp"
#include "operator/observe.hpp"

namespace shell {

struct ControllerOptions {
  std::vector<std::string> namespaces;  ///< none: the whole cluster
  std::size_t max_concurrent{8};
};

class ControllerLoop {
 public:
  ControllerLoop(boost::asio::io_context& loop, kube::Transport& transport, ControllerOptions options, Metrics& metrics,
                 kube::EventRecorder& recorder, std::function<bool()> may_write);
  ControllerLoop(const ControllerLoop&) = delete;
  ControllerLoop& operator=(const ControllerLoop&) = delete;

  /// Fills and follows the caches, if that was not begun before; a standby does that too.
  void start();
  /// From now on this process works. A standby's view may lie behind what the leader before it has written, so that all
  /// is read once more before the first pass.
  void lead();
  /// Begins no more passes; `idle` runs when those under way have ended.
  void stop(std::function<void()> idle);
  [[nodiscard]] bool synced() const { return caches_.synced(); }
  /// So many were begun.
  [[nodiscard]] std::uint64_t passes() const { return passes_; }
  /// Told each time that nothing is due any more, nor will be in a moment, once it leads: for `--once`.
  void on_quiet(std::function<void()> quiet) { on_quiet_ = std::move(quiet); }

 private:
  struct AppState {
    std::string uid;  ///< whose memory it is: another app may have taken the name
    todoapp::Memory memory;
    Interests interests;
    std::string_view reason;
    bool ready{false};
  };

  void on_app(const kube::Object* app, const kube::Change& change, kube::Origin origin);
  void on_child(const kube::Change& change, kube::Origin origin);
  void enqueue(const kube::ObjectKey& app, kube::Priority priority);
  void pump();
  void wait_for_due();
  [[nodiscard]] bool quiet() const;
  void pass(const kube::WorkItem& item);
  void finished(const kube::ObjectKey& key, Executed executed, base::MonoTime began);
  void forget(const kube::ObjectKey& key);
  void remember_interests(const kube::ObjectKey& key, AppState& state, Interests interests);
  void wrote(const kube::ObjectKey& key, const todoapp::Action& action);
  void emit(const todoapp::EmitEvent& event, const kube::Object& app);
  void before_scrape();

  kube::Transport& transport_;
  ControllerOptions options_;
  Metrics& metrics_;
  kube::EventRecorder& recorder_;
  std::function<bool()> may_write_;
  boost::asio::steady_timer timer_;
  Caches caches_;
  kube::WorkQueue queue_;
  std::unordered_map<kube::ObjectKey, AppState> states_;
  std::unordered_map<std::string, kube::ObjectKey> apps_by_uid_;
  std::unordered_multimap<kube::ObjectKey, kube::ObjectKey> interested_;  ///< by the object that is looked at
  std::map<std::string, std::uint64_t> restarts_told_;
  std::uint64_t adds_told_{0};
  std::uint64_t events_dropped_told_{0};
  std::string process_key_;
  std::size_t running_{0};
  std::uint64_t passes_{0};
  bool started_{false};
  bool leading_{false};
  bool stopping_{false};
  bool pumping_{false};
  std::function<void()> idle_;
  std::function<void()> on_quiet_;
};

}  // namespace shell
