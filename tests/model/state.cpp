#include "model/state.hpp"

#include <type_traits>

namespace todoapp::model {
namespace {

template <class Value>
void append(std::string& text, const Value& value) {
  static_assert(std::has_unique_object_representations_v<Value>);
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append(std::string& text, const Things& things) {
  text.push_back(static_cast<char>(things.size()));
  if (!things.empty()) text.append(reinterpret_cast<const char*>(things.data()), things.size() * sizeof(Thing));
}

void append(std::string& text, const Work& work) {
  append(text, work.plan);
  append(text, work.next);
}

}  // namespace

std::string State::key() const {
  std::string text;
  text.reserve(512);
  append(text, app);
  append(text, cached_app);
  append(text, behind_app);
  append(text, objects);
  append(text, cache);
  append(text, behind);
  append(text, stalled);
  append(text, lagging);
  append(text, timer);
  append(text, static_cast<std::uint8_t>(queued));
  append(text, secret_writes);
  append(text, memory);
  append(text, work);
  append(text, old_work);
  append(text, budget);
  append(text, past.numbers);
  append(text, past.failed);
  append(text, past.tokens);
  append(text, past.rotation);
  return text;
}

}  // namespace todoapp::model
