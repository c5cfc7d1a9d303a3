// Drives a LeaseMachine on a transport and a timer; holds no judgement of its own.
//
// Law of threads: everything on the loop; callbacks never run from inside a call of the owner's. Each request ends
// within half the renew deadline, so a hung call leaves time for another. After `on_lost` the process must end; only
// `release` is still answered. Limits: the transport outlives it; destroying it cancels what is under way and releases
// nothing: call `release` first, and wait for `done`.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/lease_machine.hpp"
#include "kube/transport.hpp"

namespace kube {

struct LeaderCallbacks {
  std::function<void()> on_started_leading;
  std::function<void(const std::string& why)> on_lost;
  std::function<void(const std::string& identity)> on_new_leader;  ///< ourselves too
  std::function<void(const base::Error&)> on_error;  ///< a call that failed; the machine goes on. Optional
};

class LeaderElector {
 public:
  LeaderElector(boost::asio::io_context& loop, Transport& transport, LeaseSettings settings, LeaderCallbacks callbacks);
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;
  ~LeaderElector();

  void start();
  /// The last act, after all other work has stopped. `done` runs once, also after a loss.
  void release(std::function<void()> done);

  [[nodiscard]] bool is_leader() const { return machine_.is_leader(); }
  /// Ask before each write.
  [[nodiscard]] bool may_write() const;
  /// For the deadline of a write: nothing of it should be under way later than this.
  [[nodiscard]] std::optional<base::MonoTime> may_write_until() const { return machine_.may_write_until(); }

 private:
  enum class Answers : std::uint8_t { read, wrote };  ///< which input of the machine an answer is

  void run(LeaseActions actions);
  void act(LeaseAction action);
  void wait_until(base::MonoTime when);
  void send(Request request, Answers answers, std::string_view act);
  void end();
  [[nodiscard]] LeaseNow now();

  boost::asio::io_context& loop_;
  Transport& transport_;
  LeaseSettings settings_;
  LeaderCallbacks callbacks_;
  LeaseMachine machine_;
  boost::asio::steady_timer timer_;
  std::optional<CallId> call_;
  std::function<void()> released_;
  std::minstd_rand random_;
  std::shared_ptr<const int> alive_;  ///< what handlers on the loop look at before they touch us
};

}  // namespace kube
