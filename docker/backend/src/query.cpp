#include "query.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string>
#include <utility>

#include "text.hpp"

namespace todo {
namespace {

constexpr std::size_t search_characters_most = 200;
constexpr std::int64_t limit_most = 100;
constexpr std::int64_t offset_most = 1'000'000'000;
constexpr int due_date_schema = 2;

constexpr std::array<std::pair<std::string_view, SortKey>, 4> sort_keys{{{"createdAt", SortKey::created_at},
                                                                         {"updatedAt", SortKey::updated_at},
                                                                         {"title", SortKey::title},
                                                                         {"dueDate", SortKey::due_date}}};

/// What is wrong, or nothing.
using Complaint = std::string;

Complaint read_completed(const std::string& value, ListQuery& out) {
  if (value != "true" && value != "false") return "must be true or false";
  out.completed = value == "true";
  return {};
}

Complaint read_search(const std::string& value, ListQuery& out) {
  const auto length = utf8_length(value);
  if (!length) return "must be UTF-8";
  if (*length > search_characters_most) return fmt::format("must have at most {} characters", search_characters_most);
  if (has_control_characters(value)) return "must hold no control characters";
  out.search = value;
  return {};
}

Complaint read_sort(const std::string& value, ListQuery& out, int schema) {
  const bool descending = value.starts_with('-');
  for (const auto& [name, key] : sort_keys) {
    if (std::string_view(value).substr(descending ? 1 : 0) != name) continue;
    if (key == SortKey::due_date && schema < due_date_schema) break;
    out.sort = key;
    out.descending = descending;
    return {};
  }
  return "must be one of createdAt, updatedAt, title, dueDate, or one of them after a minus sign";
}

Complaint read_number(const std::string& value, std::int64_t least, std::int64_t most, std::int64_t& out) {
  const auto number = whole_number(value, least, most);
  if (!number) return fmt::format("must be a whole number from {} to {}", least, most);
  out = *number;
  return {};
}

Complaint read_parameter(const std::string& name, const std::string& value, int schema, ListQuery& out) {
  if (name == "completed") return read_completed(value, out);
  if (name == "q") return read_search(value, out);
  if (name == "sort") return read_sort(value, out, schema);
  if (name == "limit") return read_number(value, 1, limit_most, out.limit);
  if (name == "offset") return read_number(value, 0, offset_most, out.offset);
  return "is not a parameter of this list; it has completed, q, sort, limit, offset";
}

}  // namespace

std::variant<ListQuery, FieldErrors> read_list_query(std::string_view query, int schema) {
  ListQuery out;
  FieldErrors errors;
  std::map<std::string, bool> seen;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals));
    const auto value = percent_decode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view{});
    const auto shown = name && utf8_length(*name) ? *name : std::string(pair.substr(0, equals));
    Complaint complaint;
    if (!name || !value) {
      complaint = "must have two hexadecimal digits after each percent sign";
    } else if (!seen.emplace(*name, true).second) {
      complaint = "must be given once";
    } else {
      complaint = read_parameter(*name, *value, schema, out);
    }
    if (!complaint.empty()) errors.push_back({shown, std::move(complaint)});
  }
  if (!errors.empty()) return errors;
  return out;
}

}  // namespace todo
