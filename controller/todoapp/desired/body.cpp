#include "todoapp/desired/body.hpp"

#include <utility>

#include "base/hash.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp::desired {
namespace {

JsonText owner_of(const App& app) {
  const auto& owner = app_resource();
  return ListText{}
      .json(ObjectText{}
                .text("apiVersion", owner.api_version())
                .flag("blockOwnerDeletion", true)
                .flag("controller", true)
                .text("kind", owner.kind)
                .text("name", app.name)
                .text("uid", app.uid)
                .str())
      .str();
}

/// The whole text; without the mark where `hash` is empty.
JsonText text_of(const App& app, const Body& body, const std::string& hash) {
  const auto& resource = resource_of(body.kind);
  auto annotations = body.annotations;
  if (!hash.empty()) annotations[marked(mark::applied)] = hash;
  const auto metadata = ObjectText{}
                            .map("annotations", annotations)
                            .map("labels", body.labels)
                            .text("name", body.name)
                            .text("namespace", app.namespace_)
                            .json("ownerReferences", owner_of(app))
                            .str();
  return ObjectText{}
      .text("apiVersion", resource.api_version())
      .json("data", body.data)
      .json("immutable", body.immutable ? "true" : "")
      .text("kind", resource.kind)
      .json("metadata", metadata)
      .json("spec", body.spec)
      .text("type", body.type)
      .str();
}

}  // namespace

std::string short_hash_of(const std::string& text) { return base::short_hash(base::sha256_hex(text)); }

Intent finish(const App& app, const Body& body) {
  auto hash = short_hash_of(text_of(app, body, ""));
  return {.kind = body.kind, .name = body.name, .body = text_of(app, body, hash), .hash = std::move(hash)};
}

Intent finish_with_secret(const App& app, Body body, JsonText data) {
  auto hash = short_hash_of(text_of(app, body, ""));
  body.data = std::move(data);
  return {.kind = body.kind, .name = body.name, .body = text_of(app, body, hash), .hash = std::move(hash)};
}

}  // namespace todoapp::desired
