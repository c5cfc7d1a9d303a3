// What an API server sends of the kinds that the operator watches: objects, watch events and pages of lists, each with
// the prunings of operator/caches.cpp.
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.hpp"
#include "kube/model/decode.hpp"

namespace {

void check(const kube::Object& object) {
  fuzz::require(!object.name.empty() && !object.uid.empty(), "what is decoded has a name and a uid");
  for (const auto& part : {object.body, object.status}) {
    // Empty is the body of an app that has no spec.
    fuzz::require(!part || part->empty() || nlohmann::json::accept(*part), "what is kept as text is JSON");
  }
}

void decode(kube::Decoder& decoder, std::string_view text, const kube::Resource& resource,
            const kube::Pruning& pruning) {
  if (const auto object = decoder.object(text, resource, pruning)) {
    check(*object);
    fuzz::require(object == kube::decode_object(text, resource, pruning), "a decoder remembers nothing");
  }
  if (const auto event = decoder.event(text, resource, pruning)) {
    using Type = kube::WatchEventType;
    const auto type = event->type;
    if (type == Type::added || type == Type::modified || type == Type::deleted) check(event->object);
    fuzz::require(type == Type::error || !event->resource_version.empty(), "an event says how far the stream has come");
  }
  if (const auto page = decoder.page(text, resource, pruning)) {
    for (const auto& object : page->objects) check(object);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  kube::Decoder decoder;
  const kube::Pruning child{.prefix = "apps.todoapp.dev/", .keep_body = true};
  const kube::Pruning secret{.prefix = "apps.todoapp.dev/", .keep_body = true, .controlled_body = true};
  const kube::Pruning record{.prefix = "apps.todoapp.dev/"};
  const kube::Pruning app{.prefix = "apps.todoapp.dev/",
                          .also = {{"kubernetes.io/change-cause", "change-cause"}},
                          .keep_body = true,
                          .keep_status = true,
                          .body_is_spec = true};
  decode(decoder, text, kube::resources::deployments(), child);
  decode(decoder, text, kube::resources::secrets(), secret);
  decode(decoder, text, kube::resources::jobs(), record);
  decode(decoder, text, {"apps.todoapp.dev", "v1alpha1", "todoappdeployments", "TodoAppDeployment"}, app);
  return 0;
}
