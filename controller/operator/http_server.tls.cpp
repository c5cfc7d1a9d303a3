#include "operator/http_server.tls.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

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

std::shared_ptr<ssl::context> make_empty_context() {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

base::Result<std::shared_ptr<ssl::context>> make_context(const TlsFiles& files, const std::string& certificate,
                                                         const std::string& key) {
  auto context = make_empty_context();
  boost::system::error_code error;
  // OpenSSL would ask the terminal for the password of an encrypted key.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; }, error);
  context->use_certificate_chain(boost::asio::buffer(certificate), error);
  if (error) return refuse(files.certificate + " holds no certificate in PEM: " + error.message());
  context->use_private_key(boost::asio::buffer(key), ssl::context::pem, error);
  if (error) return refuse(files.key + " holds no key in PEM that fits the certificate: " + error.message());
  return context;
}

/// Nobody verifies it, so its name and its end matter to nobody either.
bool make_certificate(X509* certificate, EVP_PKEY* key) {
  constexpr long ten_years = 10L * 365 * 24 * 3600;
  const std::string_view name = "todoapp-operator";
  auto* subject = X509_get_subject_name(certificate);
  return X509_set_version(certificate, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), ten_years) != nullptr &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

base::Result<TlsSource> TlsSource::self_signed() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  TlsSource source({});
  source.context_ = make_empty_context();
  auto* raw = source.context_->native_handle();
  if (!key || !certificate || !make_certificate(certificate.get(), key.get()) ||
      SSL_CTX_use_certificate(raw, certificate.get()) != 1 || SSL_CTX_use_PrivateKey(raw, key.get()) != 1) {
    return base::fail(base::ErrorCode::invalid, "make a serving certificate", "OpenSSL refused");
  }
  return source;
}

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
  if (files_.certificate.empty()) return context_;
  const auto fresh = refresh();
  const auto complaint = fresh ? std::string{} : base::to_string(fresh.error());
  if (!complaint.empty() && complaint != complaint_) {
    log(LogLevel::warn, "Kept the previous serving certificate", {{"error", complaint}});
  }
  complaint_ = complaint;
  return context_;
}

}  // namespace shell
