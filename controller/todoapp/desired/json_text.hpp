// Canonical JSON (see kube/model/canonical_json.hpp) written straight as text. Private to the core.
//
// Everything is rendered at every reconcile; building values first and dumping them then costs ten times as much. And
// what a spec hands through (JsonText) is canonical already, so that it goes in as it is.
//
// Law: keys come in order, which debug builds assert; what is empty is left out, so that an intent names only what
// means something; the text is the very one that `kube::canonical` would make of it, which a test checks for all
// bodies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "todoapp/types.hpp"

namespace todoapp::desired {

/// A string in quotes.
[[nodiscard]] JsonText string_text(std::string_view text);

class ObjectText {
 public:
  /// Left out where there is none.
  ObjectText& json(std::string_view key, std::string_view json);
  ObjectText& text(std::string_view key, std::string_view text);
  ObjectText& map(std::string_view key, const StringMap& map);
  /// Never left out.
  ObjectText& number(std::string_view key, std::int64_t number);
  ObjectText& flag(std::string_view key, bool flag);

  /// The end of it: the text is handed over.
  [[nodiscard]] JsonText str() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  /// A name of ours, which needs no escapes.
  void key(std::string_view key);

  std::string out_{"{"};
  std::string_view last_;
};

class ListText {
 public:
  ListText& json(std::string_view json);
  ListText& text(std::string_view text) { return json(string_text(text)); }
  /// The entries of another list; empty text is a list too.
  ListText& entries(std::string_view list);

  [[nodiscard]] bool empty() const { return out_.size() == 1; }
  /// The end of it: the text is handed over. Empty text where there are no entries.
  [[nodiscard]] JsonText str() {
    if (empty()) return {};
    out_ += ']';
    return std::move(out_);
  }

 private:
  std::string out_{"["};
};

[[nodiscard]] JsonText text_of(const StringMap& map);
[[nodiscard]] JsonText text_of(const std::vector<std::string>& list);

}  // namespace todoapp::desired
