// What a failing pod says of itself, as far as a cause is judged by it.
//
// Law: values, read from a PodList answer; nothing is judged here. A state that the kubelet has not reported (yet) is
// `monostate`. Limits: init containers and main containers only; volumes and events are not in a pod's status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "kube/model/object.hpp"

namespace kube {

struct Waiting {
  std::string reason;  ///< "CrashLoopBackOff", "ImagePullBackOff", ...
  std::string message;

  friend bool operator==(const Waiting&, const Waiting&) = default;
};

struct Running {
  std::optional<base::WallTime> started_at;

  friend bool operator==(const Running&, const Running&) = default;
};

struct Terminated {
  std::int32_t exit_code{0};
  std::string reason;   ///< "Error", "OOMKilled", "StartError", "Completed", ...
  std::string message;  ///< the last log lines, where the container's policy asks for them
  std::optional<base::WallTime> finished_at;

  friend bool operator==(const Terminated&, const Terminated&) = default;
};

using ContainerState = std::variant<std::monostate, Waiting, Running, Terminated>;

struct ContainerStatus {
  std::string name;
  std::string image;
  bool ready{false};
  bool started{false};
  std::int32_t restart_count{0};
  ContainerState state;
  ContainerState last_state;  ///< how the container before this one ended

  friend bool operator==(const ContainerStatus&, const ContainerStatus&) = default;
};

struct Pod {
  std::string name;
  std::string namespace_;
  std::string uid;
  Pairs labels;  ///< all of them, with their whole keys: `apps.todoapp.dev/template`, `pod-template-hash`, ...
  std::string phase;
  std::string reason;  ///< "Evicted"
  std::string message;
  bool deleting{false};
  base::WallTime created{};
  std::string node;  ///< empty where it is not scheduled
  std::vector<Condition> conditions;
  std::vector<ContainerStatus> init_containers;
  std::vector<ContainerStatus> containers;

  friend bool operator==(const Pod&, const Pod&) = default;
};

struct PodPage {
  std::vector<Pod> pods;
  std::string continue_token;  ///< empty on the last page

  friend bool operator==(const PodPage&, const PodPage&) = default;
};

/// Error: invalid; it names the member, never its value.
[[nodiscard]] base::Result<PodPage> decode_pods(std::string_view text);

}  // namespace kube
