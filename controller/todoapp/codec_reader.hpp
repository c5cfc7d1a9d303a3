// Two visitors of a type's list of fields: `Reader` fills values from JSON, `PathLister` notes the paths. So the list
// stands once (in codec.cpp), and what is known cannot differ from what is read. Private to the codec.
//
// Law: no exceptions; the first problem is kept, with its path, and what is read after it means nothing. A null says no
// more than nothing at all, as for the API server. Limits: a Reader must not outlive the parser that its object lies
// in.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "todoapp/types.hpp"

namespace todoapp::codec {

using Element = simdjson::dom::element;

enum class Shape : std::uint8_t { list, object };

/// One word of the API and the value it stands for.
template <class T>
using Word = std::pair<std::string_view, T>;
template <class T>
using Words = std::initializer_list<Word<T>>;

/// Where a value stands. Spelled out only when a problem names it, so that reading makes no strings.
struct Place {
  const Place* above{nullptr};
  std::string_view key{};
  std::size_t index{0};
  bool in_list{false};
};

/// Each `read` fills its target, or says what it wanted instead.
[[nodiscard]] std::string_view read(Element element, std::string& target);
[[nodiscard]] std::string_view read(Element element, bool& target);
[[nodiscard]] std::string_view read(Element element, std::int64_t& target);
[[nodiscard]] std::string_view read(Element element, std::int32_t& target);
[[nodiscard]] std::string_view read(Element element, std::chrono::seconds& target);
[[nodiscard]] std::string_view read(Element element, std::vector<std::string>& target);
[[nodiscard]] std::string_view read(Element element, StringMap& target);
template <class T>
[[nodiscard]] std::string_view read(Element element, std::optional<T>& target) {
  return read(element, target.emplace());
}

class Reader {
 public:
  Reader(simdjson::dom::object object, Place place, std::string& problem)
      : object_(object), place_(place), problem_(problem) {}

  void required(std::string_view key);
  template <class T>
  void field(std::string_view key, T& target);
  template <class T>
  void choice(std::string_view key, T& target, Words<T> words);
  /// A list of words, each of which raises its flag.
  void flags(std::string_view key, Words<bool*> words);
  /// A count, or a percentage in quotes; kept as JSON.
  void count(std::string_view key, JsonText& target);
  /// A part that is passed on unread, an object or a list of objects; an empty one says no more than none.
  void handed_on(std::string_view key, Shape shape, JsonText& target);
  /// The same, laid over the default that `target` holds: the user's keys win, at every depth.
  void laid_over(std::string_view key, JsonText& target);
  /// The same, where a key that the user gives replaces the default's whole, and an empty one takes it away.
  void replacing(std::string_view key, JsonText& target);
  /// An object of a type of its own: `body(reader)`.
  template <class Body>
  void part(std::string_view key, Body body);
  /// `body(reader, value)`, where the object is there.
  template <class T, class Body>
  void optional_part(std::string_view key, std::optional<T>& target, Body body);
  /// `body(reader, entry)` for each object of a list.
  template <class T, class Body>
  void list(std::string_view key, std::vector<T>& target, Body body);

 private:
  [[nodiscard]] std::optional<Element> find(std::string_view key) const;
  [[nodiscard]] std::optional<Element> find(std::string_view key, Shape shape);
  void complain(std::string_view key, std::string_view wanted, Element found);
  void complain(std::string_view key, std::string_view what);

  simdjson::dom::object object_;
  Place place_;
  std::string& problem_;
};

/// "A or B"
template <class T>
std::string one_of(Words<T> words) {
  std::string text;
  for (const auto& word : words) text += fmt::format("{}{}", text.empty() ? "" : " or ", word.first);
  return text;
}

template <class T>
void Reader::field(std::string_view key, T& target) {
  const auto element = find(key);
  if (!element) return;
  if (const auto wanted = read(*element, target); !wanted.empty()) complain(key, wanted, *element);
}

template <class T>
void Reader::choice(std::string_view key, T& target, Words<T> words) {
  if (!find(key)) return;
  std::string text;
  field(key, text);
  const auto* word = std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.first == text; });
  if (word == words.end()) return complain(key, fmt::format("must be {}", one_of(words)));
  target = word->second;
}

template <class Body>
void Reader::part(std::string_view key, Body body) {
  const auto element = find(key, Shape::object);
  simdjson::dom::object object;
  if (!element || element->get(object) != simdjson::SUCCESS) return;
  Reader inner{object, Place{.above = &place_, .key = key}, problem_};
  body(inner);
}

template <class T, class Body>
void Reader::optional_part(std::string_view key, std::optional<T>& target, Body body) {
  part(key, [&](Reader& inner) { body(inner, target.emplace()); });
}

template <class T, class Body>
void Reader::list(std::string_view key, std::vector<T>& target, Body body) {
  const auto element = find(key, Shape::list);
  simdjson::dom::array entries;
  if (!element || element->get(entries) != simdjson::SUCCESS) return;
  const Place here{.above = &place_, .key = key};
  target.clear();
  for (const Element entry : entries) {
    simdjson::dom::object object;
    if (entry.get(object) != simdjson::SUCCESS) return complain(key, "a list of objects", *element);
    Reader inner{object, Place{.above = &here, .index = target.size(), .in_list = true}, problem_};
    body(inner, target.emplace_back());
  }
}

class PathLister {
 public:
  PathLister(std::string above, std::vector<std::string>& paths) : above_(std::move(above)), paths_(paths) {}

  void required(std::string_view) {}
  template <class T>
  void field(std::string_view key, T&) {
    note(key);
  }
  template <class T>
  void choice(std::string_view key, T&, Words<T>) {
    note(key);
  }
  void flags(std::string_view key, Words<bool*>) { note(key); }
  void count(std::string_view key, JsonText&) { note(key); }
  void handed_on(std::string_view key, Shape, JsonText&) { note(key, ".*"); }
  void laid_over(std::string_view key, JsonText&) { note(key, ".*"); }
  void replacing(std::string_view key, JsonText&) { note(key, ".*"); }

  template <class Body>
  void part(std::string_view key, Body body) {
    PathLister inner{fmt::format("{}{}.", above_, key), paths_};
    body(inner);
  }
  template <class T, class Body>
  void optional_part(std::string_view key, std::optional<T>&, Body body) {
    T value{};
    part(key, [&](PathLister& inner) { body(inner, value); });
  }
  template <class T, class Body>
  void list(std::string_view key, std::vector<T>&, Body body) {
    T value{};
    part(fmt::format("{}[]", key), [&](PathLister& inner) { body(inner, value); });
  }

 private:
  void note(std::string_view key, std::string_view end = {}) {
    paths_.push_back(fmt::format("{}{}{}", above_, key, end));
  }

  std::string above_;
  std::vector<std::string>& paths_;
};

}  // namespace todoapp::codec
