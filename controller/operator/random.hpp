// The one source of randomness of the shell: OpenSSL's, good for keys. The core is handed what it needs of it.
#pragma once

#include <openssl/rand.h>

#include <cstddef>
#include <string>

namespace shell {

[[nodiscard]] inline std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace shell
