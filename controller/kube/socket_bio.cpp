#include "kube/socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace kube {
namespace {

SocketSource& source_of(BIO* bio) { return *static_cast<SocketSource*>(BIO_get_data(bio)); }

bool is_passing(ssize_t result) { return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR); }

int write_some(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(source_of(bio).fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (is_passing(sent)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int read_some(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  auto& source = source_of(bio);
  const ssize_t got = ::recv(source.fd, into, static_cast<std::size_t>(size), 0);
  source.drained = got < size;
  if (is_passing(got)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  // Nothing is buffered here, so a flush is always done; all else is not known.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, write_some);
  BIO_meth_set_read(method, read_some);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

BIO* make_socket_bio(SocketSource& source) {
  // Never freed: a method must outlive every BIO of it, and there is one per process.
  static BIO_METHOD* const method = make_method();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &source);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace kube
