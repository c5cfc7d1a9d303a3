// Two quantities, one a line: they are the same amount in either order, and as their numbers say.
#include "kube/model/quantity.hpp"

#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  const auto end = text.find('\n');
  const auto one = text.substr(0, end);
  const auto other = end == std::string_view::npos ? one : text.substr(end + 1);

  const auto first = kube::parse_quantity(one), second = kube::parse_quantity(other);
  for (const auto& each : {first, second}) {
    fuzz::require(!each || (each->nanos >= 0 && each->nanos < 1'000'000'000), "billionths are less than one");
  }
  fuzz::require(kube::same_quantity(one, one), "an amount is the same as itself");
  fuzz::require(kube::same_quantity(one, other) == kube::same_quantity(other, one), "the order says nothing");
  if (first && second) {
    fuzz::require(kube::same_quantity(one, other) == (*first == *second), "equal numbers are the same amount");
  }
  return 0;
}
