// Certificates made on the spot, for tests: authorities, servers, clients. Elliptic keys, so that a test makes a
// handful of them in a few milliseconds.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace transport_test {

struct Identity {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM
};

class Authority {
 public:
  explicit Authority(const std::string& name);

  [[nodiscard]] const std::string& pem() const { return pem_; }
  /// `alternative_names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
  [[nodiscard]] Identity make_server(const std::string& alternative_names) const;
  [[nodiscard]] Identity make_client(const std::string& name) const;

 private:
  [[nodiscard]] Identity make(const std::string& name, const std::string& alternative_names) const;

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::string pem_;
};

}  // namespace transport_test
