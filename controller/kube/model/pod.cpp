#include "kube/model/pod.hpp"

#include "kube/model/decode.hpp"
#include "kube/model/json_reader.hpp"

namespace kube {
namespace {

Waiting read_waiting(ondemand::object object) {
  Waiting waiting;
  for_each_member(object, [&](std::string_view key, ondemand::value value) {
    if (key == "reason")
      waiting.reason = read_text(value, "state.waiting.reason");
    else if (key == "message")
      waiting.message = read_text(value, "state.waiting.message");
  });
  return waiting;
}

Running read_running(ondemand::object object) {
  Running running;
  for_each_member(object, [&](std::string_view key, ondemand::value value) {
    if (key == "startedAt") running.started_at = read_time(value, "state.running.startedAt");
  });
  return running;
}

Terminated read_terminated(ondemand::object object) {
  Terminated terminated;
  for_each_member(object, [&](std::string_view key, ondemand::value value) {
    if (key == "exitCode")
      terminated.exit_code = read_count(value, "state.terminated.exitCode");
    else if (key == "reason")
      terminated.reason = read_text(value, "state.terminated.reason");
    else if (key == "message")
      terminated.message = read_text(value, "state.terminated.message");
    else if (key == "finishedAt")
      terminated.finished_at = read_time(value, "state.terminated.finishedAt");
  });
  return terminated;
}

ContainerState read_state(ondemand::value value, std::string_view path) {
  ContainerState state;
  for_each_member(read_object(value, path), [&](std::string_view key, ondemand::value field) {
    if (key == "waiting")
      state = read_waiting(read_object(field, "state.waiting"));
    else if (key == "running")
      state = read_running(read_object(field, "state.running"));
    else if (key == "terminated")
      state = read_terminated(read_object(field, "state.terminated"));
  });
  return state;
}

std::vector<ContainerStatus> read_containers(ondemand::value value, std::string_view path) {
  std::vector<ContainerStatus> containers;
  for (auto element : read_array(value, path)) {
    ContainerStatus& container = containers.emplace_back();
    for_each_member(read_object(element.value(), path), [&](std::string_view key, ondemand::value field) {
      if (key == "name")
        container.name = read_text(field, "containerStatuses[].name");
      else if (key == "image")
        container.image = read_text(field, "containerStatuses[].image");
      else if (key == "ready")
        container.ready = read_flag(field, "containerStatuses[].ready");
      else if (key == "started")
        container.started = read_flag(field, "containerStatuses[].started");
      else if (key == "restartCount")
        container.restart_count = read_count(field, "containerStatuses[].restartCount");
      else if (key == "state")
        container.state = read_state(field, "containerStatuses[].state");
      else if (key == "lastState")
        container.last_state = read_state(field, "containerStatuses[].lastState");
    });
  }
  return containers;
}

void read_metadata(ondemand::object metadata, Pod& pod) {
  for_each_member(metadata, [&](std::string_view key, ondemand::value value) {
    if (key == "name")
      pod.name = read_text(value, "metadata.name");
    else if (key == "namespace")
      pod.namespace_ = read_text(value, "metadata.namespace");
    else if (key == "uid")
      pod.uid = read_text(value, "metadata.uid");
    else if (key == "creationTimestamp")
      pod.created = read_time(value, "metadata.creationTimestamp");
    else if (key == "deletionTimestamp")
      pod.deleting = true;
    else if (key == "labels") {
      for_each_member(read_object(value, "metadata.labels"), [&](std::string_view name, ondemand::value text) {
        pod.labels.emplace_back(name, read_text(text, "metadata.labels"));
      });
    }
  });
}

void read_status(ondemand::object status, Pod& pod) {
  for_each_member(status, [&](std::string_view key, ondemand::value value) {
    if (key == "phase")
      pod.phase = read_text(value, "status.phase");
    else if (key == "reason")
      pod.reason = read_text(value, "status.reason");
    else if (key == "message")
      pod.message = read_text(value, "status.message");
    else if (key == "conditions")
      pod.conditions = read_conditions(value, "status.conditions");
    else if (key == "initContainerStatuses")
      pod.init_containers = read_containers(value, "initContainerStatuses");
    else if (key == "containerStatuses")
      pod.containers = read_containers(value, "containerStatuses");
  });
}

Pod read_pod(ondemand::object object) {
  Pod pod;
  for_each_member(object, [&](std::string_view key, ondemand::value value) {
    if (key == "metadata") {
      read_metadata(read_object(value, "metadata"), pod);
    } else if (key == "status") {
      read_status(read_object(value, "status"), pod);
    } else if (key == "spec") {
      for_each_member(read_object(value, "spec"), [&](std::string_view name, ondemand::value field) {
        if (name == "nodeName") pod.node = read_text(field, "spec.nodeName");
      });
    }
  });
  if (pod.name.empty()) throw Malformed{"metadata.name is missing"};
  if (pod.uid.empty()) throw Malformed{"metadata.uid is missing"};
  return pod;
}

PodPage read_pods(ondemand::object root) {
  PodPage page;
  bool has_items = false;
  for (ondemand::field field : root) {
    const std::string_view key = field.unescaped_key();
    if (key == "metadata") {
      for_each_member(read_object(field.value(), "metadata"), [&](std::string_view name, ondemand::value value) {
        if (name == "continue") page.continue_token = read_text(value, "metadata.continue");
      });
    } else if (key == "items") {
      has_items = true;
      if (is_null(field.value())) continue;
      for (auto item : read_array(field.value(), "items")) {
        page.pods.push_back(read_pod(read_object(item.value(), "items[]")));
      }
    }
  }
  if (!has_items) throw Malformed{"items is missing"};
  return page;
}

}  // namespace

base::Result<PodPage> decode_pods(std::string_view text) {
  // Pods are read while something is wrong, a page at a time: no buffer is kept for them.
  JsonReader reader(Decoder::max_depth, 0);
  return reading(reader, text, "decode a list of Pod", read_pods);
}

}  // namespace kube
