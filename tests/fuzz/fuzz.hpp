// What the fuzz targets share. Each target is one file with `LLVMFuzzerTestOneInput`: libFuzzer makes up bytes, the
// target reads them as the operator would, and besides "no crash, no undefined behaviour" it holds the result against a
// law. Law: a target keeps nothing between two inputs, so that an input that fails does so alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the run with the law that was broken; libFuzzer then keeps the input.
inline void require(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "broken law: %s\n", law);
  std::abort();
}

}  // namespace fuzz
