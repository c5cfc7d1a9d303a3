// A list of pods, which is read when a rollout fails: what is in it comes from kubelets and from the pods themselves.
#include "fuzz/fuzz.hpp"
#include "kube/model/pod.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  const auto page = kube::decode_pods(text);
  fuzz::require(page == kube::decode_pods(text), "the same text is the same pods");
  return 0;
}
