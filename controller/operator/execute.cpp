#include "operator/execute.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "kube/model/canonical_json.hpp"
#include "kube/model/decode.hpp"
#include "kube/model/pod.hpp"
#include "kube/request.hpp"
#include "kube/response.hpp"
#include "operator/answers.hpp"
#include "todoapp/names.hpp"
#include "todoapp/revision.hpp"

namespace shell {
namespace {

using todoapp::Kind;
using Json = nlohmann::json;

constexpr kube::WriteOptions answer_metadata{.accept = kube::Accept::metadata};
/// Who owns ports that a JSON patch sets: one manager must not both apply and update.
constexpr std::string_view ports_manager = "todoapp-operator-ports";
constexpr std::string_view metadata_open = "\"metadata\":{";

/// The apply's precondition. With a uid: that object and no other. Without: a resource version that no object has, so
/// that the apply creates, or conflicts with whatever stands there.
std::string with_precondition(const todoapp::Apply& apply) {
  auto body = apply.intent.body;
  const auto at = body.find(metadata_open) + metadata_open.size();
  body.insert(
      at, apply.uid.empty() ? std::string("\"resourceVersion\":\"1\",") : fmt::format("\"uid\":\"{}\",", apply.uid));
  return body;
}

std::string ports_patch(const todoapp::ReplacePorts& replace) {
  const auto intent = Json::parse(replace.intent.body);
  Json patch = Json::array({{{"op", "test"}, {"path", "/metadata/uid"}, {"value", replace.uid}},
                            {{"op", "add"}, {"path", "/spec/type"}, {"value", intent["spec"]["type"]}},
                            {{"op", "replace"}, {"path", "/spec/ports"}, {"value", intent["spec"]["ports"]}}});
  for (const auto& [key, value] : intent["metadata"]["annotations"].items()) {
    auto path = key;
    for (std::size_t at = 0; (at = path.find('/', at)) != std::string::npos; at += 2) path.replace(at, 1, "~1");
    patch.push_back({{"op", "add"}, {"path", "/metadata/annotations/" + path}, {"value", value}});
  }
  return kube::canonical(patch);
}

std::string outcome_patch(const todoapp::RecordOutcome& outcome) {
  Json annotations = Json::object();
  for (const auto& [name, value] : outcome.marks) annotations[todoapp::marked(name)] = value;
  return kube::canonical(Json{{"metadata", {{"uid", outcome.uid}, {"annotations", annotations}}}});
}

std::string status_patch(const kube::Object& app, const std::string& status) {
  return kube::canonical(Json::array({{{"op", "test"}, {"path", "/metadata/uid"}, {"value", app.uid}},
                                      {{"op", "add"}, {"path", "/status"}, {"value", Json::parse(status)}}}));
}

class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(ExecutionServices services, const kube::Object& app, todoapp::Plan plan,
            std::function<void(Executed)> finished)
      : services_(std::move(services)), app_(app), plan_(std::move(plan)), finished_(std::move(finished)) {
    result_.memory = std::move(plan_.memory);
  }

  /// Goes on until something has to be waited for.
  void go_on() {
    while (next_ < plan_.actions.size()) {
      const auto& action = plan_.actions[next_];
      ++next_;
      if (std::visit([this](const auto& one) { return act(one); }, action)) return;
    }
    if (wrote_objects_) result_.memory.refusal.reset();
    finish(read_ ? Executed::Next::again : Executed::Next::settled);
  }

 private:
  // Each `act` returns whether an answer is waited for.

  bool act(const todoapp::Apply& apply) {
    const auto& resource = todoapp::resource_of(apply.intent.kind);
    const kube::ObjectKey key{app_.namespace_, apply.intent.name};
    auto request = kube::make_apply(resource, key, with_precondition(apply), answer_metadata);
    return write(std::move(request), apply.intent.kind, key, "apply",
                 [this, apply, key](base::Result<kube::Response> answer) {
                   if (!answer && apply.uid.empty() && answer.error().code == base::ErrorCode::conflict) {
                     return look_at_occupant(apply.intent.kind, key);
                   }
                   took_object(apply.intent, std::move(answer));
                 });
  }

  bool act(const todoapp::ReplacePorts& replace) {
    const kube::ObjectKey key{app_.namespace_, replace.intent.name};
    auto request = kube::make_json_patch(todoapp::resource_of(Kind::service), key, ports_patch(replace),
                                         {.accept = kube::Accept::metadata, .manager = ports_manager});
    return write(
        std::move(request), Kind::service, key, "change the ports of",
        [this, replace](base::Result<kube::Response> answer) { took_object(replace.intent, std::move(answer)); });
  }

  bool act(const todoapp::CreateRevision& create) {
    const kube::ObjectKey key{app_.namespace_, create.name};
    auto request = kube::make_create(todoapp::resource_of(Kind::controller_revision), app_.namespace_, create.body,
                                     answer_metadata);
    return write(std::move(request), Kind::controller_revision, key, "create",
                 [this, key](base::Result<kube::Response> answer) {
                   if (!answer && answer.error().code == base::ErrorCode::already_exists) {
                     return look_at_occupant(Kind::controller_revision, key);
                   }
                   took(Kind::controller_revision, std::move(answer));
                 });
  }

  bool act(const todoapp::RecordOutcome& outcome) {
    const kube::ObjectKey key{app_.namespace_, outcome.name};
    auto request = kube::make_merge_patch(todoapp::resource_of(Kind::controller_revision), key, outcome_patch(outcome),
                                          answer_metadata);
    return write(std::move(request), Kind::controller_revision, key, "record the outcome on",
                 [this](base::Result<kube::Response> answer) { took(Kind::controller_revision, std::move(answer)); });
  }

  bool act(const todoapp::Delete& removal) {
    const kube::ObjectKey key{app_.namespace_, removal.name};
    auto request = kube::make_delete(todoapp::resource_of(removal.kind), key, {.uid = removal.uid});
    return write(std::move(request), removal.kind, key, "delete",
                 [this, removal, key](base::Result<kube::Response> answer) {
                   if (answer || answer.error().code == base::ErrorCode::not_found) {
                     services_.caches.store(removal.kind, app_.namespace_).note_delete(key, removal.uid);
                     return succeeded();
                   }
                   failed(answer.error());
                 });
  }

  bool act(const todoapp::WriteStatus& status) {
    const kube::ObjectKey key{app_.namespace_, app_.name};
    auto request = kube::make_json_patch(todoapp::app_resource(), key, status_patch(app_, status.status),
                                         {.subresource = "status", .accept = kube::Accept::metadata});
    what_ = fmt::format("{} {}", todoapp::app_resource().kind, kube::to_string(key));
    return send(std::move(request), "write the status of " + what_,
                [this, status](base::Result<kube::Response> answer) {
                  if (!answer) return failed(answer.error());
                  auto object = services_.caches.read_app(answer->body);
                  if (!object) return failed(object.error());
                  object->status = std::make_shared<const std::string>(status.status);
                  services_.caches.app_store(app_.namespace_).note_write(*std::move(object));
                  succeeded();
                });
  }

  bool act(const todoapp::ReadSecret& read) {
    const kube::ObjectKey key{app_.namespace_, read.name};
    return send(kube::make_get(todoapp::resource_of(Kind::secret), key), "read Secret " + kube::to_string(key),
                [this, read](base::Result<kube::Response> answer) {
                  if (!answer) return failed(answer.error());
                  auto values = read_secret(answer->body);
                  if (!values) return failed(values.error());
                  services_.caches.store(Kind::secret, app_.namespace_).note_write(std::move(values->object));
                  result_.memory.secrets[read.name] = std::move(values->values);
                  read_ = true;
                  go_on();
                });
  }

  bool act(const todoapp::ReadRevision& read) {
    const kube::ObjectKey key{app_.namespace_, read.name};
    return send(kube::make_get(todoapp::resource_of(Kind::controller_revision), key),
                "read ControllerRevision " + kube::to_string(key), [this, read](base::Result<kube::Response> answer) {
                  if (!answer) return failed(answer.error());
                  auto content = todoapp::decode_content(answer->body);
                  if (!content) return failed(content.error());
                  result_.memory.contents[read.number] = std::make_shared<const todoapp::Content>(*std::move(content));
                  read_ = true;
                  go_on();
                });
  }

  bool act(const todoapp::ListPods&) {
    auto request =
        kube::make_list(kube::resources::pods(), app_.namespace_,
                        {.label_selector = "app.kubernetes.io/name=todoapp,app.kubernetes.io/instance=" + app_.name});
    return send(std::move(request), "list the pods of " + app_.name, [this](base::Result<kube::Response> answer) {
      if (!answer) return failed(answer.error());
      auto page = kube::decode_pods(answer->body);
      if (!page) return failed(page.error());
      const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
      result_.memory.pods = todoapp::PodsSeen{now, std::move(page->pods)};
      read_ = true;
      go_on();
    });
  }

  bool act(const todoapp::EmitEvent& event) {
    services_.emit(event, app_);
    return false;
  }

  bool act(const todoapp::MarkVerified& verified) {
    services_.caches.store(verified.kind, app_.namespace_)
        .mark_verified({app_.namespace_, verified.name}, verified.intent_hash);
    return false;
  }

  bool act(const todoapp::RequeueAt& requeue) {
    result_.look_again = requeue.at;
    return false;
  }

  using Handler = std::function<void(base::Result<kube::Response>)>;

  bool write(kube::Request request, Kind kind, const kube::ObjectKey& key, std::string_view act, Handler handler) {
    what_ = fmt::format("{} {}", todoapp::to_string(kind), key.name);
    return send(std::move(request), fmt::format("{} {} {}", act, todoapp::to_string(kind), kube::to_string(key)),
                std::move(handler));
  }

  bool send(kube::Request request, std::string act, Handler handler) {
    if (request.method != kube::Method::get && !services_.may_write()) {
      finish(Executed::Next::stopped);
      return true;
    }
    services_.transport.send(std::move(request), [self = shared_from_this(), act = std::move(act),
                                                  handler = std::move(handler)](base::Result<kube::Response> answer) {
      if (answer) answer = kube::require_success(*std::move(answer), act);
      handler(std::move(answer));
    });
    return true;
  }

  /// A write whose answer is the metadata of an object of the app.
  void took(Kind kind, base::Result<kube::Response> answer) {
    if (!answer) return failed(answer.error());
    auto object = services_.caches.read(kind, answer->body);
    if (!object) return failed(object.error());
    services_.caches.store(kind, app_.namespace_).note_write(*std::move(object));
    succeeded();
  }

  void took_object(const todoapp::Intent& intent, base::Result<kube::Response> answer) {
    const bool good = answer.has_value();
    const auto& intended = intent;
    if (good) wrote_objects_ = true;
    const auto kind = intended.kind;
    const kube::ObjectKey key{app_.namespace_, intended.name};
    const auto hash = intended.hash;
    if (!good) return failed(answer.error());
    auto object = services_.caches.read(kind, answer->body);
    if (!object) return failed(object.error());
    auto& store = services_.caches.store(kind, app_.namespace_);
    store.note_write(*std::move(object));
    store.mark_verified(key, hash);
    succeeded();
  }

  void succeeded() {
    services_.done(plan_.actions[next_ - 1]);
    go_on();
  }

  /// An object of this name is there, and the caches do not show it: our own, written by an answer that was lost, or a
  /// stranger.
  void look_at_occupant(Kind kind, const kube::ObjectKey& key) {
    auto request = kube::make_get(todoapp::resource_of(kind), key, kube::Accept::metadata);
    send(std::move(request), fmt::format("look at {} {}", todoapp::to_string(kind), kube::to_string(key)),
         [this, kind](base::Result<kube::Response> answer) {
           if (!answer) return failed(answer.error());
           auto object = services_.caches.read(kind, answer->body);
           if (!object) return failed(object.error());
           if (object->controller_uid == app_.uid) {
             // Ours, but not to be seen: the answer to its create was lost, or it lost the label that the cache goes by.
             // Without its mark the next pass applies it again, which mends either.
             std::erase_if(object->annotations, [](const auto& pair) { return pair.first == todoapp::mark::applied; });
             services_.caches.store(kind, app_.namespace_).note_write(*std::move(object));
             return finish(Executed::Next::again);
           }
           refuse(
               base::ErrorCode::already_exists,
               "exists and does not belong to this app, so it is left alone; delete or rename it, or rename the app");
         });
  }

  void refuse(base::ErrorCode code, std::string detail) {
    auto& refusal = result_.memory.refusal;
    const auto tries = refusal && refusal->what == what_ ? refusal->tries + 1 : 1;
    refusal = todoapp::Refusal{code, what_, std::move(detail), app_.generation, tries, std::nullopt};
    finish(Executed::Next::again);
  }

  void failed(const base::Error& error) {
    switch (error.code) {
      case base::ErrorCode::invalid:
      case base::ErrorCode::forbidden:
        return refuse(error.code, error.detail);
      case base::ErrorCode::stopped:
        return finish(Executed::Next::stopped);
      case base::ErrorCode::retry:
      case base::ErrorCode::relist:
      case base::ErrorCode::conflict:
      case base::ErrorCode::not_found:
      case base::ErrorCode::already_exists:
      case base::ErrorCode::gone:
        result_.error = base::to_string(error);
        result_.not_before = error.retry_after;
        return finish(Executed::Next::failed);
    }
  }

  void finish(Executed::Next next) {
    result_.next = next;
    finished_(std::move(result_));
  }

  ExecutionServices services_;
  kube::Object app_;
  todoapp::Plan plan_;
  std::function<void(Executed)> finished_;
  std::size_t next_{0};
  std::string what_;
  bool wrote_objects_{false};
  bool read_{false};
  Executed result_;
};

}  // namespace

void execute(const ExecutionServices& services, const kube::Object& app, todoapp::Plan plan,
             std::function<void(Executed)> finished) {
  std::make_shared<Execution>(services, app, std::move(plan), std::move(finished))->go_on();
}

}  // namespace shell
