#include "todoapp/desired/json_parts.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.hpp"
#include "kube/model/canonical_json.hpp"
#include "todoapp/names.hpp"

namespace todoapp::desired {
namespace {

std::string hash_of(const std::string& text) { return base::short_hash(base::sha256_hex(text)); }

/// Puts the hash into the annotation, which stands in the text as yet empty. Rendering the body again instead would
/// cost as much as all the rest. In JSON text a quote inside a value is escaped, so only the annotation itself looks
/// so; and `metadata` comes before whatever else could hold a map with such a key.
void write_mark(std::string& text, std::string_view hash) {
  static const auto empty_mark = "\"" + marked(mark::applied) + "\":\"";
  text.insert(text.find(empty_mark) + empty_mark.size(), hash);
}

}  // namespace

Json parsed(const JsonText& text) { return text.empty() ? Json{} : Json::parse(text); }

void set(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

void set(Json& object, const char* key, const StringMap& map) {
  if (!map.empty()) object[key] = map;
}

void set(Json& object, const char* key, Json value) {
  if (!value.empty()) object[key] = std::move(value);
}

void set_parsed(Json& object, const char* key, const JsonText& text) {
  if (!text.empty()) object[key] = Json::parse(text);
}

Json body_of(const App& app, Kind kind, const std::string& name, const Tier* tier) {
  const auto& resource = resource_of(kind);
  const auto& owner = app_resource();
  Json metadata = Json::object();
  metadata["name"] = name;
  metadata["namespace"] = app.namespace_;
  metadata["labels"] = object_labels(app.name, tier);
  metadata["annotations"] = Json::object({{marked(mark::applied), ""}});
  metadata["ownerReferences"] = Json::array({Json::object({{"apiVersion", owner.api_version()},
                                                           {"kind", owner.kind},
                                                           {"name", app.name},
                                                           {"uid", app.uid},
                                                           {"controller", true},
                                                           {"blockOwnerDeletion", true}})});
  Json body = Json::object();
  body["apiVersion"] = resource.api_version();
  body["kind"] = resource.kind;
  body["metadata"] = std::move(metadata);
  return body;
}

Json& annotations_of(Json& body) { return body["metadata"]["annotations"]; }

Intent finish(Kind kind, Json body) {
  Intent intent{.kind = kind, .name = body["metadata"]["name"], .body = kube::canonical(body), .hash = {}};
  intent.hash = hash_of(intent.body);
  write_mark(intent.body, intent.hash);
  return intent;
}

Intent finish_with_secret(Json body, Json data) {
  Intent intent{.kind = Kind::secret, .name = body["metadata"]["name"], .body = {}, .hash = {}};
  intent.hash = hash_of(kube::canonical(body));
  body["data"] = std::move(data);
  annotations_of(body)[marked(mark::applied)] = intent.hash;
  intent.body = kube::canonical(body);
  return intent;
}

}  // namespace todoapp::desired
