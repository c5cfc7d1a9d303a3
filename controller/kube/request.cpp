#include "kube/request.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace kube {
namespace {

constexpr std::string_view metadata_of_one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr std::string_view metadata_of_list = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xFU];
  }
}

/// A target as it grows: path segments first, then query parameters.
class Target {
 public:
  explicit Target(const Resource& resource, std::string_view namespace_) {
    text_ += resource.group.empty() ? "/api" : "/apis";
    if (!resource.group.empty()) segment(resource.group);
    segment(resource.version);
    if (resource.namespaced && !namespace_.empty()) {
      segment("namespaces");
      segment(namespace_);
    }
    segment(resource.plural);
  }

  Target& segment(std::string_view text) {
    text_ += '/';
    append_encoded(text_, text);
    return *this;
  }

  Target& parameter(std::string_view name, std::string_view value) {
    text_ += std::exchange(separator_, '&');
    text_ += name;
    text_ += '=';
    append_encoded(text_, value);
    return *this;
  }

  Target& parameter_if_set(std::string_view name, std::string_view value) {
    return value.empty() ? *this : parameter(name, value);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  char separator_{'?'};
};

Target object_target(const Resource& resource, const ObjectKey& key, std::string_view subresource) {
  Target target(resource, key.namespace_);
  target.segment(key.name);
  if (!subresource.empty()) target.segment(subresource);
  return target;
}

void add_write_parameters(Target& target, const WriteOptions& options) {
  if (options.dry_run) target.parameter("dryRun", "All");
  target.parameter("fieldManager", options.manager);
}

std::string accept_text(Accept accept, std::string_view metadata) {
  return accept == Accept::object ? "application/json" : std::string(metadata);
}

Request make_write(Method method, Target target, std::string_view content_type, std::string body,
                   const WriteOptions& options) {
  Request request;
  request.method = method;
  request.target = target.take();
  request.content_type = content_type;
  request.accept = accept_text(options.accept, metadata_of_one);
  request.body = std::move(body);
  return request;
}

Request make_patch(const Resource& resource, const ObjectKey& key, std::string_view content_type, std::string body,
                   const WriteOptions& options) {
  Target target = object_target(resource, key, options.subresource);
  add_write_parameters(target, options);
  return make_write(Method::patch, std::move(target), content_type, std::move(body), options);
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  append_encoded(out, text);
  return out;
}

Request make_get(const Resource& resource, const ObjectKey& key, Accept accept) {
  Request request;
  request.target = object_target(resource, key, {}).take();
  request.accept = accept_text(accept, metadata_of_one);
  return request;
}

Request make_list(const Resource& resource, std::string_view namespace_, const ListOptions& options, Accept accept) {
  Target target(resource, namespace_);
  if (options.limit > 0) target.parameter("limit", std::to_string(options.limit));
  target.parameter_if_set("continue", options.continue_token)
      .parameter_if_set("resourceVersion", options.resource_version)
      .parameter_if_set("resourceVersionMatch", options.resource_version_match)
      .parameter_if_set("labelSelector", options.label_selector)
      .parameter_if_set("fieldSelector", options.field_selector);
  Request request;
  request.target = target.take();
  request.accept = accept_text(accept, metadata_of_list);
  return request;
}

Request make_watch(const Resource& resource, std::string_view namespace_, const WatchOptions& options, Accept accept) {
  Target target(resource, namespace_);
  target.parameter("watch", "true");
  if (options.bookmarks) target.parameter("allowWatchBookmarks", "true");
  if (options.send_initial_events) {
    // The server asks for the match whenever the initial events are mentioned.
    target.parameter("sendInitialEvents", "true").parameter("resourceVersionMatch", "NotOlderThan");
  }
  target.parameter_if_set("resourceVersion", options.resource_version);
  if (options.timeout.count() > 0) target.parameter("timeoutSeconds", std::to_string(options.timeout.count()));
  target.parameter_if_set("labelSelector", options.label_selector)
      .parameter_if_set("fieldSelector", options.field_selector);
  Request request;
  request.target = target.take();
  // A watch answers with single objects, also where the list beside it asks for a PartialObjectMetadataList.
  request.accept = accept_text(accept, metadata_of_one);
  request.idle = options.idle;
  return request;
}

Request make_create(const Resource& resource, std::string_view namespace_, std::string body,
                    const WriteOptions& options) {
  Target target(resource, namespace_);
  add_write_parameters(target, options);
  return make_write(Method::post, std::move(target), "application/json", std::move(body), options);
}

Request make_apply(const Resource& resource, const ObjectKey& key, std::string body, const WriteOptions& options) {
  Target target = object_target(resource, key, options.subresource);
  add_write_parameters(target, options);
  target.parameter("force", "true").parameter("fieldValidation", "Strict");
  return make_write(Method::patch, std::move(target), "application/apply-patch+yaml", std::move(body), options);
}

Request make_json_patch(const Resource& resource, const ObjectKey& key, std::string body, const WriteOptions& options) {
  return make_patch(resource, key, "application/json-patch+json", std::move(body), options);
}

Request make_merge_patch(const Resource& resource, const ObjectKey& key, std::string body,
                         const WriteOptions& options) {
  return make_patch(resource, key, "application/merge-patch+json", std::move(body), options);
}

Request make_update(const Resource& resource, const ObjectKey& key, std::string body, const WriteOptions& options) {
  Target target = object_target(resource, key, options.subresource);
  add_write_parameters(target, options);
  return make_write(Method::put, std::move(target), "application/json", std::move(body), options);
}

Request make_delete(const Resource& resource, const ObjectKey& key, const DeleteOptions& options) {
  nlohmann::json body{
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", std::string(options.propagation)}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) body["preconditions"]["resourceVersion"] = options.resource_version;
  if (options.dry_run) body["dryRun"] = nlohmann::json::array({"All"});

  Request request;
  request.method = Method::del;
  request.target = object_target(resource, key, {}).take();
  request.content_type = "application/json";
  request.body = body.dump();
  return request;
}

}  // namespace kube
