// Two JSON texts, one a line: an intent and what a live object holds.
#include "kube/model/subset.hpp"

#include <nlohmann/json.hpp>

#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  const auto end = text.find('\n');
  const auto intent = text.substr(0, end);
  const auto live = end == std::string_view::npos ? intent : text.substr(end + 1);

  const bool same = kube::same_json(intent, live);
  fuzz::require(same == kube::same_json(live, intent), "the order says nothing");
  const bool holds = kube::is_subset(intent, live);
  // Texts that are the same, byte by byte, are not even read.
  if ((holds || same) && intent != live) {
    fuzz::require(nlohmann::json::accept(intent) && nlohmann::json::accept(live), "what is no JSON holds nothing");
  }
  (void)kube::body_holds(live, intent, kube::Shows::whole);
  (void)kube::body_holds(live, intent, kube::Shows::metadata);
  return 0;
}
