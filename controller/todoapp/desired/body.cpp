#include "todoapp/desired/body.hpp"

#include <utility>

#include "base/hash.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/names.hpp"

namespace todoapp::desired {
namespace {

/// Everything but the annotations, which come between: the mark among them is made from all the rest.
struct Frame {
  std::string before;  ///< ends in `"metadata":{`
  std::string after;
};

Frame frame_of(const App& app, const Body& body) {
  const auto& resource = resource_of(body.kind);
  auto before = ObjectText{}
                    .text("apiVersion", resource.api_version())
                    .json("data", body.data)
                    .json("immutable", body.immutable ? "true" : "")
                    .text("kind", resource.kind)
                    .json("metadata", "{")
                    .str();
  before.pop_back();
  auto after = ObjectText{}
                   .map("labels", body.labels)
                   .text("name", body.name)
                   .text("namespace", app.namespace_)
                   .json("ownerReferences", owner_references(app))
                   .str();
  auto rest = ObjectText{}.json("spec", body.spec).text("type", body.type).str();
  rest.front() = ',';
  after += rest.size() > 2 ? rest : "}";
  return {std::move(before), std::move(after)};
}

JsonText text_of(const Frame& frame, const StringMap& annotations) {
  JsonText text;
  text.reserve(frame.before.size() + frame.after.size() + 512);
  text = frame.before;
  if (!annotations.empty()) text.append("\"annotations\":").append(desired::text_of(annotations)).append(",");
  text.append(frame.after, 1);
  return text;
}

Intent finish(const Body& body, const Frame& shown, const Frame& hashed) {
  auto hash = short_hash_of(text_of(hashed, body.annotations));
  auto annotations = body.annotations;
  annotations[marked(mark::applied)] = hash;
  return {.kind = body.kind, .name = body.name, .body = text_of(shown, annotations), .hash = std::move(hash)};
}

}  // namespace

JsonText owner_references(const App& app) {
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

std::string short_hash_of(const std::string& text) { return base::short_hash(base::sha256_hex(text)); }

Intent finish(const App& app, const Body& body) {
  const auto frame = frame_of(app, body);
  return finish(body, frame, frame);
}

Intent finish_with_secret(const App& app, Body body, JsonText data) {
  const auto hashed = frame_of(app, body);
  body.data = std::move(data);
  return finish(body, frame_of(app, body), hashed);
}

}  // namespace todoapp::desired
