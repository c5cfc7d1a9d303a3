// The transport above a wire: ids, the waiting line, deadlines, body limit, credentials, shutting down.
//
// Law of once: an exchange is given to the wire at most once. Law of silence: `over` is set before any handler runs or
// when a call is cancelled, and nothing is reported afterwards. One timer serves all deadlines: it is armed for the
// earliest and looks at all when it fires, so that a call which ends in time costs no timer operation.
// Limits: see TransportLimits; streams are not counted, their number is the caller's affair.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "kube/credentials.hpp"
#include "kube/transport.hpp"
#include "kube/transport_limits.hpp"
#include "kube/wire.hpp"

namespace kube {

class Dispatcher final : public Transport, private WireListener {
 public:
  using MakeWire = std::function<std::shared_ptr<Wire>(WireListener&)>;

  Dispatcher(boost::asio::io_context& loop, std::shared_ptr<Credentials> credentials, TransportLimits limits,
             const MakeWire& make_wire);
  ~Dispatcher() override;

  CallId send(Request request, ResponseHandler handler) override;
  CallId stream(Request request, StreamHandler handler) override;
  void cancel(CallId call) override;
  void close(std::function<void()> closed) override;

 private:
  using ExchangePtr = std::shared_ptr<Exchange>;

  void on_head(Exchange& exchange, ResponseHead head, std::optional<std::uint64_t> length) override;
  void on_data(Exchange& exchange, std::string_view piece) override;
  void on_end(Exchange& exchange, base::Result<void> result) override;

  CallId accept(ExchangePtr exchange);
  void refuse(const ExchangePtr& exchange, base::ErrorCode code, std::string detail);
  void schedule_pump();
  void pump();
  void start_waiting();
  void start(const ExchangePtr& exchange);
  void fail_waiting(const base::Error& error);
  void fail(Exchange& exchange, base::ErrorCode code, std::string detail);
  /// Takes it out of every table and off the wire, and calls its handler; the last thing anybody does with it.
  void finish(Exchange& exchange, base::Result<void> result);
  void take_out(Exchange& exchange);
  void touch(Exchange& exchange) const;
  void arm(base::MonoTime when);
  void expire();
  void stop_all(const std::function<void()>& closed);
  /// Wraps a handler so that it does nothing once this dispatcher is gone.
  template <class Function>
  [[nodiscard]] auto guarded(Function function);

  boost::asio::io_context& loop_;
  std::shared_ptr<Credentials> credentials_;
  TransportLimits limits_;
  std::shared_ptr<void> alive_;
  std::shared_ptr<Wire> wire_;
  std::unordered_map<CallId, ExchangePtr> exchanges_;
  std::deque<ExchangePtr> calls_;    ///< plain calls in line
  std::deque<ExchangePtr> streams_;  ///< streams that wait for credentials only
  std::size_t calls_on_wire_{0};
  CallId last_id_{0};
  boost::asio::steady_timer timer_;
  base::MonoTime armed_for_{base::MonoTime::max()};
  bool pump_scheduled_{false};
  bool awaits_credentials_{false};
  bool closing_{false};
};

}  // namespace kube
