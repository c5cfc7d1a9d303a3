// A server that does what a test tells it to, byte by byte: the behaviours of a peer that a transport must survive,
// which no real API server shows on demand. It is no fake of the API: it knows HTTP's framing and nothing of
// Kubernetes.
//
// Law: each connection has a thread of its own on which the test's script runs, blocking; whatever blocks is let go
// when the server goes. Everything it saw is kept, and may be asked for from the test's thread.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "integration/transport/certificates.hpp"

namespace transport_test {

struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::size_t connection{0};  ///< 1 for the first
};

/// Holds script threads until the test opens it. Bounded, so that a failing test ends.
class Gate {
 public:
  void open();
  void wait();
  void wait_for(std::chrono::milliseconds time);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_{false};
};

class TestServer;

/// The server's end of one connection.
class Peer {
 public:
  Peer(TestServer& server, int fd, std::size_t number);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  bool handshake();  ///< done before a script begins, unless the options say otherwise
  std::optional<SeenRequest> read_request();
  bool write(std::string_view bytes);
  bool answer(int status, std::string_view body, std::string_view more_headers = {});
  bool begin_chunks(std::string_view more_headers = {});
  bool chunk(std::string_view bytes);
  bool end_chunks();
  void await_end();  ///< until the client is gone
  void finish();     ///< ends the connection properly
  void cut();        ///< ends it without a word of TLS

  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] std::string client_name() const;  ///< of its certificate, empty where there is none
  void unblock() const;

 private:
  int read_some(char* into, int size);

  TestServer& server_;
  int fd_;
  std::size_t number_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  std::string unread_;
};

struct ServerOptions {
  std::string address{"127.0.0.1"};
  bool tls{true};
  Identity identity{};
  std::string client_authority{};  ///< demands a client certificate of this one where set
  bool handshakes{true};
};

class TestServer {
 public:
  using Script = std::function<void(Peer&)>;

  TestServer(ServerOptions options, Script script);
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer();

  [[nodiscard]] std::string port() const { return port_; }
  [[nodiscard]] std::vector<SeenRequest> seen() const;
  [[nodiscard]] std::size_t connections() const { return connections_; }
  [[nodiscard]] std::size_t ended() const { return ended_; }  ///< connections whose script is through
  /// Answers every request with this, until the client is gone.
  static Script answering(int status, const std::string& body);

 private:
  friend class Peer;

  void listen();
  void serve();
  void remember(const SeenRequest& request);

  ServerOptions options_;
  Script script_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  int listener_{-1};
  std::string port_;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> seen_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> ended_{0};
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
};

}  // namespace transport_test
