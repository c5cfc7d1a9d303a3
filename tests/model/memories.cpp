#include "model/memories.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "support/observations.hpp"

namespace todoapp::model {
namespace {

using std::chrono::seconds;

/// How long after a rollout last moved its pods are looked at for the first, second, ... time (see watchfulness.cpp):
/// from the fifth on every thirty seconds.
constexpr std::array<int, 6> looks_after{3, 9, 21, 45, 75, 105};
constexpr std::int32_t looks_all_alike = 4;
constexpr seconds between_late_looks{30};
/// So long the operator waits for records that lag behind the Deployments (see reconcile.cpp).
constexpr seconds longest_lag{10};

std::string time_words(const std::optional<base::WallTime>& time) {
  return time ? std::to_string((*time - now()).count()) : "-";
}

std::string words_of(const PodsSeen& seen) {
  auto words = time_words(seen.at);
  for (const auto& pod : seen.pods) {
    words += " " + pod.name;
    for (const auto& [label, value] : pod.labels) words += fmt::format(",{}={}", label, value);
  }
  return words;
}

std::string words_of(const Refusal& refusal) {
  return fmt::format("{} {} {} {} {} {}", static_cast<int>(refusal.code), refusal.what, refusal.detail,
                     refusal.generation, refusal.tries, time_words(refusal.retry_at));
}

std::string words_of(const Ending& ending) {
  auto words = ending.uid + "@" + ending.version + " " + ending.note;
  for (const auto& [name, value] : ending.marks) words += fmt::format(",{}={}", name, value);
  return words;
}

/// Names every member, so that a new one does not compile until it has its place here and in `each_time`.
std::string key_of(const Memory& memory) {
  const auto& [contents, secrets, live, refusal, status_written, soak_revision, soak_since, progress, progress_since,
               pods, pod_looks, behind, waiting, environment, waited, highest_revision, ending] = memory;
  std::string key;
  for (const auto& [number, content] : contents) {
    key += fmt::format("{}={},{};", number, content->frontend.template_hash, content->backend.template_hash);
  }
  for (const auto& [name, values] : secrets) {
    key += fmt::format("{}@{}", name, values.resource_version);
    for (const auto& [variable, value] : values.data) key += fmt::format(",{}={}", variable, value);
    key += ";";
  }
  for (const auto& [name, source] : live) key += fmt::format("{}:{}:{};", name, source.resource_version, source.digest);
  key += fmt::format("{} {} {} {} {} {} {} {} {} {} {} ", time_words(status_written), soak_revision,
                     time_words(soak_since), progress, time_words(progress_since), pod_looks, time_words(behind),
                     waiting, environment, time_words(waited), highest_revision);
  if (refusal) key += words_of(*refusal);
  if (pods) key += words_of(*pods);
  if (ending) key += words_of(*ending);
  return key;
}

template <class Times>
void each_time(Memory& memory, const Times& change) {
  for (auto* time : {&memory.status_written, &memory.soak_since, &memory.waited, &memory.behind}) {
    if (*time) change(**time);
  }
  if (memory.refusal && memory.refusal->retry_at) change(*memory.refusal->retry_at);
  if (memory.pods) change(memory.pods->at);
  change(memory.progress_since);
}

/// Of looks at pods.
void level_progress(Memory& memory) {
  auto& since = memory.progress_since;
  if (memory.progress.empty()) {
    since = {};
    memory.pod_looks = 0;
    return;
  }
  // A look more, taken thirty seconds later: what follows is the same.
  while (memory.pod_looks > looks_all_alike) {
    since += between_late_looks;
    --memory.pod_looks;
  }
  // Pods that were read before the rollout last moved are not judged by, and of others the time is not asked for.
  if (memory.pods && memory.pods->at < since) memory.pods.reset();
  const auto due = seconds{looks_after.at(static_cast<std::size_t>(memory.pod_looks))};
  since = std::max(since, now() - due);  // overdue is overdue
  if (memory.pods) memory.pods->at = since;
}

}  // namespace

base::WallTime now() { return test::noon; }

Memories::Memories(seconds soak) : soak_(soak) { of({}); }

void Memories::level(Memory& memory) const {
  if (memory.status_written && *memory.status_written <= now() - seconds{1}) memory.status_written.reset();
  if (memory.soak_since) memory.soak_since = std::max(*memory.soak_since, now() - soak_);
  if (memory.refusal && memory.refusal->retry_at) memory.refusal->retry_at = std::max(*memory.refusal->retry_at, now());
  if (memory.behind) memory.behind = std::max(*memory.behind, now() - longest_lag);
  level_progress(memory);
}

MemoryId Memories::of(Memory memory) {
  level(memory);
  const auto [at, fresh] = by_key_.try_emplace(key_of(memory), static_cast<MemoryId>(memories_.size()));
  if (fresh) {
    if (memories_.size() >= 0xFFFF) throw std::length_error("more memories than a state can tell apart");
    memories_.push_back(std::move(memory));
  }
  return at->second;
}

MemoryId Memories::after(MemoryId id, seconds waited) {
  Memory memory = memories_[id];
  each_time(memory, [&](base::WallTime& time) { time -= waited; });
  return of(std::move(memory));
}

}  // namespace todoapp::model
