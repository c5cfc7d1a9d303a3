#include "integration/transport/test_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <csignal>
#include <stdexcept>

namespace transport_test {
namespace {

constexpr std::chrono::seconds gate_limit{90};

BIO* open_text(const std::string& text) { return BIO_new_mem_buf(text.data(), static_cast<int>(text.size())); }

X509* read_certificate(const std::string& pem) {
  BIO* bio = open_text(pem);
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

SSL_CTX* make_context(const ServerOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  X509* certificate = read_certificate(options.identity.certificate);
  SSL_CTX_use_certificate(context, certificate);
  X509_free(certificate);
  BIO* bio = open_text(options.identity.key);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_PrivateKey(context, key);
  EVP_PKEY_free(key);
  BIO_free(bio);
  if (!options.client_authority.empty()) {
    X509* authority = read_certificate(options.client_authority);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
    X509_free(authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "METHOD TARGET HTTP/1.1\r\nName: value\r\n...": without the empty line.
SeenRequest parse_head(const std::string& head) {
  SeenRequest request;
  std::size_t at = head.find("\r\n");
  const std::string first = head.substr(0, at);
  const std::size_t space = first.find(' ');
  request.method = first.substr(0, space);
  request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  while (at != std::string::npos) {
    const std::size_t next = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      request.headers[lower(line.substr(0, colon))] = line.substr(line.find_first_not_of(' ', colon + 1));
    }
    at = next;
  }
  return request;
}

std::string hex(std::size_t number) {
  std::string text;
  for (; number > 0; number /= 16) text.insert(text.begin(), "0123456789abcdef"[number % 16]);
  return text.empty() ? "0" : text;
}

}  // namespace

void Gate::open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

void Gate::wait() { wait_for(gate_limit); }

void Gate::wait_for(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, time, [this] { return open_; });
}

Peer::Peer(TestServer& server, int fd, std::size_t number) : server_(server), fd_(fd), number_(number) {}
Peer::~Peer() { ::close(fd_); }

bool Peer::handshake() {
  if (!server_.options_.tls) return true;
  ssl_.reset(SSL_new(server_.context_.get()));
  SSL_set_fd(ssl_.get(), fd_);
  return SSL_accept(ssl_.get()) == 1;
}

int Peer::read_some(char* into, int size) {
  if (ssl_) return SSL_read(ssl_.get(), into, size);
  return static_cast<int>(::recv(fd_, into, static_cast<std::size_t>(size), 0));
}

std::optional<SeenRequest> Peer::read_request() {
  std::array<char, 4096> chunk{};
  std::size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    const int got = read_some(chunk.data(), static_cast<int>(chunk.size()));
    if (got <= 0) return std::nullopt;
    unread_.append(chunk.data(), static_cast<std::size_t>(got));
  }
  SeenRequest request = parse_head(unread_.substr(0, end));
  request.connection = number_;
  unread_.erase(0, end + 4);
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (unread_.size() < size) {
    const int got = read_some(chunk.data(), static_cast<int>(chunk.size()));
    if (got <= 0) return std::nullopt;
    unread_.append(chunk.data(), static_cast<std::size_t>(got));
  }
  request.body = unread_.substr(0, size);
  unread_.erase(0, size);
  server_.remember(request);
  return request;
}

bool Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), 64U << 10U);
    const auto sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(size))
                           : static_cast<int>(::send(fd_, bytes.data(), size, MSG_NOSIGNAL));
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Peer::answer(int status, std::string_view body, std::string_view more_headers) {
  return write("HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: application/json\r\n" +
               std::string(more_headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               std::string(body));
}

bool Peer::begin_chunks(std::string_view more_headers) {
  return write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + std::string(more_headers) +
               "Transfer-Encoding: chunked\r\n\r\n");
}

bool Peer::chunk(std::string_view bytes) { return write(hex(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n"); }
bool Peer::end_chunks() { return write("0\r\n\r\n"); }

void Peer::await_end() {
  std::array<char, 512> chunk{};
  while (read_some(chunk.data(), static_cast<int>(chunk.size())) > 0) {
  }
}

void Peer::finish() {
  if (ssl_) SSL_shutdown(ssl_.get());
  cut();
}

void Peer::cut() { ::shutdown(fd_, SHUT_RDWR); }
void Peer::unblock() const { ::shutdown(fd_, SHUT_RDWR); }

std::string Peer::client_name() const {
  X509* certificate = ssl_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr;
  if (certificate == nullptr) return {};
  std::array<char, 128> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  X509_free(certificate);
  return name.data();
}

TestServer::TestServer(ServerOptions options, Script script)
    : options_(std::move(options)), script_(std::move(script)) {
  // OpenSSL's own socket writes raise it when the client is gone.
  std::signal(SIGPIPE, SIG_IGN);
  if (options_.tls) context_.reset(make_context(options_));
  listen();
  acceptor_ = std::thread([this] { serve(); });
}

TestServer::~TestServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (const auto& peer : peers_) peer->unblock();
  for (std::thread& thread : threads_) thread.join();
}

void TestServer::listen() {
  const bool is_ipv6 = options_.address.find(':') != std::string::npos;
  sockaddr_storage storage{};
  socklen_t size = is_ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  storage.ss_family = is_ipv6 ? AF_INET6 : AF_INET;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  ::inet_pton(storage.ss_family, options_.address.c_str(),
              is_ipv6 ? static_cast<void*>(&v6->sin6_addr) : static_cast<void*>(&v4->sin_addr));
  listener_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&storage), size) != 0 || ::listen(listener_, 64) != 0) {
    throw std::runtime_error("could not listen on " + options_.address);
  }
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &size);
  port_ = std::to_string(ntohs(is_ipv6 ? v6->sin6_port : v4->sin_port));
}

void TestServer::serve() {
  while (!stopping_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peers_.push_back(std::make_unique<Peer>(*this, fd, ++connections_));
    threads_.emplace_back([this, &peer = *peers_.back()] {
      if (!options_.handshakes || peer.handshake()) script_(peer);
      peer.cut();
      ++ended_;
    });
  }
}

void TestServer::remember(const SeenRequest& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  seen_.push_back(request);
}

std::vector<SeenRequest> TestServer::seen() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return seen_;
}

TestServer::Script TestServer::answering(int status, const std::string& body) {
  return [status, body](Peer& peer) {
    while (peer.read_request()) peer.answer(status, body);
  };
}

}  // namespace transport_test
