// A plan carried out on a scripted transport, with caches that the test fills by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/model/decode.hpp"
#include "operator/execute.hpp"
#include "todoapp/names.hpp"
#include "unit/operator/shell_rig.hpp"

namespace shell::test {

inline todoapp::Intent intent_of(todoapp::Kind kind, const std::string& name, const std::string& hash = "abc") {
  return {
      kind, name,
      fmt::format(R"({{"apiVersion":"v1","kind":"{}","metadata":{{"annotations":{{"apps.todoapp.dev/applied":"{}"}})"
                  R"(,"name":"{}"}},"spec":{{"ports":[{{"port":81}}],"type":"ClusterIP"}}}})",
                  todoapp::to_string(kind), hash, name),
      hash};
}

/// What a write is answered with.
inline ObjectText answer_of(const std::string& name, int version) {
  return ObjectText(name).version(version).owned_by("uid-of-todo").annotated("apps.todoapp.dev/applied", "abc");
}

class ExecuteTest : public testing::Test {
 protected:
  using Kind = todoapp::Kind;
  using Next = Executed::Next;

  ExecuteTest() {
    app.name = "todo";
    app.namespace_ = "shop";
    app.uid = "uid-of-todo";
    app.resource_version = "5";
    app.generation = 3;
    caches.app_store("shop").upsert(app);
  }

  void begin(std::vector<todoapp::Action> actions, todoapp::Memory memory = {}) {
    const ExecutionServices services{transport, caches, [this] { return (++fence_asked, may_write); },
                                     [this](const todoapp::EmitEvent& event, const kube::Object& about) {
                                       emitted.push_back(about.name + ": " + event.reason);
                                     },
                                     [this](const todoapp::Action& action) { done.push_back(action); }};
    execute(services, app, {.actions = std::move(actions), .memory = std::move(memory), .reason = {}},
            [this](Executed result) {
              ++finished;
              executed = std::move(result);
            });
  }
  Executed& run(std::vector<todoapp::Action> actions, todoapp::Memory memory = {}) {
    begin(std::move(actions), std::move(memory));
    kube::run_ready(loop);
    EXPECT_EQ(finished, 1) << "of a plan that was to end";
    return executed;
  }

  /// Into the cache, as the watch would have brought it.
  void hold(Kind kind, const std::string& text) {
    caches.store(kind, "shop")
        .upsert(*kube::decode_object(text, todoapp::resource_of(kind),
                                     {.prefix = std::string(todoapp::prefix), .keep_body = true}));
  }
  const kube::Object* held(Kind kind, const std::string& name) { return caches.find(kind, {"shop", name}); }
  static std::string status_text(int code, const std::string& reason, const std::string& message) {
    return fmt::format(R"({{"kind":"Status","code":{},"reason":"{}","message":"{}"}})", code, reason, message);
  }

  boost::asio::io_context loop;
  WatchedTransport transport{loop};
  Caches caches{
      loop,
      transport,
      {},
      {[](const auto*, const auto&, auto) {}, [](const auto&, auto) {}, [] {}, [](const auto&, const auto&) {}}};
  kube::Object app;
  bool may_write{true};
  int fence_asked{0};
  int finished{0};
  Executed executed;
  std::vector<std::string> emitted;
  std::vector<todoapp::Action> done;
};

}  // namespace shell::test
