#include "kubectl/output.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kubectl {
namespace {

using Json = nlohmann::json;

constexpr std::size_t indent = 2;

base::Failure unreadable(const Json::exception& error) {
  return base::fail(base::ErrorCode::invalid, "read what the API server sent", error.what());
}

/// Text that every reader takes for itself, and for nothing else, without quotes.
bool is_bare(const std::string& text) {
  const auto letter = [](char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); };
  const auto digit = [](char byte) { return byte >= '0' && byte <= '9'; };
  if (text.empty() || !letter(text.front())) return false;
  for (const char byte : text) {
    if (!letter(byte) && !digit(byte) && byte != '-' && byte != '_' && byte != '.' && byte != '/') return false;
  }
  // Words that some version of YAML reads as something else.
  for (const char* word : {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}) {
    const std::string_view other(word);
    const bool same =
        text.size() == other.size() && std::equal(text.begin(), text.end(), other.begin(), [](char one, char two) {
          return (static_cast<unsigned>(one) | 0x20U) == static_cast<unsigned>(two);
        });
    if (same) return false;
  }
  return true;
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  // A JSON string is a YAML string.
  return is_bare(text) ? text : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string key_text(const std::string& key) { return scalar(Json(key)); }

bool is_block(const Json& value) { return value.is_structured() && !value.empty(); }

void write_yaml(std::string& out, const Json& value, std::size_t depth, bool in_line);

void write_entry(std::string& out, const std::string& head, const Json& value, std::size_t depth) {
  out += head;
  if (!is_block(value)) {
    out += ' ' + scalar(value) + '\n';
    return;
  }
  out += '\n';
  // As kubectl writes it: the items of a list stand under their key, not further in.
  write_yaml(out, value, value.is_array() ? depth : depth + 1, false);
}

/// `in_line`: the first line goes behind a dash that is already written.
void write_yaml(std::string& out, const Json& value, std::size_t depth, bool in_line) {
  const auto start = [&] {
    if (!in_line) out.append(depth * indent, ' ');
    in_line = false;
  };
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      start();
      write_entry(out, key_text(key) + ":", member, depth);
    }
    return;
  }
  for (const auto& item : value) {
    start();
    out += "- ";
    if (is_block(item)) {
      write_yaml(out, item, depth + 1, true);
    } else {
      out += scalar(item) + '\n';
    }
  }
}

void drop_managed_fields(Json& object) {
  if (const auto at = object.find("metadata"); at != object.end() && at->is_object()) at->erase("managedFields");
  if (const auto items = object.find("items"); items != object.end() && items->is_array()) {
    for (auto& item : *items) drop_managed_fields(item);
  }
}

}  // namespace

base::Result<std::string> structured(std::string_view json, Output output) {
  try {
    auto value = Json::parse(json);
    if (value.is_object()) drop_managed_fields(value);
    if (output != Output::yaml) return value.dump(4) + "\n";
    if (!is_block(value)) return scalar(value) + "\n";
    std::string text;
    write_yaml(text, value, 0, false);
    return text;
  } catch (const Json::exception& error) {
    return unreadable(error);
  }
}

base::Result<std::string> as_list(std::string_view list_json, std::string_view api_version, std::string_view kind) {
  const auto items = items_of(list_json, api_version, kind);
  if (!items) return base::Failure(items.error());
  auto list = Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", Json::array()}};
  for (const auto& item : *items) list["items"].push_back(Json::parse(item));
  return list.dump();
}

base::Result<std::vector<std::string>> items_of(std::string_view list_json, std::string_view api_version,
                                                std::string_view kind) {
  try {
    std::vector<std::string> items;
    auto list = Json::parse(list_json);
    for (auto& item : list.at("items")) {
      item["apiVersion"] = api_version;
      item["kind"] = kind;
      items.push_back(item.dump());
    }
    return items;
  } catch (const Json::exception& error) {
    return unreadable(error);
  }
}

}  // namespace kubectl
