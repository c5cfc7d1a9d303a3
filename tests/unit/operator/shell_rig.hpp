// What the shell's tests share: a transport whose watches the test feeds, texts of objects, and how a request is
// printed. Law: it knows what watches look like on the wire, and nothing of what an API server does.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/request.hpp"
#include "unit/kube/scripted_transport.hpp"

namespace kube {

inline void PrintTo(const Request& request, std::ostream* out) {
  *out << to_string(request.method) << " " << request.target << "\n  type: " << request.content_type
       << "\n  accept: " << request.accept << "\n  body: " << request.body
       << "\n  deadline: " << request.deadline.count() << " ms, idle: " << request.idle.count() << " ms";
}

}  // namespace kube

namespace shell::test {

inline constexpr const char* metadata_accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

inline constexpr const char* apps_path = "/apis/apps.todoapp.dev/v1alpha1/todoappdeployments";
inline constexpr const char* deployments_path = "/apis/apps/v1/deployments";
inline constexpr const char* secrets_path = "/api/v1/secrets";

/// A ScriptedTransport whose watches are fed by the test.
class WatchedTransport : public kube::ScriptedTransport {
 public:
  using ScriptedTransport::ScriptedTransport;

  kube::CallId stream(kube::Request request, kube::StreamHandler handler) override {
    watches.push_back(request.target);
    const auto call = ++last_stream_;
    const auto path = request.target.substr(0, request.target.find('?'));
    streams_[call] = {path, std::make_shared<kube::StreamHandler>(std::move(handler))};
    return call;
  }
  void cancel(kube::CallId call) override {
    const auto at = streams_.find(call);
    if (at == streams_.end()) return ScriptedTransport::cancel(call);
    std::erase(filled_, at->second.path);
    streams_.erase(at);
  }

  /// The first whole set of one kind, at version 100.
  void fill(const std::string& path, const std::vector<std::string>& objects) {
    const auto handler = handler_of(path);
    filled_.push_back(path);
    handler->on_head({200, "application/json", std::nullopt});
    std::string lines;
    for (const auto& object : objects) lines += line("ADDED", object);
    lines += line("BOOKMARK",
                  R"({"metadata":{"resourceVersion":"100","annotations":{"k8s.io/initial-events-end":"true"}}})");
    handler->on_data(lines);
  }
  /// Of all kinds that were not filled yet, `kept` apart: nothing is there.
  void fill_the_rest(const std::string& kept = {}) {
    std::vector<std::string> paths;
    for (const auto& [call, stream] : streams_) {
      const bool filled = std::find(filled_.begin(), filled_.end(), stream.path) != filled_.end();
      if (!filled && stream.path != kept) paths.push_back(stream.path);
    }
    for (const auto& path : paths) fill(path, {});
  }
  /// One event, or several in one piece.
  void tell(const std::string& path, const std::vector<std::pair<std::string, std::string>>& events) {
    std::string lines;
    for (const auto& [type, object] : events) lines += line(type, object);
    handler_of(path)->on_data(lines);
  }
  [[nodiscard]] std::size_t open_watches() const { return streams_.size(); }

  std::vector<std::string> watches;  ///< targets, in the order they were asked for

 private:
  struct Stream {
    std::string path;
    std::shared_ptr<kube::StreamHandler> handler;
  };

  static std::string line(const std::string& type, std::string object) {
    std::erase(object, '\n');
    return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
  }
  std::shared_ptr<kube::StreamHandler> handler_of(const std::string& path) {
    for (const auto& [call, stream] : streams_) {
      if (stream.path == path) return stream.handler;
    }
    throw std::logic_error("nobody watches " + path);
  }

  std::map<kube::CallId, Stream> streams_;
  std::vector<std::string> filled_;
  kube::CallId last_stream_{1'000'000};
};

/// An object as an API server would send it: `ObjectText("todo").version(7).owned_by("app-uid")`.
class ObjectText {
 public:
  explicit ObjectText(std::string name) : name_(std::move(name)), uid_("uid-of-" + name_) {}

  ObjectText& in(std::string name) { return set(namespace_, std::move(name)); }
  ObjectText& uid(std::string uid) { return set(uid_, std::move(uid)); }
  ObjectText& version(int number) { return set(version_, number); }
  ObjectText& generation(int number) { return set(generation_, number); }
  ObjectText& owned_by(std::string uid) { return set(owner_, std::move(uid)); }
  ObjectText& annotated(const std::string& key, const std::string& value) {
    return set(annotations_,
               fmt::format(R"({}{}"{}":"{}")", annotations_, annotations_.empty() ? "" : ",", key, value));
  }
  ObjectText& labelled(const std::string& key, const std::string& value) {
    return set(labels_, fmt::format(R"("{}":"{}")", key, value));
  }
  ObjectText& deleting() { return set(deleting_, true); }
  /// Members beside the metadata: `"spec":{},"data":{}`.
  ObjectText& with(std::string members) { return set(members_, std::move(members)); }

  operator std::string() const {  // NOLINT(google-explicit-constructor): it stands for its text
    std::string text =
        fmt::format(R"({{"metadata":{{"name":"{}","namespace":"{}","uid":"{}","resourceVersion":"{}","generation":{})",
                    name_, namespace_, uid_, version_, generation_);
    if (deleting_) text += R"(,"deletionTimestamp":"2026-01-31T12:00:00Z")";
    if (!annotations_.empty()) text += fmt::format(R"(,"annotations":{{{}}})", annotations_);
    if (!labels_.empty()) text += fmt::format(R"(,"labels":{{{}}})", labels_);
    if (!owner_.empty()) text += fmt::format(R"(,"ownerReferences":[{{"uid":"{}","controller":true}}])", owner_);
    text += "}";
    if (!members_.empty()) text += "," + members_;
    return text + "}";
  }

 private:
  template <class Member, class Value>
  ObjectText& set(Member& member, Value value) {
    member = std::move(value);
    return *this;
  }

  std::string name_;
  std::string namespace_{"shop"};
  std::string uid_;
  int version_{10};
  int generation_{1};
  std::string owner_;
  std::string annotations_;
  std::string labels_;
  std::string members_;
  bool deleting_{false};
};

inline constexpr const char* images =
    R"("frontend":{"image":"localhost/todo-frontend:1.0.0"},"backend":{"image":"localhost/todo-backend:1.0.0"})";

/// An app; `more` is what its spec has beside the images.
inline ObjectText app_text(const std::string& name, const std::string& more = {}) {
  return ObjectText(name).with(fmt::format(R"("spec":{{{}{}{}}})", images, more.empty() ? "" : ",", more));
}

/// An app of which one pass writes a status and no more.
inline ObjectText suspended_app_text(const std::string& name) { return app_text(name, R"("suspend":true)"); }

inline constexpr const char* live_secret_spec =
    R"("secrets":[{"name":"DB","valueFrom":{"secretKeyRef":{"name":"todo-db","key":"url"}}}])";

/// The path of one object: `path_of("/api/v1", "secrets", "todo-db")`.
inline std::string path_of(const std::string& group, const std::string& plural, const std::string& name) {
  return fmt::format("{}/namespaces/shop/{}/{}", group, plural, name);
}

}  // namespace shell::test
