// The one place that says what we trust, for both wires.
//
// Law: the cluster's CA certificates and nothing else, in a store of our own; TLS 1.2 or newer; the peer is always
// verified, its name too (`expect_name`). No compression, no renegotiation. An idle connection gives its buffers back.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/result.hpp"
#include "kube/credentials.hpp"

namespace kube {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

/// Brings a fresh context into the state described above. Errors: retry (a file in the middle of a rotation), naming
/// the part that could not be used.
[[nodiscard]] base::Result<void> configure_client(SSL_CTX* context, const TlsMaterial& material);

[[nodiscard]] base::Result<SslContext> make_client_context(const TlsMaterial& material);

/// Demands a certificate for `name`, a host name or an IP address, and names it to the server where it is a host name.
[[nodiscard]] bool expect_name(SSL* ssl, const std::string& name);

/// The library's words for what last failed on this thread, and clears them; "unknown error" where it has none.
[[nodiscard]] std::string take_tls_error();

}  // namespace kube
