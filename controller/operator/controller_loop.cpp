#include "operator/controller_loop.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "operator/logging.hpp"
#include "operator/memory.hpp"
#include "operator/random.hpp"
#include "todoapp/reconcile.hpp"

namespace shell {
namespace {

/// For how long passes are begun in one turn of the loop; those that need no request end in the same turn.
constexpr std::chrono::milliseconds turn_most{10};
/// What falls due so soon belongs to what is under way: a back-off's first tries, a status held back for a second.
constexpr std::chrono::seconds moment{2};

constexpr std::size_t entropy_bytes = 32;

base::WallTime wall_now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }
base::MonoTime mono_now() { return std::chrono::steady_clock::now(); }

const char* to_string(todoapp::Why why) {
  switch (why) {
    case todoapp::Why::create:
      return "create";
    case todoapp::Why::change:
      return "change";
    case todoapp::Why::drift:
      return "drift";
  }
  return "";
}

}  // namespace

ControllerLoop::ControllerLoop(boost::asio::io_context& loop, kube::Transport& transport, ControllerOptions options,
                               Metrics& metrics, kube::EventRecorder& recorder, std::function<bool()> may_write)
    : transport_(transport),
      options_(std::move(options)),
      metrics_(metrics),
      recorder_(recorder),
      may_write_(std::move(may_write)),
      timer_(loop),
      caches_(loop, transport, options_.namespaces,
              {[this](const kube::Object* app, const kube::Change& change, kube::Origin origin) {
                 on_app(app, change, origin);
               },
               [this](const kube::Change& change, kube::Origin origin) { on_child(change, origin); },
               [this] {
                 log(LogLevel::info, "Synced caches", {{"apps", caches_.apps()}});
                 give_back_memory();  // the first lists left behind more than what is kept
                 pump();
               },
               [](const std::string& kind, const base::Error& error) {
                 if (error.code == base::ErrorCode::stopped) return;
                 log(LogLevel::warn, "Failed to follow a kind", {{"kind", kind}, {"error", base::to_string(error)}});
               }}),
      process_key_(random_bytes(entropy_bytes)) {
  metrics_.set_max_concurrent_reconciles(options_.max_concurrent);
  metrics_.before_scrape([this] { before_scrape(); });
}

void ControllerLoop::start() {
  if (!std::exchange(started_, true)) caches_.start();
}

void ControllerLoop::lead() {
  if (std::exchange(started_, true)) {
    caches_.renew();
  } else {
    caches_.start();
  }
  leading_ = true;
  caches_.for_each_app([this](const kube::Object& app) { enqueue({app.namespace_, app.name}, kube::Priority::low); });
  pump();
}

void ControllerLoop::stop(std::function<void()> idle) {
  stopping_ = true;
  timer_.cancel();
  caches_.stop();
  idle_ = std::move(idle);
  if (running_ == 0) std::exchange(idle_, nullptr)();
}

// --- Events to keys.

void ControllerLoop::on_app(const kube::Object* app, const kube::Change& change, kube::Origin origin) {
  if (app != nullptr) {
    apps_by_uid_[app->uid] = change.key;
  } else {
    std::erase_if(apps_by_uid_, [&](const auto& entry) { return entry.second == change.key; });
  }
  enqueue(change.key, origin == kube::Origin::list ? kube::Priority::low : kube::Priority::live);
  pump();
}

void ControllerLoop::on_child(const kube::Change& change, kube::Origin origin) {
  const auto priority = origin == kube::Origin::list ? kube::Priority::low : kube::Priority::live;
  if (const auto at = apps_by_uid_.find(change.controller_uid); at != apps_by_uid_.end()) enqueue(at->second, priority);
  const auto [first, last] = interested_.equal_range(change.key);
  for (auto at = first; at != last; ++at) enqueue(at->second, priority);
  pump();  // and not before: a pass changes who is interested
}

void ControllerLoop::enqueue(const kube::ObjectKey& app, kube::Priority priority) {
  if (!leading_ || stopping_) return;  // `lead` begins with all apps there are
  queue_.add(app, priority, mono_now());
}

// --- Keys to passes.

void ControllerLoop::pump() {
  if (pumping_ || !leading_ || stopping_ || !caches_.synced()) return;
  pumping_ = true;
  const auto turn_ends = mono_now() + turn_most;
  for (auto now = mono_now(); running_ < options_.max_concurrent && now < turn_ends; now = mono_now()) {
    const auto item = queue_.next(now);
    if (!item) break;
    metrics_.queue_waited(std::chrono::duration_cast<Seconds>(item->waited));
    pass(*item);
  }
  pumping_ = false;
  wait_for_due();
  if (on_quiet_ && quiet()) on_quiet_();
}

void ControllerLoop::wait_for_due() {
  const auto due = queue_.next_due();
  if (!due || running_ >= options_.max_concurrent) return;  // the end of a pass pumps again
  timer_.expires_at(std::max(*due, mono_now()));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) pump();
  });
}

bool ControllerLoop::quiet() const {
  if (running_ > 0 || queue_.depth() > 0) return false;
  const auto due = queue_.next_due();
  return !due || *due > mono_now() + moment;
}

void ControllerLoop::pass(const kube::WorkItem& item) {
  const auto key = item.key;
  const auto began = mono_now();
  const auto* app = caches_.app(key);
  if (app == nullptr) {
    forget(key);
    queue_.forget(key);
    queue_.done(key, began);
    return;
  }
  metrics_.reconcile_started();
  ++running_;
  ++passes_;
  auto& state = states_[key];
  if (state.uid != app->uid) {
    apps_by_uid_.erase(state.uid);
    state.uid = app->uid;
    state.memory = {};
  }
  auto observation = observe(caches_, *app, state.memory, {wall_now(), random_bytes(entropy_bytes), process_key_});
  auto plan = todoapp::reconcile(observation.observed);
  remember_interests(key, state, std::move(observation.interests));
  if (!plan.reason.empty()) {
    state.reason = plan.reason;
    state.ready = plan.ready;
  }
  const ExecutionServices services{
      transport_, caches_, may_write_,
      [this](const todoapp::EmitEvent& event, const kube::Object& about) { emit(event, about); },
      [this, key](const todoapp::Action& action) { wrote(key, action); }};
  execute(services, *app, std::move(plan),
          [this, key, began](Executed executed) { finished(key, std::move(executed), began); });
}

void ControllerLoop::finished(const kube::ObjectKey& key, Executed executed, base::MonoTime began) {
  const auto now = mono_now();
  auto result = ReconcileResult::success;
  --running_;
  metrics_.queue_worked(std::chrono::duration_cast<Seconds>(queue_.done(key, now)));
  if (const auto at = states_.find(key); at != states_.end()) at->second.memory = std::move(executed.memory);
  switch (executed.next) {
    case Executed::Next::settled:
      queue_.forget(key);
      if (executed.look_again) {
        result = ReconcileResult::requeue_after;
        queue_.add_after(key, now + std::max(*executed.look_again - wall_now(), std::chrono::milliseconds{0}));
      }
      break;
    case Executed::Next::again:
      result = ReconcileResult::requeue;
      queue_.add(key, kube::Priority::live, now);
      break;
    case Executed::Next::failed:
      result = ReconcileResult::error;
      metrics_.queue_retried();
      queue_.add_failed(key, kube::Priority::live, now,
                        executed.not_before ? now + *executed.not_before : base::MonoTime::min());
      log(LogLevel::warn, "Failed to reconcile, will try again",
          {{"app", kube::to_string(key)}, {"error", executed.error}});
      break;
    case Executed::Next::stopped:
      if (!stopping_) queue_.add_failed(key, kube::Priority::live, now);  // the fence may open again
      break;
  }
  metrics_.reconcile_finished(result, std::chrono::duration_cast<Seconds>(now - began));
  if (stopping_ && running_ == 0 && idle_) return std::exchange(idle_, nullptr)();
  pump();
}

void ControllerLoop::forget(const kube::ObjectKey& key) {
  const auto at = states_.find(key);
  if (at == states_.end()) return;
  remember_interests(key, at->second, {});
  states_.erase(at);
}

void ControllerLoop::remember_interests(const kube::ObjectKey& key, AppState& state, Interests interests) {
  if (interests == state.interests) return;
  for (const auto& old : state.interests) {
    const auto [first, last] = interested_.equal_range(old);
    const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == key; });
    if (at != last) interested_.erase(at);
  }
  for (const auto& looked_at : interests) interested_.emplace(looked_at, key);
  state.interests = std::move(interests);
}

// --- What is told of it.

void ControllerLoop::wrote(const kube::ObjectKey& key, const todoapp::Action& action) {
  const auto app = kube::to_string(key);
  if (const auto* apply = std::get_if<todoapp::Apply>(&action)) {
    const auto kind = todoapp::to_string(apply->intent.kind);
    log(LogLevel::info, "Applied object",
        {{"app", app}, {"kind", kind}, {"name", apply->intent.name}, {"why", to_string(apply->why)}});
    if (apply->why == todoapp::Why::drift) metrics_.drift_repaired().increment(kind);
  } else if (const auto* ports = std::get_if<todoapp::ReplacePorts>(&action)) {
    log(LogLevel::info, "Changed ports", {{"app", app}, {"name", ports->intent.name}, {"why", to_string(ports->why)}});
    if (ports->why == todoapp::Why::drift) metrics_.drift_repaired().increment("Service");
  } else if (const auto* handover = std::get_if<todoapp::HandOverReplicas>(&action)) {
    log(LogLevel::info, "Handed over replicas", {{"app", app}, {"name", handover->name}});
  } else if (const auto* create = std::get_if<todoapp::CreateRevision>(&action)) {
    log(LogLevel::info, "Recorded revision", {{"app", app}, {"revision", create->number}});
    if (!create->rollback.empty()) metrics_.rollbacks().increment(create->rollback);
  } else if (const auto* outcome = std::get_if<todoapp::RecordOutcome>(&action)) {
    const auto mark = [&](std::string_view name) {
      const auto at = outcome->marks.find(std::string(name));
      return at == outcome->marks.end() ? std::string{} : at->second;
    };
    const auto ending = mark(todoapp::mark::outcome);
    const auto reason = mark(todoapp::mark::reason);
    log(LogLevel::info, "Recorded outcome",
        {{"app", app}, {"name", outcome->name}, {"outcome", ending}, {"reason", reason}});
    if (!ending.empty()) metrics_.rollouts().increment(ending);
    if (ending == "Failed") metrics_.failures().increment(reason);
  } else if (const auto* removal = std::get_if<todoapp::Delete>(&action)) {
    log(LogLevel::info, "Deleted object",
        {{"app", app}, {"kind", todoapp::to_string(removal->kind)}, {"name", removal->name}});
  }
}

void ControllerLoop::emit(const todoapp::EmitEvent& event, const kube::Object& app) {
  const auto& resource = todoapp::app_resource();
  recorder_.record({.regarding = {resource.api_version(), resource.kind, app.namespace_, app.name, app.uid},
                    .type = event.warning ? kube::EventType::warning : kube::EventType::normal,
                    .reason = event.reason,
                    .action = event.action,
                    .note = event.note});
}

void ControllerLoop::before_scrape() {
  const auto now = mono_now();
  metrics_.set_queue({queue_.depth(), std::chrono::duration_cast<Seconds>(queue_.unfinished_work(now)),
                      std::chrono::duration_cast<Seconds>(queue_.longest_running(now))});
  std::map<std::pair<bool, std::string_view>, std::size_t> counts;
  for (const auto& [key, state] : states_) ++counts[{state.ready, state.reason}];
  std::vector<AppCount> apps;
  for (const auto& [kind, count] : counts) {
    const bool known = !kind.second.empty();
    apps.push_back({!known       ? "Unknown"
                    : kind.first ? "True"
                                 : "False",
                    known ? std::string(kind.second) : "Unknown", count});
  }
  metrics_.set_apps(apps);
  for (const auto& [kind, restarts] : caches_.restarts()) {
    metrics_.watch_restarts().increment(kind, static_cast<double>(restarts - restarts_told_[kind]));
    restarts_told_[kind] = restarts;
  }
  for (; adds_told_ < queue_.adds(); ++adds_told_) metrics_.queue_added();
  metrics_.events_dropped(recorder_.counts().dropped - std::exchange(events_dropped_told_, recorder_.counts().dropped));
}

}  // namespace shell
