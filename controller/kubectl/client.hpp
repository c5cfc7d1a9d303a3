// The plugin's way to the cluster: one question after another, and the watch of one app.
//
// Law: it waits for each answer, bounded by the request's deadline. Errors are told with what to do about them. All of
// it on the core's own transport; there is no other thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "kube/credentials.hpp"
#include "kube/model/object_key.hpp"
#include "kube/request.hpp"
#include "kube/transport.hpp"
#include "kubectl/app_view.hpp"
#include "kubectl/pod_view.hpp"

namespace kubectl {

/// The name under which the plugin's fields are owned on the server.
inline constexpr std::string_view manager = "kubectl-todoapp";

/// How the server ends its words on a field that the CRD does not have, in an apply.
inline constexpr std::string_view unknown_field = "field not declared in schema";

/// What belongs to an app, its pods too.
[[nodiscard]] std::string selector_of(const std::string& app);
/// An error with what somebody can do about it, behind the server's own words.
[[nodiscard]] base::Error with_advice(base::Error error);
[[nodiscard]] base::WallTime present();

class Client {
 public:
  explicit Client(kube::ClusterAccess access);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// The context's.
  [[nodiscard]] const std::string& default_namespace() const { return namespace_; }

  /// Texts as the server sends them.
  [[nodiscard]] base::Result<std::string> get_app(const kube::ObjectKey& key);
  [[nodiscard]] base::Result<std::string> list_apps(const std::string& where);
  [[nodiscard]] base::Result<std::string> get_record(const kube::ObjectKey& app, std::int64_t number);
  /// The app as it is then.
  [[nodiscard]] base::Result<std::string> patch_app(const kube::ObjectKey& key, const std::string& merge_patch);

  /// The app as it would be, with the server's defaults and in spite of nothing that it refuses; nothing is written.
  [[nodiscard]] base::Result<std::string> try_patch(const kube::ObjectKey& key, const std::string& merge_patch,
                                                    std::string_view as);
  /// The same for a server-side apply of a whole object.
  [[nodiscard]] base::Result<std::string> try_apply(const kube::ObjectKey& key, const std::string& json,
                                                    std::string_view as);

  /// Any object, or none where it is not there.
  [[nodiscard]] base::Result<std::optional<std::string>> find(const kube::Resource& resource,
                                                              const kube::ObjectKey& key,
                                                              kube::Accept accept = kube::Accept::object);
  /// What belongs to an app and carries its labels.
  [[nodiscard]] base::Result<std::string> list_of(const kube::Resource& resource, const kube::ObjectKey& app,
                                                  kube::Accept accept = kube::Accept::object);

  /// The pods of an app, and which revisions they are of. A user who may not list them gets a view that says so.
  [[nodiscard]] base::Result<PodsView> pods_of(const kube::ObjectKey& app);

  /// Hands over the app (and its pods where `with_pods`), now and at each change, until `on_app` says false or the time
  /// is up (`timeout` 0: never). True: `on_app` ended it. Errors: not_found, where the app is not there or goes away.
  struct Following {
    std::chrono::seconds timeout{0};
    bool with_pods{false};
    std::function<bool(const AppView&, const PodsView*)> on_app;
    std::function<void(const base::Error&)> on_trouble;
  };
  [[nodiscard]] base::Result<bool> follow(const kube::ObjectKey& key, const Following& following);

 private:
  class Follower;

  [[nodiscard]] base::Result<std::string> ask(kube::Request request, std::string act);

  boost::asio::io_context loop_{1};
  std::string namespace_;
  std::shared_ptr<kube::Credentials> credentials_;
  std::unique_ptr<kube::Transport> transport_;
};

}  // namespace kubectl
