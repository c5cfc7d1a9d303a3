#include "kube/model/json_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace kube {
namespace {

[[noreturn]] void bad(std::string_view path, std::string_view wanted) {
  throw Malformed{std::string(path) + " is not " + std::string(wanted)};
}

}  // namespace

ondemand::object JsonReader::open(std::string_view text) {
  reserve(text.size());
  std::memcpy(buffer_.get(), text.data(), text.size());
  std::memset(buffer_.get() + text.size(), 0, simdjson::SIMDJSON_PADDING);
  simdjson::dom::element root;
  const auto broken = check_.parse(buffer_.get(), text.size(), false).get(root);
  if (broken) throw Malformed{"not JSON: " + std::string(simdjson::error_message(broken))};
  if (!root.is_object()) throw Malformed{"not a JSON object"};
  document_ = walk_.iterate(buffer_.get(), text.size(), capacity_);
  return document_.get_object();
}

void JsonReader::reserve(std::size_t size) {
  const std::size_t needed = size + simdjson::SIMDJSON_PADDING;
  if (needed <= capacity_) return;
  const std::size_t capacity = std::max<std::size_t>(needed + needed / 2, 16UL * 1024UL);
  buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
  capacity_ = capacity;
  if (check_.allocate(capacity, max_depth_) || walk_.allocate(capacity, max_depth_)) {
    close();
    throw Malformed{"no memory to read it"};
  }
}

void JsonReader::close() {
  if (capacity_ <= keep_bytes_) return;
  document_ = {};
  check_ = simdjson::dom::parser{};
  walk_ = ondemand::parser{};
  buffer_.reset();
  capacity_ = 0;
}

bool is_null(ondemand::value& value) { return value.type().value() == ondemand::json_type::null; }

std::string read_text(ondemand::value value, std::string_view path) {
  std::string_view text;
  if (value.get_string().get(text)) bad(path, "a string");
  return std::string(text);
}

std::int64_t read_integer(ondemand::value value, std::string_view path) {
  std::int64_t number = 0;
  if (value.get_int64().get(number)) bad(path, "an integer");
  return number;
}

std::int32_t read_count(ondemand::value value, std::string_view path) {
  const std::int64_t number = read_integer(value, path);
  if (number < std::numeric_limits<std::int32_t>::min() || number > std::numeric_limits<std::int32_t>::max()) {
    bad(path, "a 32-bit integer");
  }
  return static_cast<std::int32_t>(number);
}

bool read_flag(ondemand::value value, std::string_view path) {
  bool flag = false;
  if (value.get_bool().get(flag)) bad(path, "a boolean");
  return flag;
}

base::WallTime read_time(ondemand::value value, std::string_view path) {
  const auto time = base::parse_time(read_text(value, path));
  if (!time) bad(path, "a time");
  return *time;
}

ondemand::object read_object(ondemand::value value, std::string_view path) {
  ondemand::object object;
  if (value.get_object().get(object)) bad(path, "an object");
  return object;
}

ondemand::array read_array(ondemand::value value, std::string_view path) {
  ondemand::array array;
  if (value.get_array().get(array)) bad(path, "an array");
  return array;
}

std::vector<Condition> read_conditions(ondemand::value value, std::string_view path) {
  std::vector<Condition> conditions;
  for (auto element : read_array(value, path)) {
    Condition& condition = conditions.emplace_back();
    for_each_member(read_object(element.value(), path), [&](std::string_view key, ondemand::value field) {
      if (key == "type")
        condition.type = read_text(field, path);
      else if (key == "status")
        condition.status = read_text(field, path);
      else if (key == "reason")
        condition.reason = read_text(field, path);
      else if (key == "message")
        condition.message = read_text(field, path);
      else if (key == "lastTransitionTime")
        condition.since = read_time(field, path);
      else if (key == "lastUpdateTime")
        condition.updated = read_time(field, path);
    });
  }
  conditions.shrink_to_fit();
  return conditions;
}

std::string_view trim(std::string_view raw) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t first = raw.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return raw.substr(first, raw.find_last_not_of(blank) - first + 1);
}

}  // namespace kube
