// cpprestsdk speaks of Asio by names that this definition, which the rest of the program is built with, takes away.
#undef BOOST_ASIO_NO_DEPRECATED
#include "kube/rest_transport.hpp"

#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <openssl/crypto.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "kube/dispatcher.hpp"
#include "kube/tls_context.hpp"

namespace kube {
namespace {

namespace http = web::http;
using base::ErrorCode;

/// The library's own time-out is one of silence. Ours end a call or a stream before these do: they only make sure that
/// nothing stays behind for ever.
constexpr std::chrono::seconds call_silence{120};
constexpr std::chrono::hours stream_silence{24};
constexpr std::size_t chunk_size = 16U << 10U;

/// Where pool threads hand things to the loop. The one mutex of this program: once the door is shut nobody on the pool
/// is still on his way through it, so the loop may go.
class Door {
 public:
  explicit Door(boost::asio::io_context& loop) : loop_(&loop) {}

  template <class Function>
  void post(Function function) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (loop_ != nullptr) boost::asio::post(*loop_, std::move(function));
  }
  void shut() {
    const std::lock_guard<std::mutex> lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* loop_;
};

using Drained = pplx::task_completion_event<std::size_t>;

/// What a RestCall tells its wire, on the loop.
class RestOwner {
 public:
  RestOwner() = default;
  RestOwner(const RestOwner&) = delete;
  RestOwner& operator=(const RestOwner&) = delete;
  virtual ~RestOwner() = default;
  virtual void on_ended(bool failed) = 0;
};

/// One exchange, seen from the loop. The pool holds shares of it, and calls nothing but `door`'s post and `cancelled`.
class RestCall final : public Carrier {
 public:
  RestCall(WireListener& listener, std::weak_ptr<RestOwner> owner, std::shared_ptr<Door> the_door,
           std::shared_ptr<Exchange> exchange)
      : door(std::move(the_door)), listener_(listener), owner_(std::move(owner)), exchange_(std::move(exchange)) {}

  void stop() override {
    // The handlers in it are the caller's, and must not end on a thread of the pool.
    exchange_.reset();
    release();
    cancelled.cancel();
  }

  void on_head(ResponseHead head, std::optional<std::uint64_t> length) {
    head_came_ = true;
    const std::shared_ptr<Exchange> exchange = exchange_;
    if (exchange && !exchange->over) listener_.on_head(*exchange, std::move(head), length);
    if (waiting_) deliver(std::exchange(waiting_, std::nullopt));
  }

  /// `piece` is valid until `drained` is set, and the next one comes only then. The first may overtake the head.
  void on_data(std::string_view piece, const Drained& drained) {
    std::optional<Piece> one = Piece{piece, drained};
    if (head_came_) return deliver(std::move(one));
    waiting_ = std::move(one);
    if (!exchange_) release();
  }

  void on_end(base::Result<void> result) {
    const std::shared_ptr<Exchange> exchange = std::exchange(exchange_, nullptr);
    release();
    if (const auto owner = owner_.lock()) owner->on_ended(exchange && !result);
    if (exchange && !exchange->over) listener_.on_end(*exchange, std::move(result));
  }

  const std::shared_ptr<Door> door;
  pplx::cancellation_token_source cancelled;

 private:
  struct Piece {
    std::string_view bytes;
    Drained drained;
  };

  void deliver(std::optional<Piece> piece) {
    const std::shared_ptr<Exchange> exchange = exchange_;
    if (exchange && !exchange->over) listener_.on_data(*exchange, piece->bytes);
    piece->drained.set(piece->bytes.size());
  }

  void release() {
    if (const auto piece = std::exchange(waiting_, std::nullopt)) piece->drained.set(piece->bytes.size());
  }

  WireListener& listener_;
  std::weak_ptr<RestOwner> owner_;
  std::shared_ptr<Exchange> exchange_;
  std::optional<Piece> waiting_;
  bool head_came_{false};
};

/// The part of a stream buffer that both of ours are silent about. Neither can be sought in: that is what keeps the
/// library from sending a request a second time when a kept connection turns out to be closed.
class PlainBuffer : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  using Base = concurrency::streams::details::streambuf_state_manager<std::uint8_t>;
  using Base::Base;

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return traits::eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override { return traits::eof(); }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<int_type> _putc(std::uint8_t) override { return none(); }
  pplx::task<std::size_t> _putn(const std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  pplx::task<int_type> _bumpc() override { return none(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return none(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return none(); }
  pplx::task<int_type> _ungetc() override { return none(); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override { return pplx::task_from_result<std::size_t>(0); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  static pplx::task<int_type> none() { return pplx::task_from_result<int_type>(traits::eof()); }
};

/// A request's body: read once, from front to back.
class BodyBuffer final : public PlainBuffer {
 public:
  explicit BodyBuffer(std::string body) : PlainBuffer(std::ios_base::in), body_(std::move(body)) {}

 protected:
  pplx::task<std::size_t> _getn(std::uint8_t* into, std::size_t size) override {
    const std::size_t count = std::min(size, body_.size() - read_);
    std::memcpy(into, body_.data() + read_, count);
    read_ += count;
    return pplx::task_from_result(count);
  }

 private:
  std::string body_;
  std::size_t read_{0};
};

/// An answer's body: each piece waits until the loop has taken it, and so does the socket.
class AnswerBuffer final : public PlainBuffer {
 public:
  explicit AnswerBuffer(std::shared_ptr<RestCall> call) : PlainBuffer(std::ios_base::out), call_(std::move(call)) {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* from, std::size_t size) override {
    const Drained drained;
    const std::string_view piece(reinterpret_cast<const char*>(from), size);
    call_->door->post([call = call_, piece, drained] { call->on_data(piece, drained); });
    return pplx::create_task(drained);
  }

 private:
  std::shared_ptr<RestCall> call_;
};

void post_end(const std::shared_ptr<RestCall>& call, const char* what) {
  // Not the library's exception itself: its text alone, which names no secret.
  call->door->post([call, what = std::string(what)] { call->on_end(base::fail(ErrorCode::retry, {}, what)); });
}

void post_head(const std::shared_ptr<RestCall>& call, const http::http_response& response) {
  ResponseHead head;
  head.status = response.status_code();
  const auto& headers = response.headers();
  if (const auto type = headers.find("Content-Type"); type != headers.end()) head.content_type = type->second;
  std::int64_t seconds = 0;
  if (headers.match("Retry-After", seconds) && seconds >= 0 && seconds <= 86'400) {
    head.retry_after = std::chrono::seconds(seconds);
  }
  std::optional<std::uint64_t> length;
  if (std::uint64_t known = 0; headers.match("Content-Length", known)) length = known;
  call->door->post([call, head = std::move(head), length] { call->on_head(head, length); });
}

/// Every task of the chain is observed, or the library raises SIGTRAP for the exception that nobody saw.
void follow(const pplx::task<http::http_response>& task, const std::shared_ptr<RestCall>& call) {
  task.then([call](const pplx::task<http::http_response>& answered) {
        const http::http_response response = answered.get();
        post_head(call, response);
        return response.content_ready();
      })
      .then([call](const pplx::task<http::http_response>& complete) {
        try {
          complete.get();
          call->door->post([call] { call->on_end({}); });
        } catch (const std::exception& error) {
          post_end(call, error.what());
        } catch (...) {
          post_end(call, "unknown failure");
        }
      });
}

class RestWire final : public Wire, public RestOwner, public std::enable_shared_from_this<RestWire> {
 public:
  RestWire(boost::asio::io_context& loop, WireListener& listener, std::shared_ptr<Credentials> credentials,
           TransportLimits limits)
      : loop_(loop),
        listener_(listener),
        credentials_(std::move(credentials)),
        limits_(std::move(limits)),
        door_(std::make_shared<Door>(loop)) {}
  ~RestWire() override { door_->shut(); }

  std::shared_ptr<Carrier> start(std::shared_ptr<Exchange> exchange) override;
  void close(std::function<void()> closed) override;
  void on_ended(bool failed) override;

 private:
  using Client = std::unique_ptr<http::client::http_client>;

  base::Result<void> renew_clients();
  Client make_client(const std::string& host, std::chrono::seconds silence) const;
  http::http_request make_request(const Exchange& exchange, const std::shared_ptr<RestCall>& call) const;

  boost::asio::io_context& loop_;
  WireListener& listener_;
  std::shared_ptr<Credentials> credentials_;
  TransportLimits limits_;
  std::shared_ptr<Door> door_;
  Client calls_;
  Client streams_;
  std::uint64_t version_{0};
  std::size_t in_flight_{0};
  /// The pool's work is unknown to the loop, which must not run dry meanwhile.
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::function<void()> closed_;
};

base::Result<void> RestWire::renew_clients() {
  const ServerAddress& server = credentials_->server();
  if (calls_ && (!server.tls || version_ == credentials_->tls_version())) return {};
  const auto refuse = [](const char* why) { return base::fail(ErrorCode::invalid, {}, why); };
  if (!server.tls_name.empty())
    return refuse("tls-server-name is not supported with cpprestsdk; use --api-client=asio");
  std::string host = authority(server);
  if (is_ipv6_address(server.host)) {
    if (server.other_host.empty()) {
      return refuse(
          "an IPv6 address as server is not supported with cpprestsdk; use a host name, or --api-client=asio");
    }
    host = server.other_host + ":" + server.port;
  }
  if (server.tls) {
    // Tried here first, where an error can be told; the callback of a new connection could only throw.
    base::Result<SslContext> made = make_client_context(credentials_->tls());
    if (!made) {
      credentials_->tls_failed();
      if (calls_) return {};
      return base::Failure(std::move(made.error()));
    }
  }
  calls_ = make_client(host, call_silence);
  streams_ = make_client(host, stream_silence);
  version_ = credentials_->tls_version();
  return {};
}

RestWire::Client RestWire::make_client(const std::string& host, std::chrono::seconds silence) const {
  http::client::http_client_config config;
  config.set_max_redirects(0);
  config.set_timeout(silence);
  config.set_chunksize(chunk_size);
  // Runs on the pool, for each new connection: it has a copy of what it needs.
  config.set_ssl_context_callback([material = credentials_->tls()](boost::asio::ssl::context& context) {
    const base::Result<void> result = configure_client(context.native_handle(), material);
    if (!result) throw std::runtime_error(base::to_string(result.error()));
  });
  return std::make_unique<http::client::http_client>(
      web::uri((credentials_->server().tls ? "https://" : "http://") + host), config);
}

http::http_request RestWire::make_request(const Exchange& exchange, const std::shared_ptr<RestCall>& call) const {
  const Request& from = exchange.request;
  http::http_request request(to_string(from.method));
  request.set_request_uri(web::uri(credentials_->server().base_path + from.target));
  auto& headers = request.headers();
  headers.add("Accept", from.accept);
  headers.add("User-Agent", limits_.user_agent);
  if (!exchange.authorization.empty()) headers.add("Authorization", exchange.authorization);
  // Also where there is no body: see PlainBuffer.
  using Input = concurrency::streams::streambuf<std::uint8_t>;
  const Input body(std::make_shared<BodyBuffer>(from.body));
  request.set_body(concurrency::streams::istream(body), from.body.size(), from.content_type);
  if (from.content_type.empty()) headers.remove("Content-Type");
  const Input answer(std::make_shared<AnswerBuffer>(call));
  request.set_response_stream(concurrency::streams::ostream(answer));
  return request;
}

std::shared_ptr<Carrier> RestWire::start(std::shared_ptr<Exchange> exchange) {
  auto call = std::make_shared<RestCall>(listener_, weak_from_this(), door_, exchange);
  if (in_flight_++ == 0) work_.emplace(loop_.get_executor());
  const auto fail_later = [&](base::Error error) {
    door_->post([call, error = std::move(error)] { call->on_end(base::Failure(error)); });
  };
  if (base::Result<void> result = renew_clients(); !result) {
    fail_later(std::move(result.error()));
    return call;
  }
  try {
    const Client& client = exchange->is_stream() ? streams_ : calls_;
    follow(client->request(make_request(*exchange, call), call->cancelled.get_token()), call);
  } catch (const std::exception& error) {
    fail_later(base::Error{ErrorCode::invalid, {}, error.what(), {}});
  }
  return call;
}

void RestWire::on_ended(bool failed) {
  if (failed) {
    // The pool may hold a connection that never was one, and the certificates may be at fault: both anew.
    calls_.reset();
    credentials_->tls_failed();
  }
  if (--in_flight_ > 0) return;
  work_.reset();
  if (closed_) boost::asio::post(loop_, std::exchange(closed_, nullptr));
}

void RestWire::close(std::function<void()> closed) {
  calls_.reset();
  streams_.reset();
  if (in_flight_ == 0) {
    boost::asio::post(loop_, std::move(closed));
  } else {
    closed_ = std::move(closed);
  }
}

}  // namespace

void prepare_rest_client(std::size_t threads) {
  static std::once_flag once;
  std::call_once(once, [threads] {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
    try {
      crossplat::threadpool::initialize_with_threads(threads);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
      // Somebody started the pool before us; it serves as it is.
    }
  });
}

std::unique_ptr<Transport> make_rest_transport(boost::asio::io_context& loop, std::shared_ptr<Credentials> credentials,
                                               TransportLimits limits) {
  prepare_rest_client();
  return std::make_unique<Dispatcher>(loop, credentials, limits, [&](WireListener& listener) {
    return std::make_shared<RestWire>(loop, listener, credentials, limits);
  });
}

}  // namespace kube
