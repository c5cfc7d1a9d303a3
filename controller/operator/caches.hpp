// All that the operator knows of the cluster: one cache per kind and watched namespace, each kept by its own watch.
//
// Law: children are watched by label, and only as much of them is kept as decisions need; Secrets are watched as
// metadata and all of them, for users' Secrets bear no label of ours. Limits: an object of one of our names without our
// label is not seen here (a create that meets it is).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kube/model/decode.hpp"
#include "kube/store.hpp"
#include "kube/transport.hpp"
#include "kube/watcher.hpp"
#include "todoapp/names.hpp"
#include "todoapp/observed.hpp"

namespace shell {

class Caches {
 public:
  struct Events {
    std::function<void(const kube::Object* app, const kube::Change&, kube::Origin)> on_app;
    std::function<void(const kube::Change&, kube::Origin)> on_child;
    std::function<void()> on_synced;  ///< when every cache holds a whole set; again after `renew`
    std::function<void(const std::string& kind, const base::Error&)> on_error;
  };

  /// No namespaces: the whole cluster.
  Caches(boost::asio::io_context& loop, kube::Transport& transport, const std::vector<std::string>& namespaces,
         Events events);
  Caches(const Caches&) = delete;
  Caches& operator=(const Caches&) = delete;
  ~Caches();

  void start();
  /// Every cache is read anew: not synced until each holds a whole set that was read after this.
  void renew();
  void stop();
  [[nodiscard]] bool synced() const { return unsynced_ == 0; }

  [[nodiscard]] const kube::Object* app(const kube::ObjectKey& key) const;
  void for_each_app(const std::function<void(const kube::Object&)>& visit) const;
  [[nodiscard]] std::size_t apps() const;
  [[nodiscard]] const kube::Object* find(todoapp::Kind kind, const kube::ObjectKey& key) const;
  [[nodiscard]] std::vector<todoapp::Child> owned_by(const std::string& namespace_, const std::string& uid) const;

  [[nodiscard]] kube::Store& app_store(const std::string& namespace_);
  [[nodiscard]] kube::Store& store(todoapp::Kind kind, const std::string& namespace_);

  /// Reads the metadata that a write is answered with; the body is what the watch brings.
  [[nodiscard]] base::Result<kube::Object> read(todoapp::Kind kind, std::string_view text);
  [[nodiscard]] base::Result<kube::Object> read_app(std::string_view text);

  /// Times that a watch had to be begun anew with a whole set, by kind; for a counter.
  [[nodiscard]] std::map<std::string, std::uint64_t> restarts() const;

 private:
  struct Cache {
    kube::Store store;
    std::unique_ptr<kube::Watcher> watcher;
  };
  /// By watched namespace; the one key "" where the whole cluster is watched.
  using Scopes = std::map<std::string, Cache, std::less<>>;

  void watch(Scopes& scopes, const kube::Resource& resource, const kube::Pruning& pruning, kube::Accept accept,
             std::string selector, std::function<void(Cache&, const kube::Change&, kube::Origin)> on_change);
  [[nodiscard]] const Cache* scope_of(const Scopes& scopes, const std::string& namespace_) const;
  void each_watcher(const std::function<void(kube::Watcher&)>& visit);
  void one_synced();

  boost::asio::io_context& loop_;
  kube::Transport& transport_;
  std::vector<std::string> namespaces_;
  Events events_;
  kube::Decoder decoder_;
  std::minstd_rand random_{std::random_device{}()};
  Scopes apps_;
  std::map<todoapp::Kind, Scopes> children_;
  std::size_t unsynced_{0};
};

}  // namespace shell
