// What lies between the dispatcher (line, deadlines, limits, credentials: the same for all) and a wire, which carries
// bytes: Boost.Asio's or cpprestsdk's. So the transport's laws are kept, and tested, in one place.
//
// Law: everything here happens on the loop. A wire carries an exchange at most once. Before each report it asks
// `exchange.over`; once that is set it reports nothing more; while it reports, it holds a share of the exchange, since
// what is called back may cancel it. It reports from handlers of its own, never from inside `start`, `stop` or `close`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/transport.hpp"

namespace kube {

/// Carries one exchange at a time. `stop` takes it off the wire, whatever that costs (the connection).
class Carrier {
 public:
  Carrier() = default;
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  virtual ~Carrier() = default;
  virtual void stop() = 0;
};

/// One request and what has come of it. The dispatcher owns it; a wire holds it while it carries it.
struct Exchange {
  CallId id{0};
  Request request;
  std::variant<ResponseHandler, StreamHandler> handler;
  std::string authorization;  ///< the value of that header, empty for none
  base::MonoTime expires{};
  Response answer;  ///< of a plain call, as far as it came
  bool on_wire{false};
  bool over{false};
  std::shared_ptr<Carrier> carrier;

  [[nodiscard]] bool is_stream() const { return std::holds_alternative<StreamHandler>(handler); }
};

/// The dispatcher's ear.
class WireListener {
 public:
  WireListener() = default;
  WireListener(const WireListener&) = delete;
  WireListener& operator=(const WireListener&) = delete;
  virtual ~WireListener() = default;

  /// `length` is the Content-Length where there is one.
  virtual void on_head(Exchange& exchange, ResponseHead head, std::optional<std::uint64_t> length) = 0;
  virtual void on_data(Exchange& exchange, std::string_view piece) = 0;
  /// A success means that the whole answer came. `detail` of an error says what happened; its act is the dispatcher's.
  virtual void on_end(Exchange& exchange, base::Result<void> result) = 0;
};

class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  virtual std::shared_ptr<Carrier> start(std::shared_ptr<Exchange> exchange) = 0;
  /// Called once, when no exchange is on the wire any more; `closed` runs when nothing is left that could touch the
  /// loop.
  virtual void close(std::function<void()> closed) = 0;
};

}  // namespace kube
