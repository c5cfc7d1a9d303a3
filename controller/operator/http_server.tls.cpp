#include "operator/http_server.tls.hpp"

#include <openssl/ssl.h>

#include <fstream>
#include <utility>

#include "base/hash.hpp"
#include "operator/logging.hpp"

namespace shell {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::size_t file_limit = 64 * 1024;

base::Failure refuse(std::string detail) {
  return base::fail(base::ErrorCode::invalid, "load the serving certificate", std::move(detail));
}

base::Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(path + " cannot be read");
  std::string bytes(file_limit + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return refuse(path + " cannot be read");
  if (bytes.size() > file_limit) return refuse(path + " is larger than 64 KiB: is it a PEM file?");
  return bytes;
}

base::Result<std::shared_ptr<ssl::context>> make_context(const TlsFiles& files, const std::string& certificate,
                                                         const std::string& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  boost::system::error_code error;
  // OpenSSL would ask the terminal for the password of an encrypted key.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; }, error);
  context->use_certificate_chain(boost::asio::buffer(certificate), error);
  if (error) return refuse(files.certificate + " holds no certificate in PEM: " + error.message());
  context->use_private_key(boost::asio::buffer(key), ssl::context::pem, error);
  if (error) return refuse(files.key + " holds no key in PEM that fits the certificate: " + error.message());
  return context;
}

}  // namespace

base::Result<TlsSource> TlsSource::load(TlsFiles files) {
  TlsSource source(std::move(files));
  if (auto loaded = source.refresh(); !loaded) return tl::unexpected(loaded.error());
  return source;
}

base::Result<void> TlsSource::refresh() {
  auto certificate = read_file(files_.certificate);
  if (!certificate) return tl::unexpected(certificate.error());
  auto key = read_file(files_.key);
  if (!key) return tl::unexpected(key.error());
  const auto fingerprint = base::fingerprint(*certificate + *key);
  if (fingerprint == fingerprint_) return {};
  fingerprint_ = fingerprint;
  auto made = make_context(files_, *certificate, *key);
  if (!made) return tl::unexpected(made.error());
  context_ = std::move(*made);
  return {};
}

std::shared_ptr<ssl::context> TlsSource::current() {
  const auto fresh = refresh();
  const auto complaint = fresh ? std::string{} : base::to_string(fresh.error());
  if (!complaint.empty() && complaint != complaint_) {
    log(LogLevel::warn, "Kept the previous serving certificate", {{"error", complaint}});
  }
  complaint_ = complaint;
  return context_;
}

}  // namespace shell
