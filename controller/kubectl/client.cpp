#include "kubectl/client.hpp"

#include <fmt/format.h>

#include <utility>

#include "kube/asio_transport.hpp"
#include "kube/model/decode.hpp"
#include "kube/request.hpp"
#include "kube/response.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

constexpr std::string_view no_crd =
    "the cluster does not know TodoAppDeployment: install the operator, docs/deployment/install.md";

}  // namespace

base::Error with_advice(base::Error error) {
  switch (error.code) {
    case base::ErrorCode::not_found:
      // Of an object that is not there the server says the name; this is said of a path.
      if (error.detail.starts_with("404 page not found")) error.detail = no_crd;
      break;
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

std::string selector_of(const std::string& app) {
  return fmt::format("app.kubernetes.io/name=todoapp,app.kubernetes.io/instance={}", app);
}

base::WallTime present() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

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
  if (!answer && answer.error().code == base::ErrorCode::not_found && answer.error().detail != no_crd) {
    answer.error().detail += "; kubectl todoapp status -A lists all apps";
  }
  return answer;
}

base::Result<std::string> Client::list_apps(const std::string& where) {
  const auto act = where.empty() ? std::string("list all apps") : "list the apps of namespace " + where;
  auto answer = ask(kube::make_list(todoapp::app_resource(), where, {}), act);
  if (!answer && answer.error().code == base::ErrorCode::not_found) answer.error().detail = no_crd;
  return answer;
}

base::Result<std::string> Client::get_record(const kube::ObjectKey& app, std::int64_t number) {
  const kube::ObjectKey key{app.namespace_, todoapp::revision_name(app.name, number)};
  return ask(kube::make_get(kube::resources::controller_revisions(), key),
             fmt::format("read the record {}", kube::to_string(key)));
}

base::Result<std::string> Client::patch_app(const kube::ObjectKey& key, const std::string& merge_patch) {
  return ask(kube::make_merge_patch(todoapp::app_resource(), key, merge_patch, {.manager = manager}),
             fmt::format("change app {}", kube::to_string(key)));
}

base::Result<std::string> Client::try_patch(const kube::ObjectKey& key, const std::string& merge_patch,
                                            std::string_view as) {
  auto request = kube::make_merge_patch(todoapp::app_resource(), key, merge_patch, {.dry_run = true, .manager = as});
  // As kubectl asks: a field that nobody knows is refused, not dropped.
  request.target += "&fieldValidation=Strict";
  return ask(std::move(request), fmt::format("try a change of app {}", kube::to_string(key)));
}

base::Result<std::string> Client::try_apply(const kube::ObjectKey& key, const std::string& json, std::string_view as) {
  auto answer = ask(kube::make_apply(todoapp::app_resource(), key, json, {.dry_run = true, .manager = as}),
                    fmt::format("try to apply app {}", kube::to_string(key)));
  if (answer) return answer;
  // The server calls it a failure of its own.
  auto error = answer.error();
  const auto end = error.detail.find(unknown_field);
  if (end == std::string::npos) return answer;
  error.code = base::ErrorCode::invalid;
  error.detail.resize(end + unknown_field.size());
  return base::Failure(std::move(error));
}

base::Result<std::optional<std::string>> Client::find(const kube::Resource& resource, const kube::ObjectKey& key,
                                                      kube::Accept accept) {
  auto answer = ask(kube::make_get(resource, key, accept), fmt::format("read {} {}", resource.kind, key.name));
  if (answer) return std::optional(*std::move(answer));
  const auto& error = answer.error();
  const bool installed = error.detail != no_crd || resource.group != todoapp::app_resource().group;
  if (error.code == base::ErrorCode::not_found && installed) return std::optional<std::string>{};
  return base::Failure(answer.error());
}

base::Result<std::string> Client::list_of(const kube::Resource& resource, const kube::ObjectKey& app,
                                          kube::Accept accept) {
  return ask(kube::make_list(resource, app.namespace_, {.label_selector = selector_of(app.name)}, accept),
             fmt::format("list {} of app {}", resource.plural, kube::to_string(app)));
}

base::Result<PodsView> Client::pods_of(const kube::ObjectKey& app) {
  PodsView view;
  view.now = present();
  for (const auto* resource : {&kube::resources::pods(), &kube::resources::controller_revisions()}) {
    const bool of_pods = resource->kind == "Pod";
    const auto text = list_of(*resource, app, of_pods ? kube::Accept::object : kube::Accept::metadata);
    if (!text && text.error().code == base::ErrorCode::forbidden) {
      view.allowed = view.allowed && !of_pods;  // without records it is only not known of which revision they are
      continue;
    }
    if (!text) return base::Failure(text.error());
    auto page = kube::Decoder().page(*text, *resource, pod_pruning());
    if (!page) return base::Failure(page.error());
    for (const auto& object : page->objects) {
      if (!of_pods) {
        note_templates(view.revisions, object);
      } else if (auto pod = pod_of(object)) {
        view.pods.push_back(*std::move(pod));
      }
    }
  }
  return view;
}

}  // namespace kubectl
