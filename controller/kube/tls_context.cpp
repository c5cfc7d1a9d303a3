#include "kube/tls_context.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <limits>
#include <utility>

namespace kube {
namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

base::Failure refuse(const char* part) {
  return base::fail(base::ErrorCode::retry, std::string("use the ") + part, take_tls_error());
}

Owned<BIO> open_text(const std::string& text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return nullptr;
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Owned<X509> next_certificate(BIO* bio) {
  return Owned<X509>(bio == nullptr ? nullptr : PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

/// A key with a passphrase would make OpenSSL ask for it on the terminal, and wait.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

base::Result<void> trust(SSL_CTX* context, const std::string& pem) {
  Owned<X509_STORE> store(X509_STORE_new());
  const Owned<BIO> bio = open_text(pem);
  int count = 0;
  while (const Owned<X509> certificate = next_certificate(bio.get())) {
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1) return refuse("certificate authority");
    ++count;
  }
  if (count == 0) return refuse("certificate authority");
  ERR_clear_error();  // the end of the text is an error to PEM_read
  SSL_CTX_set_cert_store(context, store.release());
  return {};
}

base::Result<void> identify(SSL_CTX* context, const TlsMaterial& material) {
  const Owned<BIO> bio = open_text(material.certificate);
  const Owned<X509> leaf = next_certificate(bio.get());
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) return refuse("client certificate");
  while (Owned<X509> link = next_certificate(bio.get())) {
    if (SSL_CTX_add1_chain_cert(context, link.get()) != 1) return refuse("client certificate");
  }
  ERR_clear_error();

  const Owned<BIO> key_bio = open_text(material.key);
  const Owned<EVP_PKEY> key(
      key_bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) return refuse("client key");
  if (SSL_CTX_check_private_key(context) != 1) return refuse("client key");
  return {};
}

}  // namespace

std::string take_tls_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  std::array<char, 128> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

base::Result<void> configure_client(SSL_CTX* context, const TlsMaterial& material) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (base::Result<void> result = trust(context, material.authority); !result) return result;
  return material.certificate.empty() ? base::Result<void>() : identify(context, material);
}

base::Result<SslContext> make_client_context(const TlsMaterial& material) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return refuse("TLS library");
  // One read brings a whole record, and often more than one, instead of first its header and then its rest.
  SSL_CTX_set_read_ahead(context.get(), 1);
  if (base::Result<void> result = configure_client(context.get(), material); !result) {
    return base::Failure(std::move(result.error()));
  }
  return context;
}

bool expect_name(SSL* ssl, const std::string& name) {
  if (is_ip_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace kube
