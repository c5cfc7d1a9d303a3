#include "kubectl/manifest.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace kubectl {
namespace {

using Json = nlohmann::json;

template <std::size_t Count>
bool is_one_of(std::string_view text, const std::array<std::string_view, Count>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 4> nulls{"~", "null", "Null", "NULL"};
// As the YAML reader of kubectl has them; a single letter is a string.
constexpr std::array<std::string_view, 9> truths{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
constexpr std::array<std::string_view, 9> untruths{"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};

std::optional<Json> as_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  auto digits = text;
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  const auto prefix = [&](std::string_view mark, int its_base) {
    if (!digits.starts_with(mark)) return false;
    digits.remove_prefix(mark.size());
    base = its_base;
    return true;
  };
  if (!prefix("0x", 16) && !prefix("0o", 8) && !prefix("0b", 2) && digits.size() > 1) prefix("0", 8);
  std::int64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || digits.front() == '-' || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return Json(negative ? -value : value);
}

std::optional<Json> as_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("+-.0123456789eExXobabcdefABCDEF") != std::string_view::npos) return {};
  if (auto integer = as_integer(text)) return integer;
  auto digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (digits.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return Json(value);
}

Json plain_scalar(const std::string& text) {
  if (text.empty() || is_one_of(text, nulls)) return nullptr;
  if (is_one_of(text, truths)) return true;
  if (is_one_of(text, untruths)) return false;
  const auto number = as_number(text);
  return number ? *number : Json(text);
}

/// Exceptions end in `read_manifests`.
class Reader {
 public:
  Json value_of(const YAML::Node& node) {
    if (++nodes_ > most_nodes) throw std::length_error(fmt::format("it holds more than {} values", most_nodes));
    switch (node.Type()) {
      case YAML::NodeType::Map:
        return map_of(node);
      case YAML::NodeType::Sequence: {
        auto list = Json::array();
        for (const auto& item : node) list.push_back(value_of(item));
        return list;
      }
      case YAML::NodeType::Scalar:
        // "!" is the tag of what is quoted; an explicit one says that it is a string.
        return node.Tag() == "?" || node.Tag().empty() ? plain_scalar(node.Scalar()) : Json(node.Scalar());
      default:
        return nullptr;
    }
  }

 private:
  Json map_of(const YAML::Node& node) {
    auto map = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) throw std::invalid_argument("a key that is no word");
      const auto& key = entry.first.Scalar();
      if (map.contains(key)) throw std::invalid_argument(fmt::format("the key {} stands there twice", key));
      map[key] = value_of(entry.second);
    }
    return map;
  }

  std::size_t nodes_{0};
};

std::string text_in(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

void add(std::vector<Manifest>& manifests, const Json& object) {
  if (object.is_null()) return;
  if (!object.is_object()) throw std::invalid_argument("a document that is no object");
  if (text_in(object, "kind") == "List" && object.contains("items")) {
    for (const auto& item : object.at("items")) add(manifests, item);
    return;
  }
  const auto at = object.find("metadata");
  const auto metadata = at != object.end() && at->is_object() ? *at : Json::object();
  manifests.push_back({.api_version = text_in(object, "apiVersion"),
                       .kind = text_in(object, "kind"),
                       .name = text_in(metadata, "name"),
                       .namespace_ = text_in(metadata, "namespace"),
                       .json = object.dump()});
}

/// Members of `to` that `from` lacks or has otherwise.
Json additions(const Json& from, const Json& to) {
  auto patch = Json::object();
  for (const auto& [key, value] : to.items()) {
    const auto at = from.find(key);
    if (at == from.end()) {
      patch[key] = value;
    } else if (at->is_object() && value.is_object()) {
      if (auto inner = additions(*at, value); !inner.empty()) patch[key] = std::move(inner);
    } else if (*at != value) {
      patch[key] = value;
    }
  }
  return patch;
}

/// Members of `from` that `to` lacks, as null.
Json deletions(const Json& from, const Json& to) {
  auto patch = Json::object();
  for (const auto& [key, value] : from.items()) {
    const auto at = to.find(key);
    if (at == to.end()) {
      patch[key] = nullptr;
    } else if (at->is_object() && value.is_object()) {
      if (auto inner = deletions(value, *at); !inner.empty()) patch[key] = std::move(inner);
    }
  }
  return patch;
}

void lay_over(Json& patch, const Json& more) {
  for (const auto& [key, value] : more.items()) {
    if (value.is_object() && patch.contains(key) && patch[key].is_object()) {
      lay_over(patch[key], value);
    } else {
      patch[key] = value;
    }
  }
}

}  // namespace

base::Result<std::vector<Manifest>> read_manifests(std::string_view text, std::string_view file) {
  const auto refuse = [&](std::string why) {
    return base::fail(base::ErrorCode::invalid, fmt::format("read {}", file), std::move(why));
  };
  try {
    std::vector<Manifest> manifests;
    Reader reader;
    for (const auto& document : YAML::LoadAll(std::string(text))) add(manifests, reader.value_of(document));
    return manifests;
  } catch (const YAML::Exception& error) {
    return refuse(fmt::format("line {} is no valid YAML: {}", error.mark.line + 1, error.msg));
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}

todoapp::JsonText apply_patch(std::string_view applied_before, std::string_view wanted, std::string_view live) {
  auto want = Json::parse(wanted);
  auto before = Json::parse(applied_before, nullptr, false);
  auto patch = additions(Json::parse(live), want);
  // kubectl notes what it applies in an annotation, so that for it there are always some: those of others stay.
  auto& metadata = want["metadata"];
  if (metadata.is_object() || metadata.is_null()) {
    if (auto& notes = metadata["annotations"]; notes.is_null()) notes = Json::object();
  }
  if (before.is_object()) lay_over(patch, deletions(before, want));
  return patch.dump();
}

}  // namespace kubectl
