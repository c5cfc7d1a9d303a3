// The configuration file: a flat YAML mapping, read row by row through the table.
#include "operator/settings.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "operator/settings.table.hpp"

namespace shell {
namespace {

constexpr std::string_view api_version = "config.todoapp.dev/v1alpha1";
constexpr std::string_view kind = "OperatorConfiguration";
constexpr std::size_t file_limit = 64 * 1024;

/// What is wrong, and where; the caller knows the file's name.
struct Trouble {
  int line;  ///< from 1; 0 for the file as a whole
  std::string text;
};
using Checked = tl::expected<void, Trouble>;

tl::unexpected<Trouble> trouble(const YAML::Mark& mark, std::string text) {
  return tl::unexpected(Trouble{mark.is_null() ? 0 : mark.line + 1, std::move(text)});
}

std::vector<std::string> known_keys() {
  std::vector<std::string> keys{"apiVersion", "kind"};
  for (const auto& row : setting_rows()) {
    if (*row.key != '\0') keys.emplace_back(row.key);
  }
  return keys;
}

/// `key_mark` is where its key stands: YAML has an empty value begin at whatever comes next.
tl::expected<std::string, Trouble> read_scalar(const YAML::Node& node, std::string_view key,
                                               const YAML::Mark& key_mark) {
  if (node.IsNull()) return trouble(key_mark, fmt::format("{} has no value; give it one or leave the key out", key));
  if (!node.IsScalar()) return trouble(node.Mark(), fmt::format("{} must be a single value", key));
  return node.Scalar();
}

tl::expected<std::vector<std::string>, Trouble> read_values(const YAML::Node& node, const SettingRow& row,
                                                            const YAML::Mark& key_mark) {
  std::vector<std::string> values;
  if (!row.is_list()) {
    auto value = read_scalar(node, row.key, key_mark);
    if (!value) return tl::unexpected(value.error());
    return std::vector{std::move(*value)};
  }
  if (!node.IsSequence()) return trouble(key_mark, fmt::format("{} must be a list", row.key));
  for (const auto& item : node) {
    auto value = read_scalar(item, row.key, key_mark);
    if (!value) return tl::unexpected(value.error());
    values.push_back(std::move(*value));
  }
  return values;
}

/// A file of another version may mean something else by the same key: so this is judged before all keys.
Checked check_header(const YAML::Node& root, const char* key, std::string_view wanted) {
  for (const auto& entry : root) {
    if (!entry.first.IsScalar() || entry.first.Scalar() != key) continue;
    const auto value = read_scalar(entry.second, key, entry.first.Mark());
    if (!value) return tl::unexpected(value.error());
    if (*value == wanted) return {};
    return trouble(entry.first.Mark(), fmt::format("{} is \"{}\"; this operator reads {}", key, *value, wanted));
  }
  return trouble(root.Mark(), fmt::format("{} is missing; it must be {}", key, wanted));
}

Checked read_entry(const YAML::Node& name, const YAML::Node& value, std::set<std::string>& seen, Settings& settings) {
  if (!name.IsScalar()) return trouble(name.Mark(), "a key must be a word");
  const auto& key = name.Scalar();
  if (!seen.insert(key).second) return trouble(name.Mark(), fmt::format("{} is there twice", key));
  if (key == "apiVersion" || key == "kind") return {};
  const auto rows = setting_rows();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const SettingRow& each) { return key == each.key; });
  if (key.empty() || row == rows.end()) {
    return trouble(name.Mark(), fmt::format("unknown key \"{}\"{}", key.substr(0, 64), suggest(key, known_keys())));
  }
  const auto values = read_values(value, *row, name.Mark());
  if (!values) return tl::unexpected(values.error());
  if (const auto problem = assign(*row, settings, *values)) {
    return trouble(value.Mark(), fmt::format("{}: {}", key, *problem));
  }
  return {};
}

class IgnoredEvents final : public YAML::EventHandler {
  using Mark = YAML::Mark;
  using Anchor = YAML::anchor_t;
  using Style = YAML::EmitterStyle::value;

  void OnDocumentStart(const Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const Mark&, Anchor) override {}
  void OnAlias(const Mark&, Anchor) override {}
  void OnScalar(const Mark&, const std::string&, Anchor, const std::string&) override {}
  void OnSequenceStart(const Mark&, const std::string&, Anchor, Style) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const Mark&, const std::string&, Anchor, Style) override {}
  void OnMapEnd() override {}
};

/// `YAML::LoadAll` would say it too, but yaml-cpp 0.7 finds documents without end in a text that begins with a comma.
bool has_second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  IgnoredEvents ignored;
  return parser.HandleNextDocument(ignored) && parser.HandleNextDocument(ignored);
}

Checked read_document(std::string_view text, Settings& settings) {
  if (text.size() > file_limit) return tl::unexpected(Trouble{0, "it is larger than 64 KiB"});
  const std::string copy(text);
  if (has_second_document(copy)) return tl::unexpected(Trouble{0, "it holds more than one YAML document"});
  const auto root = YAML::Load(copy);
  if (!root.IsMap()) return trouble(root.Mark(), "it must be a mapping of settings");
  if (auto header = check_header(root, "apiVersion", api_version); !header) return header;
  if (auto header = check_header(root, "kind", kind); !header) return header;
  std::set<std::string> seen;
  for (const auto& entry : root) {
    if (auto read = read_entry(entry.first, entry.second, seen, settings); !read) return read;
  }
  return {};
}

}  // namespace

base::Result<Settings> read_config(std::string_view text, std::string_view name, Settings settings) {
  const auto refuse = [&](int line, std::string_view what) {
    return base::fail(base::ErrorCode::invalid, fmt::format("read the configuration file {}", name),
                      line > 0 ? fmt::format("line {}: {}", line, what) : std::string(what));
  };
  try {
    const auto read = read_document(text, settings);
    if (!read) return refuse(read.error().line, read.error().text);
    return settings;
  } catch (const YAML::Exception& exception) {
    return refuse(exception.mark.is_null() ? 0 : exception.mark.line + 1, "this is not YAML: " + exception.msg);
  }
}

}  // namespace shell
