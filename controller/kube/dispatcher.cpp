#include "kube/dispatcher.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace kube {
namespace {

using base::ErrorCode;
using Clock = std::chrono::steady_clock;

/// A space or a control character in the head of a request would end a line, or a word, that we did not mean to end.
bool is_clean(std::string_view text, bool spaces) {
  return std::ranges::all_of(text, [spaces](char c) { return c > ' ' && c != '\x7f' ? true : spaces && c == ' '; });
}

bool is_well_formed(const Request& request) {
  return request.target.starts_with('/') && is_clean(request.target, false) && is_clean(request.accept, true) &&
         is_clean(request.content_type, true);
}

std::string act_of(const Request& request) {
  return std::string(to_string(request.method)) + " " + request.target.substr(0, request.target.find('?'));
}

std::string in_seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count());
  if (text.size() < 4) text.insert(0, 4 - text.size(), '0');
  text.insert(text.size() - 3, 1, '.');
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace

template <class Function>
auto Dispatcher::guarded(Function function) {
  return [alive = std::weak_ptr<void>(alive_), function = std::move(function)](auto&&... arguments) mutable {
    if (!alive.expired()) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

Dispatcher::Dispatcher(boost::asio::io_context& loop, std::shared_ptr<Credentials> credentials, TransportLimits limits,
                       const MakeWire& make_wire)
    : loop_(loop),
      credentials_(std::move(credentials)),
      limits_(std::move(limits)),
      alive_(std::make_shared<char>()),
      wire_(make_wire(*this)),
      timer_(loop) {}

Dispatcher::~Dispatcher() {
  for (const auto& entry : exchanges_) {
    entry.second->over = true;
    if (const auto carrier = std::exchange(entry.second->carrier, nullptr)) carrier->stop();
  }
}

CallId Dispatcher::send(Request request, ResponseHandler handler) {
  auto exchange = std::make_shared<Exchange>();
  exchange->expires = Clock::now() + request.deadline;
  exchange->request = std::move(request);
  exchange->handler = std::move(handler);
  return accept(std::move(exchange));
}

CallId Dispatcher::stream(Request request, StreamHandler handler) {
  auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  exchange->handler = std::move(handler);
  touch(*exchange);
  return accept(std::move(exchange));
}

CallId Dispatcher::accept(ExchangePtr exchange) {
  exchange->id = ++last_id_;
  exchanges_.emplace(exchange->id, exchange);
  if (closing_) {
    refuse(exchange, ErrorCode::stopped, "the transport is closing");
  } else if (!is_well_formed(exchange->request)) {
    refuse(exchange, ErrorCode::invalid, "the request's target or headers hold characters that are not allowed there");
  } else if (calls_.size() >= limits_.max_waiting && !exchange->is_stream()) {
    refuse(exchange, ErrorCode::retry, "too many calls are waiting for the API server");
  } else {
    arm(exchange->expires);
    (exchange->is_stream() ? streams_ : calls_).push_back(exchange);
    schedule_pump();
  }
  return exchange->id;
}

void Dispatcher::refuse(const ExchangePtr& exchange, ErrorCode code, std::string detail) {
  boost::asio::post(loop_, guarded([this, exchange, code, detail = std::move(detail)] {
                      if (!exchange->over) fail(*exchange, code, detail);
                    }));
}

void Dispatcher::schedule_pump() {
  if (std::exchange(pump_scheduled_, true)) return;
  boost::asio::post(loop_, guarded([this] { pump(); }));
}

void Dispatcher::pump() {
  pump_scheduled_ = false;
  if (awaits_credentials_ || closing_) return;
  if (streams_.empty() && (calls_.empty() || calls_on_wire_ >= limits_.max_calls)) return;

  const base::Result<Credentials::State> state = credentials_->refresh(Clock::now());
  if (!state) return fail_waiting(state.error());
  if (*state == Credentials::State::ready) return start_waiting();

  awaits_credentials_ = true;
  credentials_->when_ready(guarded([this](const base::Result<void>& result) {
    awaits_credentials_ = false;
    if (closing_) return;
    if (!result) return fail_waiting(result.error());
    schedule_pump();
  }));
}

void Dispatcher::start_waiting() {
  while (!streams_.empty()) {
    const ExchangePtr exchange = std::move(streams_.front());
    streams_.pop_front();
    start(exchange);
  }
  while (!calls_.empty() && calls_on_wire_ < limits_.max_calls) {
    const ExchangePtr exchange = std::move(calls_.front());
    calls_.pop_front();
    ++calls_on_wire_;
    start(exchange);
  }
}

void Dispatcher::start(const ExchangePtr& exchange) {
  exchange->on_wire = true;
  exchange->authorization = credentials_->authorization();
  exchange->carrier = wire_->start(exchange);
}

void Dispatcher::fail_waiting(const base::Error& error) {
  // Each handler may send anew; what it sends then is a new attempt at the credentials, not part of this failure.
  std::deque<ExchangePtr> failed = std::exchange(calls_, {});
  failed.insert(failed.end(), streams_.begin(), streams_.end());
  streams_.clear();
  const std::weak_ptr<void> alive = alive_;
  for (const ExchangePtr& exchange : failed) {
    if (alive.expired()) return;
    if (!exchange->over) finish(*exchange, base::Failure(error));
  }
}

void Dispatcher::on_head(Exchange& exchange, ResponseHead head, std::optional<std::uint64_t> length) {
  if (head.status == 401) credentials_->rejected(exchange.authorization);
  touch(exchange);
  if (auto* handler = std::get_if<StreamHandler>(&exchange.handler)) {
    if (handler->on_head) handler->on_head(head);
    return;
  }
  exchange.answer.head = std::move(head);
  if (!length) return;
  if (*length > limits_.max_body) {
    return fail(exchange, ErrorCode::retry,
                "the answer is larger than the limit of " + std::to_string(limits_.max_body) + " bytes");
  }
  exchange.answer.body.reserve(static_cast<std::size_t>(*length));
}

void Dispatcher::on_data(Exchange& exchange, std::string_view piece) {
  if (auto* handler = std::get_if<StreamHandler>(&exchange.handler)) {
    touch(exchange);
    if (handler->on_data) handler->on_data(piece);
    return;
  }
  if (piece.size() > limits_.max_body - exchange.answer.body.size()) {
    return fail(exchange, ErrorCode::retry,
                "the answer is larger than the limit of " + std::to_string(limits_.max_body) + " bytes");
  }
  exchange.answer.body.append(piece);
}

void Dispatcher::on_end(Exchange& exchange, base::Result<void> result) {
  exchange.carrier.reset();  // it ended by itself: nothing to stop
  finish(exchange, std::move(result));
}

void Dispatcher::cancel(CallId call) {
  const auto found = exchanges_.find(call);
  if (found == exchanges_.end()) return;
  const ExchangePtr exchange = found->second;
  take_out(*exchange);
}

void Dispatcher::take_out(Exchange& exchange) {
  exchange.over = true;
  const auto carrier = std::exchange(exchange.carrier, nullptr);
  if (exchange.on_wire) {
    if (!exchange.is_stream()) --calls_on_wire_;
  } else {
    std::erase_if(exchange.is_stream() ? streams_ : calls_,
                  [&](const ExchangePtr& one) { return one.get() == &exchange; });
  }
  exchanges_.erase(exchange.id);
  if (carrier) carrier->stop();
  if (!calls_.empty()) schedule_pump();
}

void Dispatcher::fail(Exchange& exchange, ErrorCode code, std::string detail) {
  finish(exchange, base::fail(code, {}, std::move(detail)));
}

void Dispatcher::finish(Exchange& exchange, base::Result<void> result) {
  const auto found = exchanges_.find(exchange.id);
  const ExchangePtr kept = found->second;
  take_out(exchange);
  if (!result && result.error().act.empty()) result.error().act = act_of(exchange.request);

  if (auto* handler = std::get_if<StreamHandler>(&exchange.handler)) {
    const StreamHandler stream = std::move(*handler);
    if (stream.on_end) stream.on_end(std::move(result));
    return;
  }
  const ResponseHandler handler = std::move(std::get<ResponseHandler>(exchange.handler));
  if (!handler) return;
  handler(result ? base::Result<Response>(std::move(exchange.answer)) : base::Failure(std::move(result.error())));
}

void Dispatcher::touch(Exchange& exchange) const {
  if (!exchange.is_stream()) return;
  const auto idle = exchange.request.idle;
  exchange.expires = idle.count() > 0 ? Clock::now() + idle : base::MonoTime::max();
}

void Dispatcher::arm(base::MonoTime when) {
  if (when >= armed_for_) return;
  armed_for_ = when;
  timer_.expires_at(when);
  timer_.async_wait(guarded([this](const boost::system::error_code& error) {
    if (!error) expire();
  }));
}

void Dispatcher::expire() {
  const auto now = Clock::now();
  std::vector<ExchangePtr> due;
  for (const auto& entry : exchanges_) {
    if (entry.second->expires <= now) due.push_back(entry.second);
  }
  const std::weak_ptr<void> alive = alive_;
  for (const ExchangePtr& exchange : due) {
    if (exchange->over) continue;
    fail(*exchange, ErrorCode::retry,
         exchange->is_stream() ? "nothing came for " + in_seconds(exchange->request.idle)
                               : "no answer within " + in_seconds(exchange->request.deadline));
    if (alive.expired()) return;
  }
  // Armed anew only now: what the handlers sent is among the exchanges.
  armed_for_ = base::MonoTime::max();
  base::MonoTime earliest = base::MonoTime::max();
  for (const auto& entry : exchanges_) earliest = std::min(earliest, entry.second->expires);
  arm(earliest);
}

void Dispatcher::close(std::function<void()> closed) {
  closing_ = true;
  boost::asio::post(loop_, guarded([this, closed = std::move(closed)] { stop_all(closed); }));
}

void Dispatcher::stop_all(const std::function<void()>& closed) {
  timer_.cancel();
  std::vector<ExchangePtr> left;
  for (const auto& entry : exchanges_) left.push_back(entry.second);
  const std::weak_ptr<void> alive = alive_;
  for (const ExchangePtr& exchange : left) {
    if (!exchange->over) fail(*exchange, ErrorCode::stopped, "the transport is closing");
    if (alive.expired()) return;
  }
  wire_->close(closed);
}

}  // namespace kube
