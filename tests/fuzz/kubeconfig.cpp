// A kubeconfig file, read through a file as always. No plugin is run: this reads what the file says, no more.
#include "kube/kubeconfig.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file that is nowhere but in memory, and has a path all the same.
  const int file = memfd_create("kubeconfig", MFD_CLOEXEC);
  fuzz::require(file >= 0 && write(file, data, size) == static_cast<ssize_t>(size), "the file can be written");
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  for (const auto* context : {"", "other"}) {
    const auto access = kube::read_kubeconfig({path}, context);
    if (!access) continue;
    fuzz::require(!access->server.host.empty() && !access->server.port.empty(), "a way in names a server");
    fuzz::require(!access->server.tls || access->authority.is_set(), "a server is trusted by an authority");
    fuzz::require(access->certificate.is_set() == access->key.is_set(), "a certificate comes with its key");
  }
  close(file);
  return 0;
}
