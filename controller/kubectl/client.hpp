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
#include "kube/transport.hpp"
#include "kubectl/app_view.hpp"

namespace kubectl {

/// The name under which the plugin's fields are owned on the server.
inline constexpr std::string_view manager = "kubectl-todoapp";

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
  [[nodiscard]] base::Result<void> patch_app(const kube::ObjectKey& key, const std::string& merge_patch);

  /// Hands over the app, now and at each change, until `on_app` says false or the time is up (`timeout` 0: never).
  /// True: `on_app` ended it. Errors: not_found, where the app is not there or goes away.
  [[nodiscard]] base::Result<bool> follow(const kube::ObjectKey& key, std::chrono::seconds timeout,
                                          const std::function<bool(const AppView&)>& on_app,
                                          const std::function<void(const base::Error&)>& on_trouble);

 private:
  [[nodiscard]] base::Result<std::string> ask(kube::Request request, std::string act);

  boost::asio::io_context loop_{1};
  std::string namespace_;
  std::shared_ptr<kube::Credentials> credentials_;
  std::unique_ptr<kube::Transport> transport_;
};

}  // namespace kubectl
