#include "kubectl/client.hpp"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <random>
#include <utility>

#include "kube/asio_transport.hpp"
#include "kube/request.hpp"
#include "kube/response.hpp"
#include "kube/watcher.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

/// What somebody can do about it, behind the server's own words.
base::Error with_advice(base::Error error) {
  switch (error.code) {
    case base::ErrorCode::retry:
      error.detail += "; is the API server up, and is the context the right one? kubectl config current-context";
      break;
    case base::ErrorCode::forbidden:
      error.detail += "; ask an administrator for that right";
      break;
    default:
      break;
  }
  return error;
}

}  // namespace

Client::Client(kube::ClusterAccess access)
    : namespace_(access.namespace_),
      credentials_(std::make_shared<kube::Credentials>(loop_, std::move(access))),
      transport_(kube::make_asio_transport(loop_, credentials_, {.user_agent = std::string(manager)})) {}

Client::~Client() {
  bool closed = false;
  transport_->close([&closed] { closed = true; });
  loop_.restart();
  while (!closed && loop_.run_one() > 0) {
  }
}

base::Result<std::string> Client::ask(kube::Request request, std::string act) {
  std::optional<base::Result<kube::Response>> answer;
  transport_->send(std::move(request), [&](base::Result<kube::Response> result) { answer = std::move(result); });
  loop_.restart();
  while (!answer && loop_.run_one() > 0) {
  }
  if (!answer) return base::fail(base::ErrorCode::stopped, std::move(act), "there was no answer");
  if (!*answer) {
    answer->error().act = std::move(act);
    return base::Failure(with_advice(std::move(answer->error())));
  }
  auto success = kube::require_success(std::move(**answer), std::move(act));
  if (!success) return base::Failure(with_advice(std::move(success.error())));
  return std::move(success->body);
}

base::Result<std::string> Client::get_app(const kube::ObjectKey& key) {
  auto answer = ask(kube::make_get(todoapp::app_resource(), key), fmt::format("read app {}", kube::to_string(key)));
  if (!answer && answer.error().code == base::ErrorCode::not_found) {
    answer.error().detail += "; kubectl todoapp status -A lists all apps";
  }
  return answer;
}

base::Result<std::string> Client::list_apps(const std::string& where) {
  const auto act = where.empty() ? std::string("list all apps") : "list the apps of namespace " + where;
  auto answer = ask(kube::make_list(todoapp::app_resource(), where, {}), act);
  if (!answer && answer.error().code == base::ErrorCode::not_found) {
    answer.error().detail =
        "the cluster does not know TodoAppDeployment: install the operator, docs/deployment/install.md";
  }
  return answer;
}

base::Result<std::string> Client::get_record(const kube::ObjectKey& app, std::int64_t number) {
  const kube::ObjectKey key{app.namespace_, todoapp::revision_name(app.name, number)};
  return ask(kube::make_get(kube::resources::controller_revisions(), key),
             fmt::format("read the record {}", kube::to_string(key)));
}

base::Result<void> Client::patch_app(const kube::ObjectKey& key, const std::string& merge_patch) {
  const auto answer = ask(kube::make_merge_patch(todoapp::app_resource(), key, merge_patch, {.manager = manager}),
                          fmt::format("change app {}", kube::to_string(key)));
  if (!answer) return base::Failure(answer.error());
  return {};
}

base::Result<bool> Client::follow(const kube::ObjectKey& key, std::chrono::seconds timeout,
                                  const std::function<bool(const AppView&)>& on_app,
                                  const std::function<void(const base::Error&)>& on_trouble) {
  kube::Decoder decoder;
  kube::Store store;
  std::optional<base::Result<bool>> end;
  std::minstd_rand random{std::random_device{}()};
  const auto gone = [&] {
    end = base::fail(base::ErrorCode::not_found, "watch app " + kube::to_string(key), "it is not there (any more)");
  };
  const auto look = [&] {
    if (end) return;
    const auto* object = store.find(key);
    if (object == nullptr) return gone();
    const auto view = view_of(*object);
    if (!view) {
      end = base::Failure(view.error());
    } else if (!on_app(*view)) {
      end = true;
    }
  };
  kube::WatcherOptions options;
  options.resource = todoapp::app_resource();
  options.namespace_ = key.namespace_;
  options.field_selector = "metadata.name=" + key.name;
  options.pruning = app_pruning();
  options.machine.what = "the app";
  bool synced = false;
  kube::WatcherEvents events{[&](const kube::Change&, kube::Origin) {
                               if (synced) look();
                             },
                             [&] {
                               synced = true;
                               look();
                             },
                             [&](const base::Error& error) {
                               // What time does not mend ends the watch.
                               if (error.code == base::ErrorCode::retry) return on_trouble(error);
                               end = base::Failure(with_advice(error));
                             }};
  kube::Watcher watcher(loop_.get_executor(), *transport_, decoder, store, std::move(options), std::move(events),
                        [&] { return std::uniform_real_distribution<double>{}(random); });
  boost::asio::steady_timer timer(loop_);
  if (timeout.count() > 0) {
    timer.expires_after(timeout);
    timer.async_wait([&](const boost::system::error_code& error) {
      if (!error && !end) end = false;
    });
  }
  watcher.start();
  loop_.restart();
  while (!end && loop_.run_one() > 0) {
  }
  watcher.stop();
  timer.cancel();
  // What the timer's handler refers to ends with this call.
  loop_.poll();
  return end ? *end : base::Result<bool>(base::fail(base::ErrorCode::stopped, "watch the app", "the watch ended"));
}

}  // namespace kubectl
