// The way to an API server: send a request, follow a stream, cancel either.
//
// Law of threads: every member function is called on the loop, every callback runs on the loop (the io_context handed
// to the implementation), never from inside `send`, `stream` or `cancel`. Law of once: the transport sends a request at
// most once; whoever wants another try asks again. Law of silence: after `cancel(id)` no callback of that call runs.
// Limits: at most `max_calls` plain calls are on the wire at a time, the others wait in line (their deadline runs);
// streams have a connection each. A plain answer is at most `max_body` bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kube {

enum class Method : std::uint8_t { get, post, put, patch, del };

[[nodiscard]] const char* to_string(Method method);  ///< "GET", ..., as on the wire

struct Request {
  Method method{Method::get};
  std::string target;        ///< path and query, percent-encoded: "/api/v1/namespaces/shop/pods?limit=100"
  std::string content_type;  ///< empty where there is no body
  std::string accept{"application/json"};
  std::string body;
  std::chrono::milliseconds deadline{30'000};  ///< for the whole of a plain call, waiting in line included
  std::chrono::milliseconds idle{0};           ///< streams only: the longest silence, headers included; 0 for none

  friend bool operator==(const Request&, const Request&) = default;
};

/// What arrived before the body. A status outside 2xx is an answer, not an error of the transport; 3xx is never
/// followed.
struct ResponseHead {
  int status{0};
  std::string content_type;
  std::optional<std::chrono::seconds> retry_after;
};

struct Response {
  ResponseHead head;
  std::string body;
};

using CallId = std::uint64_t;

/// Runs exactly once unless the call is cancelled. Errors: retry (no connection, TLS refused, deadline, cut, answer too
/// large), stopped (the transport is closing).
using ResponseHandler = std::function<void(base::Result<Response>)>;

/// `on_head` once, `on_data` for each piece of the body as it comes (the next piece is read from the socket only after
/// `on_data` returned: that is the back-pressure), `on_end` exactly once, also where `on_head` never came.
struct StreamHandler {
  std::function<void(const ResponseHead&)> on_head;
  std::function<void(std::string_view)> on_data;
  std::function<void(base::Result<void>)> on_end;
};

class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  virtual CallId send(Request request, ResponseHandler handler) = 0;
  virtual CallId stream(Request request, StreamHandler handler) = 0;
  virtual void cancel(CallId call) = 0;
  /// Cancels everything and closes all connections; the handler runs when nothing is left that could touch the loop.
  virtual void close(std::function<void()> closed) = 0;
};

}  // namespace kube
