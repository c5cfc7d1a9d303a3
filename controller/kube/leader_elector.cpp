#include "kube/leader_elector.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "base/overloaded.hpp"
#include "kube/model/resource.hpp"
#include "kube/request.hpp"
#include "kube/response.hpp"

namespace kube {

LeaderElector::LeaderElector(boost::asio::io_context& loop, Transport& transport, LeaseSettings settings,
                             LeaderCallbacks callbacks)
    : loop_(loop),
      transport_(transport),
      settings_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      machine_(settings_),
      timer_(loop),
      random_(std::random_device{}()),
      alive_(std::make_shared<const int>()) {}

LeaderElector::~LeaderElector() {
  if (call_) transport_.cancel(*call_);
}

void LeaderElector::start() { wait_until(base::MonoTime::min()); }

void LeaderElector::release(std::function<void()> done) {
  // Posted, so that `done` never runs inside this call, and the waiting timer cannot come between.
  boost::asio::post(loop_, [this, alive = std::weak_ptr(alive_), done = std::move(done)]() mutable {
    if (alive.expired()) return;
    released_ = std::move(done);
    run(machine_.release(now()));
  });
}

bool LeaderElector::may_write() const { return machine_.may_write(std::chrono::steady_clock::now()); }

void LeaderElector::run(LeaseActions actions) {
  const std::weak_ptr alive = alive_;
  for (auto& action : actions) {
    act(std::move(action));
    if (alive.expired()) return;
  }
}

void LeaderElector::act(LeaseAction action) {
  const ObjectKey key{settings_.namespace_, settings_.name};
  const auto& leases = resources::leases();
  // By value: a callback may be the end of us.
  const auto tell = [](auto callback, const auto&... arguments) {
    if (callback) callback(arguments...);
  };
  std::visit(base::Overloaded{
                 [&](ReadLease&) { send(make_get(leases, key), Answers::read, "read Lease "); },
                 [&](CreateLease& create) {
                   send(make_create(leases, key.namespace_, std::move(create.body)), Answers::wrote, "create Lease ");
                 },
                 [&](UpdateLease& update) {
                   send(make_update(leases, key, std::move(update.body)), Answers::wrote, "update Lease ");
                 },
                 [&](WaitUntil& wait) { wait_until(wait.when); },
                 [&](BecameLeader&) { tell(callbacks_.on_started_leading); },
                 [&](LostLeadership& lost) {
                   end();
                   tell(callbacks_.on_lost, lost.why);
                 },
                 [&](ObservedLeader& leader) { tell(callbacks_.on_new_leader, leader.identity); },
                 [&](Released&) {
                   end();
                   tell(std::exchange(released_, nullptr));
                 },
             },
             action);
}

void LeaderElector::wait_until(base::MonoTime when) {
  timer_.expires_at(when);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired()) return;
    run(machine_.tick(now()));
  });
}

void LeaderElector::send(Request request, Answers answers, std::string_view act) {
  request.deadline = settings_.renew_deadline / 2;
  call_ = transport_.send(std::move(request), [this, answers, act](base::Result<Response> response) {
    call_.reset();
    auto lease = std::move(response)
                     .and_then([&](Response&& answer) {
                       return require_success(std::move(answer), std::string(act) + settings_.name);
                     })
                     .and_then([](Response&& answer) { return read_lease(answer.body); });
    // The first candidate ever finds no Lease: that is no failure.
    const bool absent = !lease && answers == Answers::read && lease.error().code == base::ErrorCode::not_found;
    if (!lease && !absent && callbacks_.on_error) callbacks_.on_error(lease.error());
    run(answers == Answers::read ? machine_.read(lease, now()) : machine_.wrote(lease, now()));
  });
}

/// Nothing more is to come: neither an answer nor the timer.
void LeaderElector::end() {
  timer_.cancel();
  if (call_) transport_.cancel(*std::exchange(call_, std::nullopt));
}

LeaseNow LeaderElector::now() {
  return {.mono = std::chrono::steady_clock::now(),
          .wall = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()),
          .random = std::uniform_real_distribution<double>(0.0, 1.0)(random_)};
}

}  // namespace kube
