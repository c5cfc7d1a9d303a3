#include "kube/model/canonical_json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

namespace kube {
namespace {

using nlohmann::json;

void append_escape(unsigned int unit, std::string& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (const unsigned int shift : {12U, 8U, 4U, 0U}) out += digits[(unit >> shift) & 0xFU];
}

void append_ascii(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (static_cast<unsigned char>(c) < 0x20U || c == '<' || c == '>' || c == '&') {
    append_escape(static_cast<unsigned char>(c), out);
  } else {
    out += c;
  }
}

/// The length of the UTF-8 character at the start of `text`, 0 where there is none (as Go's utf8.DecodeRune decides).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned int first = byte(0);
  const unsigned int second = byte(1);
  if (first >= 0xC2U && first <= 0xDFU) return continues(1) ? 2 : 0;
  if (first >= 0xE0U && first <= 0xEFU) {
    const bool overlong = first == 0xE0U && second < 0xA0U;
    const bool surrogate = first == 0xEDU && second > 0x9FU;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0U && first <= 0xF4U) {
    const bool overlong = first == 0xF0U && second < 0x90U;
    const bool too_large = first == 0xF4U && second > 0x8FU;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

void append_string(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    std::size_t length = 1;
    if (static_cast<unsigned char>(text.front()) < 0x80U) {
      append_ascii(text.front(), out);
    } else if (text.starts_with("\xE2\x80\xA8") || text.starts_with("\xE2\x80\xA9")) {
      append_escape(text[2] == '\xA8' ? 0x2028U : 0x2029U, out);
      length = 3;
    } else if (length = character_length(text); length > 0) {
      out += text.substr(0, length);
    } else {
      append_escape(0xFFFDU, out);
      length = 1;
    }
    text.remove_prefix(length);
  }
  out += '"';
}

/// Go lays a float out plainly for 1e-6 <= |x| < 1e21 and with an exponent of no superfluous digits elsewhere; the
/// digits are the fewest that give the same float again, which is what `to_chars` finds too.
void append_float(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  if (std::signbit(number)) out += '-';
  number = std::fabs(number);
  if (number == 0.0) {
    out += '0';
    return;
  }
  std::array<char, 40> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const char* exponent_first = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent_first, text.data() + text.size(), exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);

  if (number < 1e-6 || number >= 1e21) {
    out += digits[0];
    if (digits.size() > 1) out.append(".").append(digits, 1);
    out.append(exponent < 0 ? "e-" : "e+").append(std::to_string(std::abs(exponent)));
  } else if (exponent < 0) {
    out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out.append(digits, 0, whole);
    if (digits.size() > whole) out.append(".").append(digits, whole);
  }
}

void append(const json& value, std::string& out);

void append_object(const json& value, std::string& out) {
  out += '{';
  // nlohmann keeps members in a std::map: sorted by bytes already, as Go sorts them.
  for (const auto& [key, member] : value.items()) {
    if (out.back() != '{') out += ',';
    append_string(key, out);
    out += ':';
    append(member, out);
  }
  out += '}';
}

void append_array(const json& value, std::string& out) {
  out += '[';
  bool first = true;
  for (const auto& element : value) {
    if (!first) out += ',';
    first = false;
    append(element, out);
  }
  out += ']';
}

void append(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::object:
      return append_object(value, out);
    case json::value_t::array:
      return append_array(value, out);
    case json::value_t::string:
      return append_string(value.get_ref<const std::string&>(), out);
    case json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case json::value_t::number_integer:
      out += std::to_string(value.get<std::int64_t>());
      return;
    case json::value_t::number_unsigned:
      out += std::to_string(value.get<std::uint64_t>());
      return;
    case json::value_t::number_float:
      return append_float(value.get<double>(), out);
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      out += "null";
      return;
  }
}

}  // namespace

std::string canonical(const json& value) {
  std::string out;
  append(value, out);
  return out;
}

}  // namespace kube
