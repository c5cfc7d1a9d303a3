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
#include "todoapp/content_record.hpp"
#include "todoapp/names.hpp"
#include "todoapp/revision.hpp"

namespace shell {
namespace {

using todoapp::Kind;
using todoapp::to_string;
using Json = nlohmann::json;

constexpr kube::WriteOptions answer_metadata{.accept = kube::Accept::metadata};
/// Who owns what patches set on objects that are applied: one manager must not both apply and update.
constexpr std::string_view ports_manager = "todoapp-operator-ports";
/// Who owns the replicas between our giving them up and the autoscaler's first word.
constexpr std::string_view replicas_manager = "todoapp-operator-replicas";
constexpr std::string_view labels_manager = "todoapp-operator-labels";
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
  return kube::canonical(
      Json{{"metadata", {{"uid", outcome.uid}, {"resourceVersion", outcome.version}, {"annotations", annotations}}}});
}

/// The status is canonical text already.
std::string status_patch(const kube::Object& app, const std::string& status) {
  return fmt::format(
      R"([{{"op":"test","path":"/metadata/uid","value":"{}"}},{{"op":"add","path":"/status","value":{}}}])", app.uid,
      status);
}

std::string labels_patch(const kube::Object& app, const kube::Object& object) {
  return kube::canonical(
      Json{{"metadata", {{"uid", object.uid}, {"labels", todoapp::object_labels(app.name, nullptr)}}}});
}

bool is_labelled(const std::string& object) {
  const auto labels = Json::parse(object).value("/metadata/labels"_json_pointer, Json::object());
  return labels.value("app.kubernetes.io/managed-by", "") == todoapp::field_manager;
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
  using Answer = base::Result<kube::Response>;
  using Handler = std::function<void(Answer)>;

  // Each `act` returns whether an answer is waited for. Handlers refer to their action, which stays in the plan.

  bool act(const todoapp::Apply& apply) {
    const auto& intent = apply.intent;
    auto request = kube::make_apply(todoapp::resource_of(intent.kind), key_of(intent.name), with_precondition(apply),
                                    answer_metadata);
    return send(std::move(request), "apply", to_string(intent.kind), intent.name, [this, &apply](Answer answer) {
      if (!answer && apply.uid.empty() && answer.error().code == base::ErrorCode::conflict) {
        return look_at_occupant(apply.intent.kind, apply.intent.name);
      }
      took_object(apply.intent, std::move(answer));
    });
  }

  bool act(const todoapp::ReplacePorts& replace) {
    const auto& intent = replace.intent;
    auto request = kube::make_json_patch(todoapp::resource_of(Kind::service), key_of(intent.name), ports_patch(replace),
                                         {.accept = kube::Accept::metadata, .manager = ports_manager});
    return send(std::move(request), "change the ports of", to_string(Kind::service), intent.name,
                [this, &intent](Answer answer) { took_object(intent, std::move(answer)); });
  }

  bool act(const todoapp::HandOverReplicas& handover) {
    const auto key = key_of(handover.name);
    const auto& resource = todoapp::resource_of(Kind::deployment);
    const Json body{{"apiVersion", resource.api_version()},
                    {"kind", resource.kind},
                    {"metadata", {{"name", key.name}, {"namespace", key.namespace_}, {"uid", handover.uid}}},
                    {"spec", {{"replicas", handover.replicas}}}};
    auto request = kube::make_apply(resource, key, kube::canonical(body),
                                    {.accept = kube::Accept::metadata, .manager = replicas_manager});
    return send(std::move(request), "hand over the replicas of", to_string(Kind::deployment), handover.name,
                [this](Answer answer) { took(Kind::deployment, std::move(answer)); });
  }

  bool act(const todoapp::CreateRevision& create) {
    auto request = kube::make_create(todoapp::resource_of(Kind::controller_revision), app_.namespace_, create.body,
                                     answer_metadata);
    return send(std::move(request), "create", to_string(Kind::controller_revision), create.name,
                [this, &create](Answer answer) {
                  if (!answer && answer.error().code == base::ErrorCode::already_exists) {
                    return look_at_occupant(Kind::controller_revision, create.name);
                  }
                  took(Kind::controller_revision, std::move(answer));
                });
  }

  bool act(const todoapp::RecordOutcome& outcome) {
    auto request = kube::make_merge_patch(todoapp::resource_of(Kind::controller_revision), key_of(outcome.name),
                                          outcome_patch(outcome), answer_metadata);
    return send(std::move(request), "record the outcome on", to_string(Kind::controller_revision), outcome.name,
                [this](Answer answer) { took(Kind::controller_revision, std::move(answer)); });
  }

  bool act(const todoapp::Delete& removal) {
    auto request = kube::make_delete(todoapp::resource_of(removal.kind), key_of(removal.name), {.uid = removal.uid});
    return send(std::move(request), "delete", to_string(removal.kind), removal.name, [this, &removal](Answer answer) {
      if (!answer && answer.error().code != base::ErrorCode::not_found) return failed(answer.error());
      store(removal.kind).note_delete(key_of(removal.name), removal.uid);
      succeeded();
    });
  }

  bool act(const todoapp::WriteStatus& status) {
    auto request = kube::make_json_patch(todoapp::app_resource(), key_of(app_.name), status_patch(app_, status.status),
                                         {.subresource = "status", .accept = kube::Accept::metadata});
    return send(std::move(request), "write the status of", todoapp::app_resource().kind, app_.name,
                [this, &status](Answer answer) { took_status(status, std::move(answer)); });
  }

  bool act(const todoapp::ReadSecret& read) {
    return send(kube::make_get(todoapp::resource_of(Kind::secret), key_of(read.name)), "read", to_string(Kind::secret),
                read.name, [this, &read](Answer answer) {
                  if (!answer) return failed(answer.error());
                  auto values = read_secret(answer->body);
                  if (!values) return try_later(values.error());
                  store(Kind::secret).note_write(std::move(values->object));
                  result_.memory.secrets[read.name] = std::move(values->values);
                  read_ = true;
                  go_on();
                });
  }

  bool act(const todoapp::ReadRevision& read) {
    return send(kube::make_get(todoapp::resource_of(Kind::controller_revision), key_of(read.name)), "read",
                to_string(Kind::controller_revision), read.name, [this, &read](Answer answer) {
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
    return send(std::move(request), "list", "pods of", app_.name, [this](Answer answer) {
      if (!answer) return failed(answer.error());
      auto page = kube::decode_pods(answer->body);
      if (!page) return try_later(page.error());
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
    const auto key = key_of(verified.name);
    const auto* held = store(verified.kind).find(key);
    if (held != nullptr && held->fingerprint == verified.fingerprint) {
      store(verified.kind).mark_verified(key, verified.intent_hash);
    }
    return false;
  }

  bool act(const todoapp::RequeueAt& requeue) {
    result_.look_again = requeue.at;
    return false;
  }

  /// `kind` and `name` are how a refusal calls it.
  bool send(kube::Request request, std::string_view verb, std::string_view kind, const std::string& name,
            Handler handler) {
    if (request.method != kube::Method::get && !services_.may_write()) {
      finish(Executed::Next::stopped);
      return true;
    }
    what_ = fmt::format("{} {}", kind, name);
    services_.transport.send(std::move(request),
                             [self = shared_from_this(), handler = std::move(handler),
                              act = fmt::format("{} {} {}", verb, kind, kube::to_string(key_of(name)))](Answer answer) {
                               if (answer) answer = kube::require_success(*std::move(answer), act);
                               handler(std::move(answer));
                             });
    return true;
  }

  /// A write whose answer is the metadata of an object of the app.
  void took(Kind kind, Answer answer) {
    if (!answer) return failed(answer.error());
    auto object = services_.caches.read(kind, answer->body);
    if (!object) return try_later(object.error());
    store(kind).note_write(*std::move(object));
    succeeded();
  }

  void took_object(const todoapp::Intent& intent, Answer answer) {
    if (!answer) return failed(answer.error());
    wrote_objects_ = true;
    auto object = services_.caches.read(intent.kind, answer->body);
    if (!object) return try_later(object.error());
    const auto key = key_of(intent.name);
    const auto version = object->resource_version;
    store(intent.kind).note_write(*std::move(object));
    // Where the watch was faster it may show what somebody changed since, and that nobody has compared yet.
    const auto* held = store(intent.kind).find(key);
    if (held != nullptr && held->resource_version == version) store(intent.kind).mark_verified(key, intent.hash);
    succeeded();
  }

  void took_status(const todoapp::WriteStatus& status, Answer answer) {
    if (!answer) {
      // The status is where refusals are told, so its own can only be tried again.
      const auto code = answer.error().code;
      const bool refused = code == base::ErrorCode::invalid || code == base::ErrorCode::forbidden;
      return refused ? try_later(answer.error()) : failed(answer.error());
    }
    auto object = services_.caches.read_app(answer->body);
    if (!object) return try_later(object.error());
    object->status = std::make_shared<const std::string>(status.status);
    const auto* held = services_.caches.app(key_of(app_.name));
    // The answer has no spec. Where it tells of a newer one, only the watch can bring both together.
    if (held != nullptr && held->generation == object->generation) {
      services_.caches.app_store(app_.namespace_).note_write(*std::move(object));
    }
    succeeded();
  }

  void succeeded() {
    services_.done(plan_.actions[next_ - 1]);
    go_on();
  }

  /// An object of this name is there, and the caches do not show it: our own, or a stranger.
  void look_at_occupant(Kind kind, const std::string& name) {
    auto request = kube::make_get(todoapp::resource_of(kind), key_of(name), kube::Accept::metadata);
    send(std::move(request), "look at", to_string(kind), name, [this, kind](Answer answer) {
      if (!answer) return failed(answer.error());
      const auto object = services_.caches.read(kind, answer->body);
      if (!object) return try_later(object.error());
      if (object->controller_uid == app_.uid) {
        // Labelled as it was made: only the answer was lost, and the watch is about to show it.
        if (is_labelled(answer->body)) return try_later({base::ErrorCode::retry, what_, "its own create, unanswered"});
        return label_again(kind, *object);
      }
      refuse(base::ErrorCode::already_exists,
             "exists and does not belong to this app, so it is left alone; delete or rename it, or rename the app");
    });
  }

  /// It lost the label that the cache goes by. A cache takes nothing that its watch has come past and does not show, so
  /// the label comes first.
  void label_again(Kind kind, const kube::Object& object) {
    auto request = kube::make_merge_patch(todoapp::resource_of(kind), key_of(object.name), labels_patch(app_, object),
                                          {.accept = kube::Accept::metadata, .manager = labels_manager});
    send(std::move(request), "label", to_string(kind), object.name, [this, kind](Answer answer) {
      if (!answer) return failed(answer.error());
      auto labelled = services_.caches.read(kind, answer->body);
      if (!labelled) return try_later(labelled.error());
      // Without its mark the next pass applies it again, which puts right whatever else it lost.
      std::erase_if(labelled->annotations, [](const auto& pair) { return pair.first == todoapp::mark::applied; });
      store(kind).note_write(*std::move(labelled));
      finish(Executed::Next::again);
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
        return try_later(error);
    }
  }

  /// Also where an answer cannot be read: it says nothing of what was asked for, and the next pass finds out.
  void try_later(const base::Error& error) {
    result_.error = base::to_string(error);
    result_.not_before = error.retry_after;
    finish(Executed::Next::failed);
  }

  void finish(Executed::Next next) {
    result_.next = next;
    finished_(std::move(result_));
  }

  [[nodiscard]] kube::ObjectKey key_of(const std::string& name) const { return {app_.namespace_, name}; }
  [[nodiscard]] kube::Store& store(Kind kind) { return services_.caches.store(kind, app_.namespace_); }

  ExecutionServices services_;
  const kube::Object app_;
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
