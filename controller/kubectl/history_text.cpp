#include "kubectl/history_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kubectl/diff_text.hpp"
#include "kubectl/status_text.hpp"
#include "kubectl/text.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

constexpr std::size_t narrow_cause = 48;

std::string outcome_words(const std::string& outcome, const std::string& reason) {
  if (outcome.empty()) return "under way";
  return plain(reason.empty() || reason == outcome ? outcome : fmt::format("{} ({})", outcome, reason));
}

std::string flags_of(const AppView& app, const RevisionView& revision) {
  auto flags = marks_of(app, revision.number);
  const auto more = revision.restorable         ? std::string("restorable")
                    : revision.obstacle.empty() ? std::string("not restorable")
                                                : "not restorable: " + plain(revision.obstacle);
  return flags.empty() ? more : flags + ", " + more;
}

class Lines {
 public:
  void add(std::size_t depth, std::string_view key, const std::string& value) {
    if (!value.empty()) text_ += fmt::format("{:<{}}{:<{}}  {}\n", "", depth * 2, key, 18 - depth * 2, plain(value));
  }
  void head(std::string_view title) { text_ += fmt::format("  {}\n", title); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// One variable: its value where it stands in the open, else where it comes from.
std::string variable_text(const Json& variable) {
  const auto name = variable.value("name", "");
  const auto from = variable.find("valueFrom");
  if (from == variable.end()) return fmt::format("{}={}", name, variable.value("value", ""));
  if (const auto secret = from->find("secretKeyRef"); secret != from->end()) {
    return fmt::format("{} from Secret {}, key {}", name, secret->value("name", ""), secret->value("key", ""));
  }
  return fmt::format("{} from {}", name, from->empty() ? std::string("elsewhere") : from->begin().key());
}

void add_tier(Lines& lines, const todoapp::TierContent& tier, todoapp::Tier which) {
  lines.head(todoapp::to_string(which));
  const auto pod = Json::parse(tier.pod_template).at("spec");
  const auto& container = pod.at("containers").at(0);
  lines.add(2, "image", container.value("image", ""));
  for (const auto& port : container.value("ports", Json::array())) {
    lines.add(2, "port", std::to_string(port.value("containerPort", 0)));
  }
  for (const auto& [key, value] : tier.config) lines.add(2, "config", fmt::format("{}={}", key, value));
  for (const auto& variable : container.value("env", Json::array())) lines.add(2, "env", variable_text(variable));
  lines.add(2, "sealed secrets", tier.secrets_name);
  lines.add(2, "pod template", tier.template_hash);
}

void add_migration(Lines& lines, const todoapp::MigrationContent& migration) {
  lines.head("migration");
  lines.add(2, "schema", std::to_string(migration.schema_version));
  lines.add(2, "compatible from", std::to_string(migration.compatible_from));
}

/// What a content says, as one value; of sealed Secrets the names.
Json value_of(const todoapp::Content& content) {
  auto value = Json::object();
  for (const auto tier : todoapp::all_tiers) {
    const auto& part = content.tier(tier);
    auto& mine = value[std::string(todoapp::to_string(tier))];
    mine = Json::parse(part.pod_template);
    mine["config"] = part.config;
    if (!part.secrets_name.empty()) mine["sealedSecrets"] = part.secrets_name;
  }
  if (content.migration) {
    value["migration"] = Json::parse(content.migration->job_template);
    value["migration"]["schemaVersion"] = content.migration->schema_version;
    value["migration"]["compatibleFrom"] = content.migration->compatible_from;
  }
  return value;
}

}  // namespace

std::string history_table(const AppView& app, bool wide) {
  std::vector<std::vector<std::string>> rows{{"REVISION", "OUTCOME", "CREATED", "CAUSE", "FLAGS"}};
  for (const auto& revision : app.revisions) {
    const auto cause = plain(revision.cause);
    rows.push_back({std::to_string(revision.number), outcome_words(revision.outcome, revision.reason),
                    plain(revision.created), wide ? cause : fitted(cause, narrow_cause), flags_of(app, revision)});
  }
  return table(rows);
}

todoapp::JsonText history_json(const AppView& app) {
  auto list = Json::array();
  for (const auto& revision : app.revisions) {
    Json entry{{"number", revision.number},
               {"createdAt", revision.created},
               {"cause", revision.cause},
               {"outcome", revision.outcome},
               {"reason", revision.reason},
               {"restorable", revision.restorable},
               {"active", revision.number == app.active},
               {"target", revision.number == app.target},
               {"lastGood", revision.number == app.last_good}};
    if (revision.rollback_of > 0) entry["rollbackOf"] = revision.rollback_of;
    if (!revision.obstacle.empty()) entry["notRestorableReason"] = revision.obstacle;
    list.push_back(std::move(entry));
  }
  return Json{{"app", app.name}, {"namespace", app.namespace_}, {"revisions", std::move(list)}}.dump();
}

std::string no_such_revision(const AppView& app, std::int64_t number) {
  std::string there;
  for (const auto& revision : app.revisions) there += fmt::format("{}{}", there.empty() ? "" : ", ", revision.number);
  if (there.empty()) return fmt::format("revision {} is not in the history, which is empty", number);
  return fmt::format("revision {} is not in the history; there are {}", number, there);
}

std::string revision_text(const AppView& app, const todoapp::Revision& record, const todoapp::Content& content) {
  Lines lines;
  lines.add(1, "outcome", outcome_words(std::string(todoapp::to_string(record.outcome)), record.reason));
  lines.add(1, "recorded", base::format_time(record.created));
  lines.add(1, "cause", record.cause);
  if (record.rollback_of) lines.add(1, "rollback of", std::to_string(*record.rollback_of));
  lines.add(1, "content", record.content_hash);
  if (const auto* shown = app.find(record.number)) lines.add(1, "flags", flags_of(app, *shown));
  for (const auto tier : todoapp::all_tiers) add_tier(lines, content.tier(tier), tier);
  if (content.migration) add_migration(lines, *content.migration);
  return fmt::format("Revision {} of {} in namespace {}\n", record.number, app.name, app.namespace_) + lines.take();
}

std::string difference_text(std::int64_t number, const todoapp::Content& before, const todoapp::Content& content,
                            const Style& style) {
  const auto from = value_of(before).dump();
  const auto fields = differences(from, from, value_of(content).dump());
  if (fields.empty()) return fmt::format("The same as revision {}\n", number);
  auto text = fmt::format("Otherwise than revision {}\n", number);
  for (const auto& field : fields) text += field_text(field, style);
  return text;
}

}  // namespace kubectl
