// The metrics and health server, over a real connection: whatever a client sends, it gets whole answers, and its
// connection ends when the client has no more to say. The first byte says after how many bytes the client pauses.
#include "operator/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "fuzz/fuzz.hpp"

namespace {

class Rig {
 public:
  Rig() {
    auto listening = shell::HttpServer::listen(loop_, {true, "127.0.0.1", 0},
                                               [this](const shell::HttpQuestion& question, shell::HttpRespond respond) {
                                                 answer(question, std::move(respond));
                                               });
    fuzz::require(listening.has_value(), "the server listens");
    server_ = std::move(*listening);
  }

  void serve(std::string_view text, std::size_t first) {
    asked_ = 0;
    const int client = connected();
    send_all(client, text.substr(0, first));
    turn();
    send_all(client, text.substr(first));
    shutdown(client, SHUT_WR);
    std::string answers;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    do {
      turn();
      receive(client, answers);
      fuzz::require(std::chrono::steady_clock::now() < end, "a connection ends when its client has no more to say");
    } while (server_->connections() > 0);
    receive(client, answers);
    close(client);
    fuzz::require(answers.empty() || answers.starts_with("HTTP/1."), "what is sent is answers");
    fuzz::require(asked_ == 0 || !answers.empty(), "a question that was asked is answered");
  }

 private:
  /// At once or a turn later, so that both ways of a handler are taken.
  void answer(const shell::HttpQuestion& question, shell::HttpRespond respond) {
    ++asked_;
    (void)question.has("verbose");
    if (question.path.size() % 2 == 0) return respond({.body = question.path});
    boost::asio::post(loop_, [respond = std::move(respond)] { respond({.status = 503, .body = "later\n"}); });
  }

  int connected() {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fuzz::require(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "it connects");
    while (server_->connections() == 0) turn();
    return client;
  }

  /// What is ready now; waits a moment where nothing is.
  void turn() {
    if (loop_.poll() == 0) loop_.run_one_for(std::chrono::milliseconds(1));
  }

  static void send_all(int client, std::string_view text) {
    // The server may have hung up already: that is its right.
    if (!text.empty()) (void)send(client, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  static void receive(int client, std::string& answers) {
    char bytes[4096];
    for (ssize_t count = 0; (count = recv(client, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;) {
      answers.append(bytes, static_cast<std::size_t>(count));
    }
  }

  boost::asio::io_context loop_{1};
  std::unique_ptr<shell::HttpServer> server_;
  std::size_t asked_{0};
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // One server for all inputs: a socket each would use up the ports.
  static Rig rig;
  const auto text = fuzz::text(data + 1, size - 1);
  rig.serve(text, std::min<std::size_t>(data[0], text.size()));
  return 0;
}
