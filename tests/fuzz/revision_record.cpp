// A ControllerRevision, which anybody with the right may have written: what is read of it is written again as it was.
#include "fuzz/fuzz.hpp"
#include "todoapp/content_record.hpp"

namespace fuzz {
namespace {

base::Result<todoapp::Content> recorded(const todoapp::Content& content) {
  return todoapp::decode_content("{\"data\":" + content_text(content) + "}");
}

}  // namespace
}  // namespace fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = todoapp::decode_content(fuzz::text(data, size));
  if (!content) return 0;
  const auto again = fuzz::recorded(*content);
  fuzz::require(again.has_value(), "what was read can be written");
  // Not `content` itself: -0.0, which no schema lets through, is read as a float and comes back as the integer 0.
  fuzz::require(fuzz::recorded(*again) == again, "what was written comes back as it was");
  return 0;
}
