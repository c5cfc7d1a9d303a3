#include "todoapp/desired/json_text.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"

namespace todoapp::desired {
namespace {

constexpr std::array<bool, 256> make_verbatim() {
  std::array<bool, 256> verbatim{};
  for (std::size_t c = 0x20; c < 0x7F; ++c) verbatim[c] = true;
  for (const char c : {'"', '\\', '<', '>', '&'}) verbatim[static_cast<unsigned char>(c)] = false;
  return verbatim;
}
/// What stands for itself.
constexpr auto verbatim = make_verbatim();

void append_quoted(std::string& out, std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return verbatim[static_cast<unsigned char>(c)]; })) {
    out += kube::canonical(nlohmann::json(text));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void append_map(std::string& out, const StringMap& map) {
  char separator = '{';
  for (const auto& [key, value] : map) {
    out += separator;
    separator = ',';
    append_quoted(out, key);
    out += ':';
    append_quoted(out, value);
  }
  out += map.empty() ? "{}" : "}";
}

}  // namespace

JsonText string_text(std::string_view text) {
  JsonText out;
  append_quoted(out, text);
  return out;
}

void ObjectText::key(std::string_view key) {
  assert(out_.size() == 1 || last_ < key);
  last_ = key;
  out_ += out_.size() > 1 ? ",\"" : "\"";
  out_ += key;
  out_ += "\":";
}

ObjectText& ObjectText::json(std::string_view name, std::string_view json) {
  if (json.empty()) return *this;
  key(name);
  out_ += json;
  return *this;
}

ObjectText& ObjectText::text(std::string_view name, std::string_view text) {
  if (text.empty()) return *this;
  key(name);
  append_quoted(out_, text);
  return *this;
}

ObjectText& ObjectText::map(std::string_view name, const StringMap& map) {
  if (map.empty()) return *this;
  key(name);
  append_map(out_, map);
  return *this;
}

ObjectText& ObjectText::number(std::string_view name, std::int64_t number) {
  key(name);
  out_ += std::to_string(number);
  return *this;
}

ObjectText& ObjectText::flag(std::string_view name, bool flag) {
  key(name);
  out_ += flag ? "true" : "false";
  return *this;
}

ListText& ListText::json(std::string_view json) {
  if (!empty()) out_ += ',';
  out_ += json;
  return *this;
}

ListText& ListText::entries(std::string_view list) {
  return list.size() > 2 ? json(list.substr(1, list.size() - 2)) : *this;
}

JsonText text_of(const StringMap& map) {
  std::string out;
  append_map(out, map);
  return out;
}

JsonText text_of(const std::vector<std::string>& list) {
  ListText out;
  for (const auto& entry : list) out.text(entry);
  return out.str();
}

}  // namespace todoapp::desired
