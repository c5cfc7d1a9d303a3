#include "todoapp/codec_reader.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"

namespace todoapp::codec {
namespace {

using Json = nlohmann::json;
using simdjson::SUCCESS;

std::string spelled(const Place& place) {
  if (place.above == nullptr) return std::string(place.key);
  if (place.in_list) return fmt::format("{}[{}]", spelled(*place.above), place.index);
  return fmt::format("{}.{}", spelled(*place.above), place.key);
}

/// What stands there. Of texts never the value itself, which may be nobody's business.
std::string kind_of(Element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "a list";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::STRING:
      return "text";
    case simdjson::dom::element_type::BOOL:
      return "true or false";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
      return simdjson::to_string(element);
  }
  return "something else";
}

/// simdjson has read the text before, so that nlohmann's parser finds nothing to throw at.
Json json_of(Element element) { return Json::parse(simdjson::to_string(element)); }

/// Whether the default holds each field of the object just so: what an API server has filled in mostly comes to this,
/// and laying it over the default would be the dearest part of reading a spec. A wrong "no" costs time only; a wrong
/// "yes" takes a field that stands one level too high, which the schema lets nobody write.
bool says_no_more(simdjson::dom::object object, std::string_view compact_default) {
  for (const auto field : object) {
    const auto text = fmt::format("\"{}\":{}", field.key, simdjson::to_string(field.value));
    const auto at = compact_default.find(text);
    if (at == std::string_view::npos) return false;
    const char next = compact_default[at + text.size()];
    if (next != ',' && next != '}') return false;
  }
  return true;
}

JsonText text_of(const Json& json) { return json.empty() ? JsonText{} : kube::canonical(json); }

}  // namespace

std::string_view read(Element element, std::string& target) {
  std::string_view text;
  if (element.get(text) != SUCCESS) return "text";
  target = text;
  return {};
}

std::string_view read(Element element, bool& target) {
  return element.get(target) == SUCCESS ? std::string_view{} : "true or false";
}

std::string_view read(Element element, std::int64_t& target) {
  return element.get(target) == SUCCESS ? std::string_view{} : "a whole number";
}

std::string_view read(Element element, std::int32_t& target) {
  using Limits = std::numeric_limits<std::int32_t>;
  std::int64_t wide = 0;
  if (element.get(wide) != SUCCESS || wide < Limits::min() || wide > Limits::max()) return "a whole number of 32 bits";
  target = static_cast<std::int32_t>(wide);
  return {};
}

std::string_view read(Element element, std::chrono::seconds& target) {
  std::int32_t seconds = 0;
  const auto wanted = read(element, seconds);
  target = std::chrono::seconds{seconds};
  return wanted;
}

std::string_view read(Element element, std::vector<std::string>& target) {
  simdjson::dom::array list;
  if (element.get(list) != SUCCESS) return "a list of texts";
  target.clear();
  for (const Element entry : list) {
    if (!read(entry, target.emplace_back()).empty()) return "a list of texts";
  }
  return {};
}

std::string_view read(Element element, StringMap& target) {
  simdjson::dom::object map;
  if (element.get(map) != SUCCESS) return "a map of texts";
  target.clear();
  for (const auto entry : map) {
    if (!read(entry.value, target[std::string(entry.key)]).empty()) return "a map of texts only (numbers in quotes)";
  }
  return {};
}

void Reader::required(std::string_view key) {
  if (!find(key)) complain(key, "is required");
}

void Reader::flags(std::string_view key, Words<bool*> words) {
  if (!find(key)) return;
  std::vector<std::string> texts;
  field(key, texts);
  for (const auto& [word, flag] : words) *flag = false;
  for (const auto& text : texts) {
    const auto* word = std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.first == text; });
    if (word == words.end()) return complain(key, fmt::format("each entry must be {}", one_of(words)));
    *word->second = true;
  }
}

void Reader::count(std::string_view key, JsonText& target) {
  const auto element = find(key);
  if (!element) return;
  if (!element->is_int64() && !element->is_string()) return complain(key, "a count or a percentage", *element);
  target = kube::canonical(json_of(*element));
}

void Reader::handed_on(std::string_view key, Shape shape, JsonText& target) {
  const auto element = find(key, shape);
  if (!element) return;
  simdjson::dom::array entries;
  if (element->get(entries) == SUCCESS) {
    for (const Element entry : entries) {
      if (!entry.is_object()) return complain(key, "a list of objects", *element);
    }
  }
  target = text_of(json_of(*element));
}

void Reader::laid_over(std::string_view key, JsonText& target) {
  const auto element = find(key, Shape::object);
  simdjson::dom::object object;
  if (!element || element->get(object) != SUCCESS || says_no_more(object, target)) return;
  auto json = Json::parse(target);
  json.merge_patch(json_of(*element));
  target = text_of(json);
}

void Reader::replacing(std::string_view key, JsonText& target) {
  const auto element = find(key, Shape::object);
  simdjson::dom::object object;
  if (!element || element->get(object) != SUCCESS || says_no_more(object, target)) return;
  auto json = Json::parse(target);
  json.update(json_of(*element));
  for (auto entry = json.begin(); entry != json.end();) entry = entry->empty() ? json.erase(entry) : std::next(entry);
  target = text_of(json);
}

std::optional<Element> Reader::find(std::string_view key) const {
  Element element;
  if (object_.at_key(key).get(element) != SUCCESS || element.is_null()) return std::nullopt;
  return element;
}

std::optional<Element> Reader::find(std::string_view key, Shape shape) {
  const auto element = find(key);
  if (!element || (shape == Shape::list ? element->is_array() : element->is_object())) return element;
  complain(key, shape == Shape::list ? "a list" : "an object", *element);
  return std::nullopt;
}

void Reader::complain(std::string_view key, std::string_view wanted, Element found) {
  complain(key, fmt::format("must be {}, not {}", wanted, kind_of(found)));
}

void Reader::complain(std::string_view key, std::string_view what) {
  if (problem_.empty()) problem_ = fmt::format("{}: {}", spelled(Place{.above = &place_, .key = key}), what);
}

}  // namespace todoapp::codec
