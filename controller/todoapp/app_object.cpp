#include "todoapp/app_object.hpp"

#include <string_view>
#include <utility>

#include "todoapp/codec.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

constexpr std::string_view change_cause = "change-cause";

std::string annotation(const kube::Object& object, std::string_view key) {
  const auto* value = kube::find(object.annotations, key);
  return value == nullptr ? std::string{} : *value;
}

}  // namespace

kube::Pruning app_metadata_pruning() {
  return {.prefix = std::string(prefix), .also = {{"kubernetes.io/change-cause", std::string(change_cause)}}};
}

App app_of(const kube::Object& object, std::string& spec_error) {
  App app;
  app.name = object.name;
  app.namespace_ = object.namespace_;
  app.uid = object.uid;
  app.resource_version = object.resource_version;
  app.generation = object.generation;
  app.deleting = object.deleting;
  app.requests = {.retry = annotation(object, "retry"),
                  .approve = annotation(object, "approve"),
                  .restart = annotation(object, "restart"),
                  .rotate = annotation(object, "rotate"),
                  .change_cause = annotation(object, change_cause)};
  auto spec = decode_spec(object.body == nullptr ? std::string_view{"{}"} : std::string_view{*object.body});
  if (spec) {
    app.spec = *std::move(spec);
  } else {
    spec_error = base::to_string(spec.error());
  }
  return app;
}

}  // namespace todoapp
