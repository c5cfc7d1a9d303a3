// The serving certificate. Law: whoever asks gets the newest pair of files that fits together, else the last one that
// did; a pair that does not fit is logged once. Limits: a file of at most 64 KiB; TLS 1.2 and newer; no session is
// kept.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "operator/http_server.hpp"

namespace shell {

class TlsSource {
 public:
  /// Error: invalid (unreadable, no PEM, key and certificate do not fit).
  [[nodiscard]] static base::Result<TlsSource> load(TlsFiles files);
  /// Without files: a certificate and a key made now, for the life of the process. Error: invalid (OpenSSL refused).
  [[nodiscard]] static base::Result<TlsSource> self_signed();

  /// Reads both files (a few KiB) and keeps the context where they are as they were: so a change is seen whatever way
  /// the files were replaced, and no clock or modification time is trusted.
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> current();

 private:
  explicit TlsSource(TlsFiles files) : files_(std::move(files)) {}
  base::Result<void> refresh();

  TlsFiles files_;                ///< empty where the certificate was made here
  std::uint64_t fingerprint_{0};  ///< of the bytes last tried; never the bytes, which hold a key
  std::string complaint_;         ///< what was logged last, so that it is not logged again for each connection
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace shell
