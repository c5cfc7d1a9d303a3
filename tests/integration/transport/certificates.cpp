#include "integration/transport/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace transport_test {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("could not make a certificate: ") + what);
}

std::shared_ptr<EVP_PKEY> make_key() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  check(key != nullptr, "key");
  return key;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  check(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(const std::string& name, EVP_PKEY* key, X509* issuer) {
  static std::atomic<long> serial{1};
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer == nullptr ? certificate.get() : issuer));
  return certificate;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string pem_of(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return text_of(bio);
}

std::string pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

}  // namespace

Authority::Authority(const std::string& name) : key_(make_key()) {
  certificate_ = make_certificate(name, key_.get(), nullptr);
  extend(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign");
  check(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0, "signature");
  pem_ = pem_of(certificate_.get());
}

Identity Authority::make(const std::string& name, const std::string& alternative_names) const {
  const auto key = make_key();
  const auto certificate = make_certificate(name, key.get(), certificate_.get());
  if (!alternative_names.empty()) {
    extend(certificate.get(), certificate_.get(), NID_subject_alt_name, alternative_names);
  }
  check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "signature");
  return {pem_of(certificate.get()), pem_of(key.get())};
}

Identity Authority::make_server(const std::string& alternative_names) const {
  return make("server", alternative_names);
}
Identity Authority::make_client(const std::string& name) const { return make(name, {}); }

}  // namespace transport_test
