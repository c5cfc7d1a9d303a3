// What the operator tells about itself, in Prometheus' text format: the names that dashboards for controller-runtime
// know, process_*, and ours (todoapp_*).
//
// Law of threads: one thread, the loop. Law of the hot path: no label is looked up by its text in what happens once per
// reconcile or queue item; series are held by reference. Labels whose values are open (kinds, reasons) are bounded:
// after `CounterBy::limit` values all others count as "other". No label holds an app's name, so the number of series
// does not grow with the number of apps. Limits: ten buckets per histogram; a scrape builds its text anew, some 20 KiB.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
template <class T>
class Family;
}  // namespace prometheus

namespace shell {

using Seconds = std::chrono::duration<double>;

enum class ReconcileResult : std::uint8_t { success, error, requeue, requeue_after };

/// Constant labels of this process.
struct MetricsIdentity {
  std::string version{};
  std::string revision{};             ///< the commit; empty if the build was not told
  std::string controller{"todoapp"};  ///< label `controller` of the reconciler, `name` of its queue
  std::string lease{"todoapp-operator"};
  std::string api_host{};  ///< host and port of the API server
};

/// A counter with one open label.
class CounterBy {
 public:
  static constexpr std::size_t limit = 32;

  /// `known` values are there with 0 from the start, so that the first increase shows as one.
  CounterBy(prometheus::Family<prometheus::Counter>& family, std::string label,
            std::initializer_list<std::string_view> known);
  void increment(std::string_view value, double by = 1);

 private:
  prometheus::Counter& series(std::string_view value);

  prometheus::Family<prometheus::Counter>& family_;
  std::string label_;
  std::vector<std::pair<std::string, prometheus::Counter*>> series_;
};

/// The largest value of the last one to two windows. Not reset by a scrape: with two scrapers each would hide
/// from the other what it took; not since the start either: one slow turn would hide all that follow.
class RecentMaximum {
 public:
  explicit RecentMaximum(std::chrono::seconds window) : window_(window) {}
  void add(double value, base::MonoTime now);
  [[nodiscard]] double value(base::MonoTime now);

 private:
  void turn(base::MonoTime now);

  std::chrono::seconds window_;
  base::MonoTime begin_{};
  double current_{0};
  double previous_{0};
};

/// The queue's state that only it can tell, asked for at a scrape.
struct QueueState {
  std::size_t depth{0};
  Seconds unfinished{0};       ///< the sum over the items in work of how long they have been
  Seconds longest_running{0};  ///< the longest of them
};

/// How many apps have this Ready condition.
struct AppCount {
  std::string ready;   ///< "True", "False", "Unknown"
  std::string reason;  ///< of the closed list of the API
  std::size_t count{0};

  friend bool operator==(const AppCount&, const AppCount&) = default;
};

class Metrics {
 public:
  explicit Metrics(const MetricsIdentity& identity);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // Reconciling
  void set_max_concurrent_reconciles(std::size_t count);
  void reconcile_started();
  void reconcile_finished(ReconcileResult result, Seconds took);

  // The work queue
  void queue_added();
  void queue_retried();
  void queue_waited(Seconds time);  ///< from added to taken
  void queue_worked(Seconds time);  ///< from taken to done
  void set_queue(const QueueState& state);

  // The API client, the lease, the loop
  /// `status` 0: there was no answer. `method` is that of HTTP: "GET".
  void request_finished(std::string_view method, unsigned status);
  void set_leader(bool leads);
  void loop_turned(Seconds took, base::MonoTime now);

  // Apps
  void set_apps(std::span<const AppCount> counts);  ///< all there are; what is not named any more is gone
  CounterBy& drift_repaired() { return *drift_repaired_; }
  CounterBy& rollouts() { return *rollouts_; }    ///< by outcome
  CounterBy& rollbacks() { return *rollbacks_; }  ///< by trigger
  CounterBy& failures() { return *failures_; }    ///< by reason
  CounterBy& watch_restarts() { return *watch_restarts_; }
  void events_dropped(std::size_t count);

  /// Runs before each scrape, for what is counted only when somebody asks (`set_queue`, `set_apps`).
  void before_scrape(std::function<void()> update) { updates_.push_back(std::move(update)); }
  [[nodiscard]] std::string render(base::MonoTime now = std::chrono::steady_clock::now());

  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Series;
  struct Request {
    std::string method;
    unsigned status;
    prometheus::Counter* counter;
  };

  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Series> series_;
  std::string api_host_;
  std::unique_ptr<CounterBy> drift_repaired_, rollouts_, rollbacks_, failures_, watch_restarts_;
  std::vector<Request> requests_;
  std::vector<std::pair<AppCount, prometheus::Gauge*>> apps_;
  RecentMaximum longest_turn_{std::chrono::minutes{5}};
  std::vector<std::function<void()>> updates_;
};

}  // namespace shell
