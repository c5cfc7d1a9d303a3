#include "operator/caches.hpp"

#include <algorithm>
#include <utility>

#include "todoapp/app_object.hpp"

namespace shell {
namespace {

using todoapp::Kind;

kube::Pruning app_pruning() {
  auto pruning = todoapp::app_metadata_pruning();
  pruning.keep_body = pruning.keep_status = pruning.body_is_spec = true;
  return pruning;
}

kube::Pruning child_pruning(Kind kind) {
  // A record never changes but in its annotations, which are kept; a Job is made once and never compared.
  if (kind == Kind::controller_revision || kind == Kind::job) return {.prefix = std::string(todoapp::prefix)};
  if (kind == Kind::secret) {
    return {.prefix = std::string(todoapp::prefix), .keep_body = true, .controlled_body = true};
  }
  return {.prefix = std::string(todoapp::prefix), .keep_body = true};
}

kube::Accept accept_of(Kind kind) {
  const bool metadata = kind == Kind::config_map || kind == Kind::secret || kind == Kind::controller_revision;
  return metadata ? kube::Accept::metadata : kube::Accept::object;
}

}  // namespace

Caches::Caches(boost::asio::io_context& loop, kube::Transport& transport, const std::vector<std::string>& namespaces,
               Events events)
    : loop_(loop), transport_(transport), namespaces_(namespaces), events_(std::move(events)) {
  if (namespaces_.empty()) namespaces_.emplace_back();
  std::sort(namespaces_.begin(), namespaces_.end());
  namespaces_.erase(std::unique(namespaces_.begin(), namespaces_.end()), namespaces_.end());
  watch(apps_, todoapp::app_resource(), app_pruning(), kube::Accept::object, "",
        [this](Cache& cache, const kube::Change& change, kube::Origin origin) {
          events_.on_app(cache.store.find(change.key), change, origin);
        });
  for (const auto kind : todoapp::all_kinds) {
    const auto selector = kind == Kind::secret ? std::string() : std::string(todoapp::managed_selector);
    watch(children_[kind], todoapp::resource_of(kind), child_pruning(kind), accept_of(kind), selector,
          [this](Cache&, const kube::Change& change, kube::Origin origin) { events_.on_child(change, origin); });
  }
}

Caches::~Caches() = default;

void Caches::watch(Scopes& scopes, const kube::Resource& resource, const kube::Pruning& pruning, kube::Accept accept,
                   std::string selector, std::function<void(Cache&, const kube::Change&, kube::Origin)> on_change) {
  for (const auto& name : namespaces_) {
    auto& cache = scopes[name];
    kube::WatcherOptions options;
    options.resource = resource;
    options.namespace_ = name;
    options.label_selector = selector;
    options.accept = accept;
    options.pruning = pruning;
    kube::WatcherEvents events{
        [on_change, &cache](const kube::Change& change, kube::Origin origin) { on_change(cache, change, origin); },
        [this] { one_synced(); },
        [this, kind = resource.kind](const base::Error& error) { events_.on_error(kind, error); }};
    cache.watcher = std::make_unique<kube::Watcher>(
        loop_.get_executor(), transport_, decoder_, cache.store, std::move(options), std::move(events),
        [this] { return std::uniform_real_distribution<double>{}(random_); });
    ++unsynced_;
  }
}

void Caches::one_synced() {
  if (--unsynced_ == 0) events_.on_synced();
}

void Caches::start() {
  each_watcher([](kube::Watcher& watcher) { watcher.start(); });
}

void Caches::renew() {
  each_watcher([this](kube::Watcher& watcher) {
    if (watcher.synced()) ++unsynced_;
    watcher.renew();
  });
}

void Caches::stop() {
  each_watcher([](kube::Watcher& watcher) { watcher.stop(); });
}

void Caches::each_watcher(const std::function<void(kube::Watcher&)>& visit) {
  for (auto& [name, cache] : apps_) visit(*cache.watcher);
  for (auto& [kind, scopes] : children_) {
    for (auto& [name, cache] : scopes) visit(*cache.watcher);
  }
}

const Caches::Cache* Caches::scope_of(const Scopes& scopes, const std::string& namespace_) const {
  auto at = scopes.find(namespace_);
  if (at == scopes.end()) at = scopes.find("");
  return at == scopes.end() ? nullptr : &at->second;
}

const kube::Object* Caches::app(const kube::ObjectKey& key) const {
  const auto* cache = scope_of(apps_, key.namespace_);
  return cache == nullptr ? nullptr : cache->store.find(key);
}

void Caches::for_each_app(const std::function<void(const kube::Object&)>& visit) const {
  for (const auto& [name, cache] : apps_) cache.store.for_each(visit);
}

std::size_t Caches::apps() const {
  std::size_t count = 0;
  for (const auto& [name, cache] : apps_) count += cache.store.size();
  return count;
}

const kube::Object* Caches::find(Kind kind, const kube::ObjectKey& key) const {
  const auto* cache = scope_of(children_.at(kind), key.namespace_);
  return cache == nullptr ? nullptr : cache->store.find(key);
}

std::vector<todoapp::Child> Caches::owned_by(const std::string& namespace_, const std::string& uid) const {
  std::vector<todoapp::Child> owned;
  for (const auto& [kind, scopes] : children_) {
    const auto* cache = scope_of(scopes, namespace_);
    if (cache == nullptr) continue;
    for (const auto* object : cache->store.children_of(uid)) owned.push_back({kind, object});
  }
  return owned;
}

kube::Store& Caches::app_store(const std::string& namespace_) {
  return const_cast<Cache*>(scope_of(apps_, namespace_))->store;
}

kube::Store& Caches::store(Kind kind, const std::string& namespace_) {
  return const_cast<Cache*>(scope_of(children_.at(kind), namespace_))->store;
}

base::Result<kube::Object> Caches::read(Kind kind, std::string_view text) {
  return decoder_.object(text, todoapp::resource_of(kind), {.prefix = std::string(todoapp::prefix)});
}

base::Result<kube::Object> Caches::read_app(std::string_view text) {
  // Of metadata alone, as writes are answered: without a body, which would else look like one that is empty.
  return decoder_.object(text, todoapp::app_resource(), todoapp::app_metadata_pruning());
}

std::map<std::string, std::uint64_t> Caches::restarts() const {
  std::map<std::string, std::uint64_t> restarts;
  const auto count = [&](const std::string& kind, const Scopes& scopes) {
    for (const auto& [name, cache] : scopes) {
      const auto& counters = cache.watcher->counters();
      const auto wanted = 1 + counters.renewals;  // the first set is the start
      restarts[kind] += counters.sets > wanted ? counters.sets - wanted : 0;
    }
  };
  count(todoapp::app_resource().kind, apps_);
  for (const auto& [kind, scopes] : children_) count(std::string(todoapp::to_string(kind)), scopes);
  return restarts;
}

}  // namespace shell
