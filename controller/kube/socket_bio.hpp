// OpenSSL's way to our socket. Law: like its own socket BIO, but a write to a peer that is gone is an error and not a
// SIGPIPE, whatever the rest of the process thinks of that signal; the socket stays Asio's, nothing is closed here.
#pragma once

#include <openssl/bio.h>

namespace kube {

struct SocketSource {
  int fd{-1};
  bool drained{false};  ///< the last read took all that was there
};

/// A BIO on a non-blocking socket, which must outlive it, as must `source`; null when memory is out.
[[nodiscard]] BIO* make_socket_bio(SocketSource& source);

}  // namespace kube
