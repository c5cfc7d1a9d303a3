#include "kube/work_queue.hpp"

#include <algorithm>
#include <cassert>

namespace kube {

void WorkQueue::add(const ObjectKey& key, Priority priority, base::MonoTime now) {
  const auto [entry, fresh] = slots_.try_emplace(key);
  raise(*entry, priority);
  if (!fresh && entry->second.place != Place::waiting) return;
  if (!fresh) waiting_.erase({entry->second.due, entry->second.number});
  make_due(*entry, now);
}

void WorkQueue::add_after(const ObjectKey& key, base::MonoTime when, Priority priority) {
  const auto [entry, fresh] = slots_.try_emplace(key);
  auto& slot = entry->second;
  if (fresh) {
    slot = {Place::waiting, priority, when, ++last_number_};
    waiting_.emplace(std::pair{slot.due, slot.number}, &entry->first);
    return;
  }
  raise(*entry, priority);
  if (slot.place != Place::waiting || slot.due <= when) return;
  waiting_.erase({slot.due, slot.number});
  slot.due = when;
  waiting_.emplace(std::pair{slot.due, slot.number}, &entry->first);
}

base::MonoTime WorkQueue::add_failed(const ObjectKey& key, Priority priority, base::MonoTime now,
                                     base::MonoTime not_before) {
  const std::uint32_t failures = failures_[key]++;
  // Twice as long each time; 2^30 times is beyond any limit, and far from overflow.
  const std::chrono::nanoseconds plain = limits_.first * (std::int64_t{1} << std::min(failures, 30U));
  const std::chrono::nanoseconds wait = std::min<std::chrono::nanoseconds>(limits_.most, plain);
  const auto when = std::max({now + wait, spend_token(now), not_before});
  ++retries_;
  add_after(key, when, priority);
  return when;
}

std::optional<WorkItem> WorkQueue::next(base::MonoTime now) {
  promote(now);
  auto& live = ready(Priority::live);
  auto& low = ready(Priority::low);
  if (live.empty() && low.empty()) return std::nullopt;
  const bool low_turn = !low.empty() && (live.empty() || live_in_a_row_ >= limits_.live_per_low);
  // Only live keys that went ahead of a waiting low one count.
  live_in_a_row_ = low_turn || low.empty() ? 0 : live_in_a_row_ + 1;
  auto& line = low_turn ? low : live;
  auto node = slots_.extract(*line.begin()->second);
  line.erase(line.begin());
  started_.emplace(node.key(), now);
  const auto failed = failures_.find(node.key());
  return WorkItem{.key = std::move(node.key()),
                  .priority = node.mapped().priority,
                  .failures = failed == failures_.end() ? 0 : failed->second,
                  .waited = now - node.mapped().due};
}

std::chrono::nanoseconds WorkQueue::done(const ObjectKey& key, base::MonoTime now) {
  const auto started = started_.find(key);
  assert(started != started_.end() && "done without next");
  const auto took = now - started->second;
  started_.erase(started);
  if (const auto entry = slots_.find(key); entry != slots_.end() && entry->second.place == Place::held) {
    --held_;
    make_ready(*entry);
  }
  return took;
}

std::optional<base::MonoTime> WorkQueue::next_due() const {
  if (!ready_[0].empty() || !ready_[1].empty()) return base::MonoTime::min();
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first.first;
}

std::chrono::nanoseconds WorkQueue::unfinished_work(base::MonoTime now) const {
  std::chrono::nanoseconds sum{0};
  for (const auto& [key, start] : started_) sum += now - start;
  return sum;
}

std::chrono::nanoseconds WorkQueue::longest_running(base::MonoTime now) const {
  std::chrono::nanoseconds most{0};
  for (const auto& [key, start] : started_) most = std::max<std::chrono::nanoseconds>(most, now - start);
  return most;
}

std::size_t WorkQueue::known() const {
  std::size_t count = slots_.size();
  for (const auto& [key, start] : started_) count += slots_.contains(key) ? 0 : 1;
  for (const auto& [key, failures] : failures_) count += slots_.contains(key) || started_.contains(key) ? 0 : 1;
  return count;
}

void WorkQueue::raise(Slots::value_type& entry, Priority priority) {
  auto& slot = entry.second;
  if (priority <= slot.priority) return;
  if (slot.place == Place::ready && ready(slot.priority).erase(slot.number) > 0) {
    ready(priority).emplace(slot.number, &entry.first);
  }
  slot.priority = priority;
}

/// The key's time has come: it is ready, unless it is being worked on.
void WorkQueue::make_due(Slots::value_type& entry, base::MonoTime due) {
  auto& slot = entry.second;
  slot.due = due;
  slot.number = ++last_number_;
  ++adds_;
  if (started_.contains(entry.first)) {
    slot.place = Place::held;
    ++held_;
  } else {
    make_ready(entry);
  }
}

void WorkQueue::make_ready(Slots::value_type& entry) {
  entry.second.place = Place::ready;
  ready(entry.second.priority).emplace(entry.second.number, &entry.first);
}

void WorkQueue::promote(base::MonoTime now) {
  while (!waiting_.empty() && waiting_.begin()->first.first <= now) {
    const auto first = waiting_.begin();
    const auto entry = slots_.find(*first->second);
    waiting_.erase(first);
    make_due(*entry, entry->second.due);
  }
}

/// One failure's token; returns when it may be spent, now or later. The bucket is a single time: when it is full again.
base::MonoTime WorkQueue::spend_token(base::MonoTime now) {
  bucket_full_at_ = std::max(bucket_full_at_, now) + limits_.interval;
  return std::max(now, bucket_full_at_ - limits_.interval * limits_.burst);
}

}  // namespace kube
