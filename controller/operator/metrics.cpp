#include "operator/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "operator/metrics.process.hpp"

namespace shell {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::Registry;

/// From half a millisecond, for a pass with nothing to do, to a rollout's slowest write.
const Histogram::BucketBoundaries buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10};

constexpr std::array<const char*, 4> results{"success", "error", "requeue", "requeue_after"};

Family<Counter>& make_counters(Registry& registry, const char* name, const char* help, const Labels& labels = {}) {
  return prometheus::BuildCounter().Name(name).Help(help).Labels(labels).Register(registry);
}

Counter& make_counter(Registry& registry, const char* name, const char* help, const Labels& labels = {}) {
  return make_counters(registry, name, help, labels).Add({});
}

Family<Gauge>& make_gauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

Gauge& make_gauge(Registry& registry, const char* name, const char* help, const Labels& labels = {}) {
  return make_gauges(registry, name, help).Add(labels);
}

Histogram& make_histogram(Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(labels, buckets);
}

Labels queue_labels(const MetricsIdentity& identity) {
  return {{"name", identity.controller}, {"controller", identity.controller}};
}

Labels build_labels(const MetricsIdentity& identity) {
  Labels labels{{"version", identity.version}};
  if (!identity.revision.empty()) labels.emplace("revision", identity.revision);
  return labels;
}

}  // namespace

CounterBy::CounterBy(Family<Counter>& family, std::string label, std::initializer_list<std::string_view> known)
    : family_(family), label_(std::move(label)) {
  for (const auto value : known) series(value);
}

void CounterBy::increment(std::string_view value, double by) { series(value).Increment(by); }

Counter& CounterBy::series(std::string_view value) {
  const auto found =
      std::find_if(series_.begin(), series_.end(), [&](const auto& entry) { return entry.first == value; });
  if (found != series_.end()) return *found->second;
  if (series_.size() >= limit && value != "other") return series("other");
  auto& counter = family_.Add({{label_, std::string(value)}});
  series_.emplace_back(value, &counter);
  return counter;
}

void RecentMaximum::turn(base::MonoTime now) {
  const auto passed = now - begin_;
  if (passed < window_) return;
  previous_ = passed < 2 * window_ ? current_ : 0;
  current_ = 0;
  begin_ = now;
}

void RecentMaximum::add(double value, base::MonoTime now) {
  turn(now);
  current_ = std::max(current_, value);
}

double RecentMaximum::value(base::MonoTime now) {
  turn(now);
  return std::max(current_, previous_);
}

/// The series that are held by reference, each made once.
struct Metrics::Series {
  Series(Registry& r, const MetricsIdentity& identity)
      : controller{{"controller", identity.controller}},
        queue(queue_labels(identity)),
        reconciles(make_counters(r, "controller_runtime_reconcile_total", "Reconciliations that ended, by result.",
                                 controller)),
        reconcile_errors(make_counter(r, "controller_runtime_reconcile_errors_total",
                                      "Reconciliations that ended with an error.", controller)),
        reconcile_time(make_histogram(r, "controller_runtime_reconcile_time_seconds",
                                      "How long a reconciliation took, its requests included.", controller)),
        active_workers(make_gauge(r, "controller_runtime_active_workers", "Reconciliations in progress.", controller)),
        max_concurrent(make_gauge(r, "controller_runtime_max_concurrent_reconciles",
                                  "Reconciliations that may be in progress at a time.", controller)),
        depth(make_gauge(r, "workqueue_depth", "Keys that wait for a reconciliation.", queue)),
        adds(make_counter(r, "workqueue_adds_total", "Keys that were added to the queue.", queue)),
        retries(make_counter(r, "workqueue_retries_total", "Keys that were added again after an error.", queue)),
        queue_time(make_histogram(r, "workqueue_queue_duration_seconds",
                                  "How long a key waited in the queue before its reconciliation began.", queue)),
        work_time(make_histogram(r, "workqueue_work_duration_seconds",
                                 "How long a key was in work after it was taken from the queue.", queue)),
        unfinished(make_gauge(r, "workqueue_unfinished_work_seconds",
                              "How long the keys in work have been so, summed up; growth means that some are stuck.",
                              queue)),
        longest_running(make_gauge(r, "workqueue_longest_running_processor_seconds",
                                   "How long the key that is longest in work has been so.", queue)),
        requests(make_counters(r, "rest_client_requests_total",
                               "Requests to the API server, by status code (<error>: no answer), method and host.")),
        leader(make_gauge(r, "leader_election_master_status",
                          "Whether this process holds the lease: 1, or 0 for a standby.", {{"name", identity.lease}})),
        apps(make_gauges(r, "todoapp_apps", "Apps, by status and reason of their Ready condition.")),
        events_dropped(make_counter(r, "todoapp_events_dropped_total",
                                    "Events that were not sent, as too many were waiting or the API server refused.")),
        longest_turn(make_gauge(r, "todoapp_loop_turn_longest_seconds",
                                "The longest turn of the event loop in the last five to ten minutes.")) {
    make_gauge(r, "todoapp_build_info", "Always 1; the labels say which build this is.", build_labels(identity)).Set(1);
    for (std::size_t at = 0; at < results.size(); ++at) by_result[at] = &reconciles.Add({{"result", results[at]}});
  }

  Labels controller, queue;
  Family<Counter>& reconciles;
  std::array<Counter*, results.size()> by_result{};
  Counter& reconcile_errors;
  Histogram& reconcile_time;
  Gauge& active_workers;
  Gauge& max_concurrent;
  Gauge& depth;
  Counter& adds;
  Counter& retries;
  Histogram& queue_time;
  Histogram& work_time;
  Gauge& unfinished;
  Gauge& longest_running;
  Family<Counter>& requests;
  Gauge& leader;
  Family<Gauge>& apps;
  Counter& events_dropped;
  Gauge& longest_turn;
};

Metrics::Metrics(const MetricsIdentity& identity)
    : registry_(std::make_unique<Registry>()),
      series_(std::make_unique<Series>(*registry_, identity)),
      api_host_(identity.api_host) {
  auto& r = *registry_;
  const auto make = [&r](const char* name, const char* help, const char* label,
                         std::initializer_list<std::string_view> known) {
    return std::make_unique<CounterBy>(make_counters(r, name, help), label, known);
  };
  drift_repaired_ = make("todoapp_drift_repaired_total",
                         "Objects that somebody else changed or deleted and that were put right, by kind.", "kind",
                         {"Deployment", "Service"});
  rollouts_ = make("todoapp_rollouts_total", "Rollouts that ended, by outcome.", "outcome",
                   {"Succeeded", "Failed", "Superseded"});
  rollbacks_ = make("todoapp_rollbacks_total", "Rollbacks that began, by trigger.", "trigger", {"automatic", "user"});
  failures_ = make("todoapp_failures_total", "Rollouts that failed, by the reason of the failure.", "reason", {});
  watch_restarts_ =
      make("todoapp_watch_restarts_total",
           "Watches that had to begin again for another reason than their normal end, by kind.", "kind", {});
}

Metrics::~Metrics() = default;

void Metrics::set_max_concurrent_reconciles(std::size_t count) {
  series_->max_concurrent.Set(static_cast<double>(count));
}

void Metrics::reconcile_started() { series_->active_workers.Increment(); }

void Metrics::reconcile_finished(ReconcileResult result, Seconds took) {
  series_->active_workers.Decrement();
  series_->by_result[static_cast<std::size_t>(result)]->Increment();
  if (result == ReconcileResult::error) series_->reconcile_errors.Increment();
  series_->reconcile_time.Observe(took.count());
}

void Metrics::queue_added() { series_->adds.Increment(); }
void Metrics::queue_retried() { series_->retries.Increment(); }
void Metrics::queue_waited(Seconds time) { series_->queue_time.Observe(time.count()); }
void Metrics::queue_worked(Seconds time) { series_->work_time.Observe(time.count()); }

void Metrics::set_queue(const QueueState& state) {
  series_->depth.Set(static_cast<double>(state.depth));
  series_->unfinished.Set(state.unfinished.count());
  series_->longest_running.Set(state.longest_running.count());
}

void Metrics::request_finished(std::string_view method, unsigned status) {
  const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const Request& request) {
    return request.status == status && request.method == method;
  });
  if (found != requests_.end()) return found->counter->Increment();
  auto& counter = series_->requests.Add({{"code", status == 0 ? "<error>" : std::to_string(status)},
                                         {"method", std::string(method)},
                                         {"host", api_host_}});
  counter.Increment();
  requests_.push_back({std::string(method), status, &counter});
}

void Metrics::set_leader(bool leads) { series_->leader.Set(leads ? 1 : 0); }

void Metrics::loop_turned(Seconds took, base::MonoTime now) { longest_turn_.add(took.count(), now); }

void Metrics::set_apps(std::span<const AppCount> counts) {
  const auto same = [](const AppCount& one, const AppCount& other) {
    return one.ready == other.ready && one.reason == other.reason;
  };
  std::erase_if(apps_, [&](const auto& entry) {
    const bool gone =
        std::none_of(counts.begin(), counts.end(), [&](const AppCount& count) { return same(count, entry.first); });
    if (gone) series_->apps.Remove(entry.second);
    return gone;
  });
  for (const auto& count : counts) {
    auto found = std::find_if(apps_.begin(), apps_.end(), [&](const auto& entry) { return same(count, entry.first); });
    if (found == apps_.end()) {
      auto& gauge = series_->apps.Add({{"ready", count.ready}, {"reason", count.reason}});
      found = apps_.insert(apps_.end(), {count, &gauge});
    }
    found->second->Set(static_cast<double>(count.count));
  }
}

void Metrics::events_dropped(std::size_t count) { series_->events_dropped.Increment(static_cast<double>(count)); }

std::string Metrics::render(base::MonoTime now) {
  for (const auto& update : updates_) update();
  series_->longest_turn.Set(longest_turn_.value(now));
  auto families = registry_->Collect();
  auto process = collect_process();
  std::move(process.begin(), process.end(), std::back_inserter(families));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace shell
