#include "todoapp/revision.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hash.hpp"
#include "kube/model/canonical_json.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/desired/body.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using Json = nlohmann::json;
using desired::ObjectText;

constexpr std::string_view mark_parts = "parts";
constexpr std::string_view mark_uses = "uses";
constexpr std::string_view mark_templates = "templates";
constexpr std::string_view mark_needs = "needs-schema";
constexpr std::string_view mark_generation = "generation";
constexpr std::size_t most_cause_bytes = 256;

std::int64_t number_of(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::pair<std::string, std::string> split_at(std::string_view text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

/// Records are kept in memory, all of them: long values stand in for themselves by a digest.
constexpr std::size_t longest_shown = 32;

std::string shown(std::string_view value) {
  if (value.size() <= longest_shown && !value.starts_with('#')) return std::string(value);
  return "#" + base::sha256_hex(value).substr(0, 6);
}

/// Adds one part; what is empty is left out, so that a field which a later version adds changes no old content's hash.
void part(Parts& parts, std::string path, std::string_view value) {
  if (!value.empty() && value != "{}" && value != "[]") parts.emplace(std::move(path), value);
}

/// Each entry, also one with an empty value: a variable that is empty is not one that is unset.
void map_parts(Parts& parts, const std::string& path, const StringMap& values) {
  for (const auto& [key, value] : values) parts.emplace(path + "." + key, value);
}

std::string joined(const std::vector<std::string>& words) { return desired::text_of(words); }

std::string probe_text(const Probe& probe) {
  if (probe.disabled) return "off";
  return fmt::format("{} {} {} {} {}", probe.path, probe.period_seconds, probe.timeout_seconds, probe.failure_threshold,
                     probe.initial_delay_seconds);
}

/// A later variable may refer to an earlier one, so their order is content; of a single one there is none.
void order_part(Parts& parts, std::string path, const std::vector<std::string>& names) {
  if (names.size() > 1) part(parts, std::move(path), joined(names));
}

void env_parts(Parts& parts, const std::string& path, const JsonText& env) {
  if (env.empty()) return;
  std::vector<std::string> names;
  for (const auto& variable : Json::parse(env)) {
    names.push_back(variable.value("name", ""));
    part(parts, path + "." + names.back(), kube::canonical(variable));
  }
  order_part(parts, path + "Order", names);
}

void secret_parts(Parts& parts, const App& app, Tier tier, const SealedSecrets& sealed) {
  const std::string name(to_string(tier));
  part(parts, name + ".sealedSecrets", sealed.of(tier));
  std::vector<std::string> live;
  for (const auto& variable : app.spec.secrets) {
    if (!variable.used_by(tier)) continue;
    part(parts, "secrets." + variable.name + "." + name,
         variable.sealed() ? "sealed" : fmt::format("{}/{}", variable.source_name, variable.source_key));
    if (!variable.sealed()) live.push_back(variable.name);
  }
  order_part(parts, name + ".secretsOrder", live);
}

/// Everything about a tier that its pods are made from: a part each, whole values.
void tier_parts(Parts& parts, const App& app, Tier tier, const SealedSecrets& sealed) {
  const auto& spec = app.spec.tier(tier);
  const std::string name(to_string(tier));
  StringMap config = app.spec.config;
  for (const auto& [key, value] : spec.config) config[key] = value;
  part(parts, name + ".image", spec.image);
  part(parts, name + ".imagePullPolicy", spec.image_pull_policy);
  part(parts, name + ".imagePullSecrets", joined(spec.image_pull_secrets));
  part(parts, name + ".port", std::to_string(spec.port));
  map_parts(parts, name + ".config", config);
  env_parts(parts, name + ".env", spec.env);
  part(parts, name + ".resources", spec.resources);
  part(parts, name + ".probes.liveness", probe_text(spec.probes.liveness));
  part(parts, name + ".probes.readiness", probe_text(spec.probes.readiness));
  part(parts, name + ".probes.startup", probe_text(spec.probes.startup));
  part(parts, name + ".terminationGracePeriodSeconds", std::to_string(spec.termination_grace_period_seconds));
  part(parts, name + ".preStopSeconds", std::to_string(spec.pre_stop_seconds));
  map_parts(parts, name + ".nodeSelector", spec.node_selector);
  part(parts, name + ".tolerations", spec.tolerations);
  part(parts, name + ".affinity", spec.affinity);
  part(parts, name + ".topologySpreadConstraints", spec.topology_spread_constraints);
  part(parts, name + ".priorityClassName", spec.priority_class_name);
  part(parts, name + ".serviceAccountName", spec.service_account_name);
  map_parts(parts, name + ".podLabels", spec.pod_labels);
  map_parts(parts, name + ".podAnnotations", spec.pod_annotations);
  part(parts, name + ".volumes", spec.volumes);
  part(parts, name + ".volumeMounts", spec.volume_mounts);
  part(parts, name + ".securityContext.pod", spec.pod_security_context);
  part(parts, name + ".securityContext.container", spec.container_security_context);
  secret_parts(parts, app, tier, sealed);
}

void migration_parts(Parts& parts, const Migration& migration) {
  part(parts, "backend.migration.command", joined(migration.command));
  part(parts, "backend.migration.args", joined(migration.args));
  part(parts, "backend.migration.schemaVersion", std::to_string(migration.schema_version));
  part(parts, "backend.migration.compatibleFrom", std::to_string(migration.compatible_from));
  part(parts, "backend.migration.limits",
       fmt::format("{} {}", migration.backoff_limit, migration.active_deadline_seconds));
  env_parts(parts, "backend.migration.env", migration.env);
}

bool is_image(std::string_view path) { return path == "frontend.image" || path == "backend.image"; }
/// "backend.envOrder", and not the variable of a user who called it so.
bool is_order(std::string_view path) { return path.ends_with("Order") && path.find('.') == path.rfind('.'); }

/// "localhost/todo-backend:1.4.0" -> {"localhost/todo-backend", "1.4.0"}; a colon before a slash belongs to a host.
std::pair<std::string_view, std::string_view> split_image(std::string_view image) {
  const auto at = image.rfind(':');
  if (at == std::string_view::npos || image.find('/', at) != std::string_view::npos) return {image, {}};
  return {image.substr(0, at), image.substr(at + 1)};
}

std::string image_change(std::string_view tier, std::string_view from, std::string_view to) {
  const auto [old_name, old_tag] = split_image(from);
  const auto [new_name, new_tag] = split_image(to);
  if (old_name == new_name && !old_tag.empty() && !new_tag.empty()) {
    return fmt::format("{} image {} to {}", tier, old_tag, new_tag);
  }
  return fmt::format("{} image {} to {}", tier, from, to);
}

/// What a changed part is called: "config LOG_LEVEL" for both tiers at once, "backend resources".
std::string part_words(std::string_view path) {
  const auto [head, rest] = split_at(path, '.');
  if (head == "secrets") return "secret " + split_at(rest, '.').first;
  const auto [field, key] = split_at(rest, '.');
  if (is_order(path)) return fmt::format("{} order of {}", head, field.substr(0, field.size() - 5));
  if (field == "config") return "config " + key;
  if (field == "sealedSecrets") return "secret values";
  return key.empty() || field == "probes" || field == "securityContext" || field == "migration"
             ? fmt::format("{} {}", head, field)
             : fmt::format("{} {} {}", head, field, key);
}

std::string used_names(const Content& content) {
  std::string names;
  for (const auto tier : all_tiers) {
    for (const auto* name : {&content.tier(tier).config_name, &content.tier(tier).secrets_name}) {
      if (name->empty()) continue;
      if (!names.empty()) names += ',';
      names += *name;
    }
  }
  return names;
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto at = text.find(',');
    names.emplace_back(text.substr(0, at));
    text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  }
  return names;
}

Outcome outcome_from(std::string_view text) {
  for (const auto outcome : {Outcome::succeeded, Outcome::failed, Outcome::superseded}) {
    if (text == to_string(outcome)) return outcome;
  }
  return Outcome::none;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::none:
      return "";
    case Outcome::succeeded:
      return "Succeeded";
    case Outcome::failed:
      return "Failed";
    case Outcome::superseded:
      return "Superseded";
  }
  return "";
}

std::optional<Revision> read_revision(const kube::Object& object) {
  const auto text = [&](std::string_view key) -> std::string {
    const auto* value = kube::find(object.annotations, key);
    return value == nullptr ? std::string{} : *value;
  };
  const auto at = object.name.rfind("-rev-");
  const auto number = at == std::string::npos ? 0 : number_of(std::string_view(object.name).substr(at + 5));
  if (number <= 0 || text(mark::content).empty()) return std::nullopt;
  Revision revision;
  revision.number = number;
  revision.name = object.name;
  revision.uid = object.uid;
  revision.version = object.resource_version;
  revision.created = object.created;
  revision.content_hash = text(mark::content);
  revision.renderer = static_cast<std::int32_t>(number_of(text(mark::renderer)));
  std::tie(revision.frontend_template, revision.backend_template) = split_at(text(mark_templates), ',');
  revision.uses = split_names(text(mark_uses));
  revision.parts = text(mark_parts);
  revision.outcome = outcome_from(text(mark::outcome));
  revision.reason = text(mark::reason);
  revision.cause = text(mark::cause);
  if (const auto of = number_of(text(mark::rollback_of)); of > 0) revision.rollback_of = of;
  revision.retry = text(mark::retry);
  revision.failure = text(mark::failure);
  const auto [needs, from] = split_at(text(mark_needs), ',');
  revision.schema_version = static_cast<std::int32_t>(number_of(needs));
  revision.compatible_from = static_cast<std::int32_t>(number_of(from));
  revision.generation = number_of(text(mark_generation));
  revision.schema_reached = static_cast<std::int32_t>(number_of(text(mark::schema)));
  return revision;
}

Parts read_parts(const JsonText& text) {
  thread_local simdjson::dom::parser parser;  // for its buffers; each call begins anew
  Parts parts;
  simdjson::dom::object members;
  if (parser.parse(text.data(), text.size()).get(members)) return parts;
  for (const auto member : members) {
    std::string_view value;
    if (!member.value.get(value)) parts.emplace(member.key, value);
  }
  return parts;
}

std::string part_of(const JsonText& parts, std::string_view path) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view value;
  if (parser.parse(parts.data(), parts.size()).get(root) || root.at_key(path).get(value)) return {};
  return std::string(value);
}

Wanted want(const App& app, const SealedSecrets& sealed) {
  Wanted wanted;
  Parts whole;
  for (const auto tier : all_tiers) tier_parts(whole, app, tier, sealed);
  // The frontend is told the backend's address, so a changed Service port is a changed content.
  part(whole, "frontend.backendPort", std::to_string(app.spec.backend.service.port));
  if (app.spec.backend.migration) migration_parts(whole, *app.spec.backend.migration);
  wanted.hash = base::sha256_hex(desired::text_of(whole)).substr(0, 16);
  for (const auto& [path, value] : whole) wanted.parts.emplace(path, is_image(path) ? value : shown(value));
  wanted.content = render_content(app, sealed);
  return wanted;
}

std::string cause_of(const Parts* before, const Parts& now) {
  if (before == nullptr) return "first install";
  std::vector<std::string> words;
  std::set<std::string> said;
  const auto say = [&](std::string text) {
    if (said.insert(text).second) words.push_back(std::move(text));
  };
  std::string reordered;  // worth a word only where nothing else changed
  // Images first: they matter most, and a long text is cut at its end.
  const auto by_weight = [](const std::string& a, const std::string& b) {
    return std::pair{!is_image(a), a} < std::pair{!is_image(b), b};
  };
  std::set<std::string, decltype(by_weight)> paths(by_weight);
  for (const auto& [path, value] : *before) paths.insert(path);
  for (const auto& [path, value] : now) paths.insert(path);
  for (const auto& path : paths) {
    const auto old_at = before->find(path);
    const auto new_at = now.find(path);
    if (old_at != before->end() && new_at != now.end() && old_at->second == new_at->second) continue;
    const bool both = old_at != before->end() && new_at != now.end();
    if (is_order(path)) {
      reordered = part_words(path);
      continue;
    }
    say(both && is_image(path) ? image_change(split_at(path, '.').first, old_at->second, new_at->second)
                               : part_words(path));
  }
  if (words.empty() && !reordered.empty()) words.push_back(std::move(reordered));
  std::string cause;
  for (const auto& word : words) {
    const auto piece = cause.empty() ? word : "; " + word;
    if (cause.size() + piece.size() > most_cause_bytes - 8) return cause + "; ...";
    cause += piece;
  }
  return cause.empty() ? "no visible change" : cause;
}

JsonText revision_body(const App& app, const Wanted& wanted, const Origin& origin) {
  const auto& content = wanted.content;
  StringMap marks{{marked(mark::content), wanted.hash},
                  {marked(mark::renderer), std::to_string(content.renderer_version)},
                  {marked(mark::cause), origin.cause},
                  {marked(mark_templates), content.frontend.template_hash + "," + content.backend.template_hash},
                  {marked(mark_generation), std::to_string(app.generation)},
                  {marked(mark_parts), desired::text_of(wanted.parts)}};
  if (auto uses = used_names(content); !uses.empty()) marks[marked(mark_uses)] = std::move(uses);
  if (origin.rollback_of) marks[marked(mark::rollback_of)] = std::to_string(*origin.rollback_of);
  if (!origin.retry.empty()) marks[marked(mark::retry)] = origin.retry;
  if (const auto& migration = content.migration) {
    marks[marked(mark_needs)] = fmt::format("{},{}", migration->schema_version, migration->compatible_from);
  }
  const auto metadata = ObjectText{}
                            .map("annotations", marks)
                            .map("labels", object_labels(app.name, nullptr))
                            .text("name", revision_name(app.name, origin.number))
                            .text("namespace", app.namespace_)
                            .json("ownerReferences", desired::owner_references(app))
                            .str();
  return ObjectText{}
      .text("apiVersion", "apps/v1")
      .json("data", content_text(content))
      .text("kind", "ControllerRevision")
      .json("metadata", metadata)
      .number("revision", origin.number)
      .str();
}

}  // namespace todoapp
