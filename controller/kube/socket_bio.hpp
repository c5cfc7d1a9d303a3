// OpenSSL's way to our socket. Law: like its own socket BIO, but a write to a peer that is gone is an error and not a
// SIGPIPE, whatever the rest of the process thinks of that signal; the socket stays Asio's, nothing is closed here.
#pragma once

#include <openssl/bio.h>

namespace kube {

/// A BIO on the non-blocking socket `fd`, which must outlive it; null when memory is out.
[[nodiscard]] BIO* make_socket_bio(int fd);

}  // namespace kube
