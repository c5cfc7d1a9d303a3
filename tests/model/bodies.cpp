#include "model/bodies.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/hash.hpp"
#include "kube/model/canonical_json.hpp"
#include "support/observations.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/names.hpp"

namespace todoapp::model {
namespace {

using Json = nlohmann::json;

/// Stands in the texts of objects that somebody else changed; no intent has it.
constexpr const char* foreign_label = "app.kubernetes.io/part-of";

Body read(std::uint8_t slot, Kind kind, const JsonText& text) {
  const auto json = Json::parse(text);
  Body body;
  body.slot = slot;
  body.text = text;
  auto whole = json;
  whole["metadata"]["uid"] = whole["metadata"]["resourceVersion"] = "0";  // a state knows these
  body.shown = test::cached(kind, std::move(whole));
  auto spec = json;
  for (const auto* member : {"metadata", "apiVersion", "kind"}) spec.erase(member);
  body.spec = kube::canonical(spec);
  if (kind == Kind::deployment) {
    const auto& pods = json["spec"]["template"];
    body.pods = kube::canonical(pods);
    const auto annotations = pods["metadata"].value("annotations", StringMap{});
    const auto labels = pods["metadata"].value("labels", StringMap{});
    const auto value = [](const StringMap& map, std::string_view name) {
      const auto at = map.find(marked(name));
      return at == map.end() ? std::string{} : at->second;
    };
    body.template_hash = value(labels, mark::template_);
    body.overlay_attempt = value(labels, mark::attempt);
    body.overlay_restart = value(annotations, mark::restart);
    body.overlay_secrets = value(annotations, mark::live_secrets);
    body.pod_labels.assign(labels.begin(), labels.end());
  } else if (kind == Kind::controller_revision) {
    body.record = read_revision(body.shown);
    body.content = std::make_shared<const Content>(decode_content(text).value());
  } else if (kind == Kind::secret) {
    for (const auto& [name, value] : json.value("data", StringMap{})) {
      body.values[name] = base::base64_decode(value).value();
    }
  }
  return body;
}

}  // namespace

BodyId Bodies::of(Kind kind, const std::string& name, const JsonText& text, bool tampered) {
  const auto slot = slot_of(kind, name);
  const auto [at, fresh] = by_text_.try_emplace({slot, text}, static_cast<BodyId>(bodies_.size()));
  if (fresh) {
    if (bodies_.size() >= 0xFFFF) throw std::length_error("more objects than a state can tell apart");
    bodies_.push_back(read(slot, kind, text));
    bodies_.back().tampered = tampered;
  }
  return at->second;
}

BodyId Bodies::marked(BodyId id, const StringMap& marks) {
  const auto [at, fresh] = edited_.try_emplace({id, kube::canonical(Json(marks))}, id);
  if (!fresh) return at->second;
  auto json = Json::parse(bodies_[id].text);
  for (const auto& [name, value] : marks) json["metadata"]["annotations"][todoapp::marked(name)] = value;
  return at->second = of(slots_[bodies_[id].slot].kind, slots_[bodies_[id].slot].name, kube::canonical(json));
}

BodyId Bodies::tampered(BodyId id) {
  const auto [at, fresh] = edited_.try_emplace({id, "tampered"}, id);
  if (!fresh) return at->second;
  auto json = Json::parse(bodies_[id].text);
  json["metadata"]["labels"][foreign_label] = "something-else";
  if (json.contains("/spec/selector/app.kubernetes.io~1name"_json_pointer))
    json["spec"]["selector"] = {{"app", "other"}};
  return at->second = of(slots_[bodies_[id].slot].kind, slots_[bodies_[id].slot].name, kube::canonical(json), true);
}

std::uint8_t Bodies::slot_of(Kind kind, const std::string& name) {
  const Slot slot{kind, name};
  const auto [at, fresh] = by_name_.try_emplace(slot, static_cast<std::uint8_t>(slots_.size()));
  if (fresh) {
    if (slots_.size() >= 0xFF) throw std::length_error("more names than a state can tell apart");
    slots_.push_back(slot);
  }
  return at->second;
}

std::uint8_t Bodies::content_number(const std::string& hash) {
  const auto [at, fresh] = contents_.try_emplace(hash, static_cast<std::uint8_t>(contents_.size()));
  if (contents_.size() > most_contents) throw std::length_error("more contents than a state can tell apart");
  return at->second;
}

const Thing* find(const Things& things, std::uint8_t slot) {
  const auto at = std::find_if(things.begin(), things.end(), [&](const Thing& thing) { return thing.slot == slot; });
  return at == things.end() ? nullptr : &*at;
}

Thing* find(Things& things, std::uint8_t slot) { return const_cast<Thing*>(find(std::as_const(things), slot)); }

void put(Things& things, const Thing& thing) {
  const auto at =
      std::find_if(things.begin(), things.end(), [&](const Thing& other) { return other.slot >= thing.slot; });
  if (at != things.end() && at->slot == thing.slot) {
    *at = thing;
  } else {
    things.insert(at, thing);
  }
}

void erase(Things& things, std::uint8_t slot) {
  std::erase_if(things, [&](const Thing& thing) { return thing.slot == slot; });
}

}  // namespace todoapp::model
