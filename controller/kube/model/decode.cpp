#include "kube/model/decode.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "kube/model/json_reader.hpp"

namespace kube {
namespace {

constexpr std::string_view initial_events_end_key = "k8s.io/initial-events-end";

/// What is wanted of one kind.
struct Wanted {
  const Resource& resource;
  const Pruning& pruning;

  [[nodiscard]] bool is_deployment() const { return resource.kind == "Deployment" && resource.group == "apps"; }
  [[nodiscard]] bool is_job() const { return resource.kind == "Job" && resource.group == "batch"; }
};

/// Pieces of the text that make up a body: views into the reader's buffer.
struct Pieces {
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  std::vector<std::pair<std::string_view, std::string_view>> members;
};

/// The text of an object or array, which is at its start again afterwards.
template <class Container>
std::string_view raw_of(Container& container) {
  const std::string_view raw = container.raw_json();
  container.reset().value();
  return trim(raw);
}

/// The text of a value that is not read any further.
std::string_view raw_of(ondemand::value value) {
  switch (value.type().value()) {
    case ondemand::json_type::object:
      return trim(value.get_object().value().raw_json().value());
    case ondemand::json_type::array:
      return trim(value.get_array().value().raw_json().value());
    case ondemand::json_type::string:
    case ondemand::json_type::number:
    case ondemand::json_type::boolean:
    case ondemand::json_type::null:
      break;
  }
  return trim(value.raw_json_token());
}

void keep_pairs(ondemand::object object, const std::string& path, const Pruning& pruning, bool with_also, Pairs& out) {
  for_each_member(object, [&](std::string_view key, ondemand::value value) {
    if (with_also) {
      if (const std::string* name = find(pruning.also, key)) out.emplace_back(*name, read_text(value, path));
    }
    if (!pruning.prefix.empty() && key.starts_with(pruning.prefix)) {
      out.emplace_back(key.substr(pruning.prefix.size()), read_text(value, path));
    }
  });
  std::sort(out.begin(), out.end());
  out.shrink_to_fit();
}

std::string controller_of(ondemand::array owners) {
  std::string controller;
  for (auto owner : owners) {
    std::string uid;
    bool controls = false;
    constexpr std::string_view path = "metadata.ownerReferences[]";
    for_each_member(read_object(owner.value(), path), [&](std::string_view key, ondemand::value value) {
      if (key == "uid")
        uid = read_text(value, path);
      else if (key == "controller")
        controls = read_flag(value, path);
    });
    if (controls) controller = std::move(uid);
  }
  return controller;
}

/// Labels, annotations and owners: read for what is kept of them, and remembered as text for the body.
void read_metadata_maps(std::string_view key, ondemand::value value, const Wanted& wanted, Object& object,
                        Pieces& pieces) {
  const Pruning& pruning = wanted.pruning;
  const auto remember = [&](std::string_view name, auto& container) {
    if (pruning.keep_body && !pruning.body_is_spec) pieces.metadata.emplace_back(name, raw_of(container));
  };
  if (key == "labels") {
    auto labels = read_object(value, "metadata.labels");
    remember("labels", labels);
    keep_pairs(labels, "metadata.labels", pruning, false, object.labels);
  } else if (key == "annotations") {
    auto annotations = read_object(value, "metadata.annotations");
    remember("annotations", annotations);
    keep_pairs(annotations, "metadata.annotations", pruning, true, object.annotations);
  } else {
    auto owners = read_array(value, "metadata.ownerReferences");
    remember("ownerReferences", owners);
    object.controller_uid = controller_of(owners);
  }
}

void read_metadata(ondemand::object metadata, const Wanted& wanted, Object& object, Pieces& pieces) {
  for_each_member(metadata, [&](std::string_view key, ondemand::value value) {
    if (key == "labels" || key == "annotations" || key == "ownerReferences") {
      read_metadata_maps(key, value, wanted, object, pieces);
    } else if (key == "name") {
      object.name = read_text(value, "metadata.name");
    } else if (key == "namespace") {
      object.namespace_ = read_text(value, "metadata.namespace");
    } else if (key == "uid") {
      object.uid = read_text(value, "metadata.uid");
    } else if (key == "resourceVersion") {
      object.resource_version = read_text(value, "metadata.resourceVersion");
    } else if (key == "generation") {
      object.generation = read_integer(value, "metadata.generation");
    } else if (key == "creationTimestamp") {
      object.created = read_time(value, "metadata.creationTimestamp");
    } else if (key == "deletionTimestamp") {
      object.deleting = true;
    }
  });
}

void read_deployment_spec(ondemand::object spec, DeploymentState& state) {
  for_each_member(spec, [&](std::string_view key, ondemand::value value) {
    if (key == "replicas")
      state.wanted = read_count(value, "spec.replicas");
    else if (key == "paused")
      state.paused = read_flag(value, "spec.paused");
  });
}

void read_deployment_status(ondemand::object status, DeploymentState& state) {
  for_each_member(status, [&](std::string_view key, ondemand::value value) {
    if (key == "observedGeneration")
      state.observed_generation = read_integer(value, "status.observedGeneration");
    else if (key == "replicas")
      state.replicas = read_count(value, "status.replicas");
    else if (key == "updatedReplicas")
      state.updated = read_count(value, "status.updatedReplicas");
    else if (key == "readyReplicas")
      state.ready = read_count(value, "status.readyReplicas");
    else if (key == "availableReplicas")
      state.available = read_count(value, "status.availableReplicas");
    else if (key == "conditions")
      state.conditions = read_conditions(value, "status.conditions");
  });
}

void read_job_status(ondemand::object status, JobState& state) {
  for_each_member(status, [&](std::string_view key, ondemand::value value) {
    if (key == "active")
      state.active = read_count(value, "status.active");
    else if (key == "succeeded")
      state.succeeded = read_count(value, "status.succeeded");
    else if (key == "failed")
      state.failed = read_count(value, "status.failed");
    else if (key == "conditions")
      state.conditions = read_conditions(value, "status.conditions");
  });
}

/// An object has a state as soon as any part of it was in the text; metadata alone says nothing of it.
template <class State>
State& state_of(Object& object) {
  if (auto* state = std::get_if<State>(&object.state)) return *state;
  return object.state.emplace<State>();
}

void read_spec(ondemand::value value, const Wanted& wanted, Object& object, Pieces& pieces) {
  auto spec = read_object(value, "spec");
  if (wanted.pruning.keep_body) pieces.members.emplace_back("spec", raw_of(spec));
  if (wanted.is_deployment()) {
    read_deployment_spec(spec, state_of<DeploymentState>(object));
  } else if (wanted.is_job()) {
    state_of<JobState>(object);
  }
}

void read_status(ondemand::value value, const Wanted& wanted, Object& object) {
  auto status = read_object(value, "status");
  if (wanted.pruning.keep_status) object.status = std::make_shared<const std::string>(raw_of(status));
  if (wanted.is_deployment()) {
    read_deployment_status(status, state_of<DeploymentState>(object));
  } else if (wanted.is_job()) {
    read_job_status(status, state_of<JobState>(object));
  }
}

void append_members(const std::vector<std::pair<std::string_view, std::string_view>>& members, std::string& out) {
  for (const auto& [key, value] : members) {
    if (out.back() != '{') out += ',';
    out += '"';
    out += key;
    out += "\":";
    out += value;
  }
}

void assemble_body(const Pieces& pieces, const Pruning& pruning, Object& object) {
  if (!pruning.keep_body || (pruning.controlled_body && object.controller_uid.empty())) return;
  std::string body;
  if (pruning.body_is_spec) {
    const auto spec = std::find_if(pieces.members.begin(), pieces.members.end(),
                                   [](const auto& member) { return member.first == "spec"; });
    if (spec != pieces.members.end()) body = spec->second;
  } else {
    std::size_t size = 32;
    for (const auto& [key, value] : pieces.metadata) size += key.size() + value.size() + 4;
    for (const auto& [key, value] : pieces.members) size += key.size() + value.size() + 4;
    body.reserve(size);
    body = R"({"metadata":{)";
    append_members(pieces.metadata, body);
    body += '}';
    append_members(pieces.members, body);
    body += '}';
  }
  object.fingerprint = base::fingerprint(body);
  object.body = std::make_shared<const std::string>(std::move(body));
}

/// The names that a body repeats are those of Kubernetes' own members: one that would need escapes is none of them.
bool is_plain_name(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

Object read_one(ondemand::object root, const Wanted& wanted) {
  Object object;
  Pieces pieces;
  bool has_metadata = false;
  for_each_member(root, [&](std::string_view key, ondemand::value value) {
    if (key == "metadata") {
      read_metadata(read_object(value, "metadata"), wanted, object, pieces);
      has_metadata = true;
    } else if (key == "status") {
      read_status(value, wanted, object);
    } else if (key == "spec") {
      read_spec(value, wanted, object, pieces);
    } else if (wanted.pruning.keep_body && key != "apiVersion" && key != "kind") {
      if (!is_plain_name(key)) throw Malformed{"a member has a name that is no name"};
      pieces.members.emplace_back(key, raw_of(value));
    }
  });
  if (!has_metadata) throw Malformed{"metadata is missing"};
  if (object.name.empty()) throw Malformed{"metadata.name is missing"};
  if (object.uid.empty()) throw Malformed{"metadata.uid is missing"};
  assemble_body(pieces, wanted.pruning, object);
  return object;
}

WatchEventType event_type(std::string_view text) {
  if (text == "ADDED") return WatchEventType::added;
  if (text == "MODIFIED") return WatchEventType::modified;
  if (text == "DELETED") return WatchEventType::deleted;
  if (text == "BOOKMARK") return WatchEventType::bookmark;
  if (text == "ERROR") return WatchEventType::error;
  throw Malformed{"type is none that a watch has"};
}

ondemand::value member_of(ondemand::object& object, std::string_view key) {
  ondemand::value value;
  if (object.find_field_unordered(key).get(value)) throw Malformed{std::string(key) + " is missing"};
  return value;
}

void read_bookmark(ondemand::object root, WatchEvent& event) {
  for_each_member(root, [&](std::string_view member, ondemand::value value) {
    if (member != "metadata") return;
    for_each_member(read_object(value, "metadata"), [&](std::string_view key, ondemand::value field) {
      if (key == "resourceVersion") event.resource_version = read_text(field, "metadata.resourceVersion");
      if (key != "annotations") return;
      for_each_member(read_object(field, "metadata.annotations"), [&](std::string_view name, ondemand::value text) {
        if (name != initial_events_end_key) return;
        event.initial_events_end = read_text(text, "metadata.annotations") == "true";
      });
    });
  });
}

/// `type` comes first from every API server, so this is one pass; the other way round costs a second look.
WatchEvent read_event(ondemand::object root, const Wanted& wanted) {
  WatchEvent event;
  event.type = event_type(read_text(member_of(root, "type"), "type"));
  ondemand::value value = member_of(root, "object");
  if (event.type == WatchEventType::error) {
    event.status = raw_of(value);
    return event;
  }
  ondemand::object object = read_object(value, "object");
  if (event.type == WatchEventType::bookmark) {
    read_bookmark(object, event);
  } else {
    event.object = read_one(object, wanted);
    event.resource_version = event.object.resource_version;
  }
  if (event.resource_version.empty()) throw Malformed{"metadata.resourceVersion is missing"};
  return event;
}

ListPage read_page(ondemand::object root, const Wanted& wanted) {
  ListPage page;
  bool has_items = false;
  // Not `for_each_member`: `items` may be null, which is how Go writes a list that was never made.
  for (ondemand::field field : root) {
    const std::string_view key = field.unescaped_key();
    if (key == "metadata") {
      for_each_member(read_object(field.value(), "metadata"), [&](std::string_view name, ondemand::value value) {
        if (name == "resourceVersion")
          page.resource_version = read_text(value, "metadata.resourceVersion");
        else if (name == "continue")
          page.continue_token = read_text(value, "metadata.continue");
      });
    } else if (key == "items") {
      has_items = true;
      if (is_null(field.value())) continue;
      for (auto item : read_array(field.value(), "items")) {
        page.objects.push_back(read_one(read_object(item.value(), "items[]"), wanted));
      }
    }
  }
  if (!has_items) throw Malformed{"items is missing"};
  if (page.resource_version.empty()) throw Malformed{"metadata.resourceVersion is missing"};
  return page;
}

}  // namespace

const char* to_string(WatchEventType type) {
  switch (type) {
    case WatchEventType::added:
      return "ADDED";
    case WatchEventType::modified:
      return "MODIFIED";
    case WatchEventType::deleted:
      return "DELETED";
    case WatchEventType::bookmark:
      return "BOOKMARK";
    case WatchEventType::error:
      return "ERROR";
  }
  return "UNKNOWN";
}

Decoder::Decoder() : reader_(std::make_unique<JsonReader>(max_depth, keep_bytes)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

std::size_t Decoder::held_bytes() const { return reader_->held_bytes(); }

base::Result<Object> Decoder::object(std::string_view text, const Resource& resource, const Pruning& pruning) {
  return reading(*reader_, text, "decode " + resource.kind,
                 [&](ondemand::object root) { return read_one(root, {resource, pruning}); });
}

base::Result<WatchEvent> Decoder::event(std::string_view text, const Resource& resource, const Pruning& pruning) {
  return reading(*reader_, text, "decode a watch event of " + resource.kind,
                 [&](ondemand::object root) { return read_event(root, {resource, pruning}); });
}

base::Result<ListPage> Decoder::page(std::string_view text, const Resource& resource, const Pruning& pruning) {
  return reading(*reader_, text, "decode a list of " + resource.kind,
                 [&](ondemand::object root) { return read_page(root, {resource, pruning}); });
}

base::Result<Object> decode_object(std::string_view text, const Resource& resource, const Pruning& pruning) {
  return Decoder{}.object(text, resource, pruning);
}

}  // namespace kube
