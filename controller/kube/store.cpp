#include "kube/store.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace kube {
namespace {

ObjectKey key_of(const Object& object) { return {object.namespace_, object.name}; }

Change change_of(const Object& object) { return {key_of(object), object.controller_uid}; }

std::size_t hash_of_uid(std::string_view uid) { return std::hash<std::string_view>{}(uid); }

/// What a string takes outside itself.
std::size_t heap_of(const std::string& text) {
  static const std::size_t inside = std::string().capacity();
  return text.capacity() > inside ? text.capacity() + 1 : 0;
}

std::size_t heap_of(const Pairs& pairs) {
  std::size_t bytes = pairs.capacity() * sizeof(Pairs::value_type);
  for (const auto& [key, value] : pairs) bytes += heap_of(key) + heap_of(value);
  return bytes;
}

std::size_t heap_of(const std::vector<Condition>& conditions) {
  std::size_t bytes = conditions.capacity() * sizeof(Condition);
  for (const auto& c : conditions)
    bytes += heap_of(c.type) + heap_of(c.status) + heap_of(c.reason) + heap_of(c.message);
  return bytes;
}

std::size_t heap_of(const std::shared_ptr<const std::string>& text) {
  return text ? sizeof(std::string) + 16 + heap_of(*text) : 0;
}

std::size_t heap_of(const Object& object) {
  std::size_t bytes = heap_of(object.name) + heap_of(object.namespace_) + heap_of(object.uid) +
                      heap_of(object.resource_version) + heap_of(object.controller_uid) +
                      heap_of(object.verified_intent) + heap_of(object.annotations) + heap_of(object.labels) +
                      heap_of(object.body) + heap_of(object.status);
  if (const auto* deployment = std::get_if<DeploymentState>(&object.state)) bytes += heap_of(deployment->conditions);
  if (const auto* job = std::get_if<JobState>(&object.state)) bytes += heap_of(job->conditions);
  return bytes;
}

/// What was verified of `held` still holds of `fresh` if the body is the same. A kind that keeps no body has no
/// fingerprint to tell by; there only the same version is surely the same.
void carry_verified(const Object& held, Object& fresh) {
  fresh.verified_intent.clear();
  fresh.verified_fingerprint = 0;
  if (held.uid != fresh.uid || held.verified_intent.empty()) return;
  const bool same_version = held.resource_version == fresh.resource_version;
  const bool known = held.verified_fingerprint != 0;
  if (known ? held.verified_fingerprint != fresh.fingerprint : !same_version) return;
  fresh.verified_intent = held.verified_intent;
  fresh.verified_fingerprint = fresh.fingerprint;
  fresh.body.reset();
}

/// Is there anything in `fresh` that whoever saw `held` has not seen? In the same version that is only what the answer
/// to our own write had left out; the status is not among it, for there it is what we just wrote.
bool tells_more(const Object& held, const Object& fresh) {
  if (held.resource_version != fresh.resource_version) return true;
  return held.uid != fresh.uid || held.deleting != fresh.deleting || held.controller_uid != fresh.controller_uid ||
         held.annotations != fresh.annotations || held.labels != fresh.labels || held.state != fresh.state ||
         held.verified_intent != fresh.verified_intent ||
         (fresh.body != nullptr && held.fingerprint != fresh.fingerprint);
}

}  // namespace

bool is_newer(std::string_view one, std::string_view other) {
  const auto digits = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of('0');
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
  };
  const std::string_view first = digits(one);
  const std::string_view second = digits(other);
  return first.size() != second.size() ? first.size() > second.size() : first > second;
}

const Object* Store::find(const ObjectKey& key) const {
  const Entry* entry = entry_of({key.namespace_, key.name});
  return entry == nullptr || entry->hidden ? nullptr : &entry->object;
}

std::vector<const Object*> Store::children_of(std::string_view controller_uid) const {
  std::vector<const Object*> children;
  const auto [first, last] = children_.equal_range(hash_of_uid(controller_uid));
  for (auto at = first; at != last; ++at) {
    const Entry& entry = *at->second;
    if (!entry.hidden && entry.object.controller_uid == controller_uid) children.push_back(&entry.object);
  }
  std::sort(children.begin(), children.end(), [](const Object* a, const Object* b) {
    return std::tie(a->namespace_, a->name) < std::tie(b->namespace_, b->name);
  });
  return children;
}

void Store::for_each(const std::function<void(const Object&)>& visit) const {
  for (const auto& entry : entries_) {
    if (!entry->hidden) visit(entry->object);
  }
}

std::vector<Change> Store::upsert(Object object) {
  seen(object.resource_version);
  Entry* entry = entry_of({object.namespace_, object.name});
  if (entry == nullptr) return insert(std::move(object));
  if (is_newer(entry->object.resource_version, object.resource_version)) return {};
  return overwrite(*entry, std::move(object));
}

std::vector<Change> Store::remove(const Object& object) {
  seen(object.resource_version);
  Entry* entry = entry_of({object.namespace_, object.name});
  if (entry == nullptr || entry->object.uid != object.uid) return {};
  Change change = change_of(entry->object);
  erase(*entry);
  return {std::move(change)};
}

std::vector<Change> Store::replace(std::vector<Object> objects, std::string_view resource_version) {
  seen(resource_version);
  std::vector<Change> changes;
  std::unordered_set<const Entry*> listed;
  listed.reserve(objects.size());
  for (Object& object : objects) {
    const ObjectKey key = key_of(object);
    auto changed = upsert(std::move(object));
    std::move(changed.begin(), changed.end(), std::back_inserter(changes));
    listed.insert(entry_of({key.namespace_, key.name}));
  }
  std::vector<Entry*> vanished;
  for (const auto& entry : entries_) {
    if (!listed.contains(entry.get()) && !is_newer(entry->object.resource_version, resource_version)) {
      vanished.push_back(entry.get());
    }
  }
  for (Entry* entry : vanished) {
    changes.push_back(change_of(entry->object));
    erase(*entry);
  }
  return changes;
}

void Store::drop_known_body(Object& object) const {
  const Entry* entry = entry_of({object.namespace_, object.name});
  if (entry == nullptr || entry->object.uid != object.uid || entry->object.verified_fingerprint == 0) return;
  if (entry->object.verified_fingerprint == object.fingerprint) object.body.reset();
}

void Store::note_write(Object answer) {
  Entry* entry = entry_of({answer.namespace_, answer.name});
  if (entry == nullptr) {
    // Where the watch is past this version and does not hold it, it was deleted since.
    if (is_newer(answer.resource_version, seen_version_)) insert(std::move(answer));
    return;
  }
  const Object& held = entry->object;
  if (!is_newer(answer.resource_version, held.resource_version)) return;  // the watch was faster
  const bool lacks_body = answer.fingerprint == 0;
  if (held.uid == answer.uid) {
    if (std::holds_alternative<std::monostate>(answer.state)) answer.state = held.state;
    if (!answer.status) answer.status = held.status;
    if (!lacks_body) {
      carry_verified(held, answer);
    } else {
      if (answer.generation == held.generation) {
        answer.body = held.body;
        answer.fingerprint = held.fingerprint;
      }
      answer.verified_intent = held.verified_intent;
      answer.verified_fingerprint = held.verified_fingerprint;
    }
  }
  unlink(*entry);
  entry->written = lacks_body;
  entry->hidden = entry->hidden && held.uid == answer.uid;
  entry->object = std::move(answer);
  link(*entry);
}

void Store::note_delete(const ObjectKey& key, std::string_view uid) {
  Entry* entry = entry_of({key.namespace_, key.name});
  // Not there: the watch has told of the delete before its own answer came.
  if (entry != nullptr && entry->object.uid == uid) entry->hidden = true;
}

void Store::mark_verified(const ObjectKey& key, std::string intent_hash) {
  Entry* entry = entry_of({key.namespace_, key.name});
  if (entry == nullptr) return;
  unlink(*entry);
  Object& object = entry->object;
  // After our own write the body held, if any, is the one before it: its fingerprint says nothing of what we wrote.
  if (entry->written) object.fingerprint = 0;
  object.verified_fingerprint = object.fingerprint;
  object.verified_intent = std::move(intent_hash);
  object.body.reset();
  link(*entry);
}

Store::Entry* Store::entry_of(const KeyView& key) const {
  const auto at = entries_.find(key);
  return at == entries_.end() ? nullptr : at->get();
}

std::vector<Change> Store::insert(Object object) {
  std::vector<Change> changes{change_of(object)};
  const auto [at, inserted] = entries_.insert(std::make_unique<Entry>(Entry{std::move(object)}));
  link(**at);
  return changes;
}

std::vector<Change> Store::overwrite(Entry& entry, Object object) {
  const Object& held = entry.object;
  carry_verified(held, object);
  const bool shown_again = entry.hidden && (held.uid != object.uid || object.deleting);
  std::vector<Change> changes;
  if (shown_again || (!entry.hidden && tells_more(held, object))) {
    changes.push_back(change_of(object));
    if (held.controller_uid != object.controller_uid) changes.push_back(change_of(held));
  }
  unlink(entry);
  entry.object = std::move(object);
  entry.written = false;
  if (shown_again) entry.hidden = false;
  link(entry);
  return changes;
}

void Store::erase(Entry& entry) {
  unlink(entry);
  entries_.erase(entries_.find(KeyView{entry.object.namespace_, entry.object.name}));
}

void Store::seen(std::string_view version) {
  if (is_newer(version, seen_version_)) seen_version_ = version;
}

void Store::link(Entry& entry) {
  bytes_ += sizeof(Entry) + heap_of(entry.object);
  if (!entry.object.controller_uid.empty()) children_.emplace(hash_of_uid(entry.object.controller_uid), &entry);
}

void Store::unlink(const Entry& entry) {
  bytes_ -= sizeof(Entry) + heap_of(entry.object);
  const auto [first, last] = children_.equal_range(hash_of_uid(entry.object.controller_uid));
  const auto at = std::find_if(first, last, [&](const auto& child) { return child.second == &entry; });
  if (at != last) children_.erase(at);
}

}  // namespace kube
