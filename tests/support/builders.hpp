// Chained builders of apps for unit tests: `an_app().named("todo").with_backend_image("todo:2").build()`.
// Law: `an_app()` alone is valid, and has what a server would have filled in; each call changes one thing. An
// AppBuilder turns into an App wherever one is asked for.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "todoapp/codec.hpp"
#include "todoapp/types.hpp"

namespace todoapp::test {

class AppBuilder {
 public:
  AppBuilder() {
    app_.name = "todo";
    app_.namespace_ = "shop";
    app_.uid = "11111111-2222-3333-4444-555555555555";
    app_.resource_version = "100";
    app_.generation = 1;
    app_.spec.frontend = default_tier(Tier::frontend);
    app_.spec.backend = default_tier(Tier::backend);
    app_.spec.frontend.image = "localhost/todo-frontend:1.0.0";
    app_.spec.backend.image = "localhost/todo-backend:1.0.0";
  }

  // --- identity
  AppBuilder& named(std::string name) {
    return set([&](App& app) { app.name = std::move(name); });
  }
  AppBuilder& in_namespace(std::string name) {
    return set([&](App& app) { app.namespace_ = std::move(name); });
  }
  AppBuilder& with_uid(std::string uid) {
    return set([&](App& app) { app.uid = std::move(uid); });
  }
  AppBuilder& at_generation(std::int64_t number) {
    return set([&](App& app) { app.generation = number; });
  }
  AppBuilder& being_deleted() {
    return set([](App& app) { app.deleting = true; });
  }

  // --- requests by annotation
  AppBuilder& asking_retry(std::string token) {
    return set([&](App& app) { app.requests.retry = std::move(token); });
  }
  AppBuilder& asking_approve(std::string plan) {
    return set([&](App& app) { app.requests.approve = std::move(plan); });
  }
  AppBuilder& asking_restart(std::string token) {
    return set([&](App& app) { app.requests.restart = std::move(token); });
  }
  AppBuilder& asking_rotate(std::string token) {
    return set([&](App& app) { app.requests.rotate = std::move(token); });
  }
  AppBuilder& with_change_cause(std::string cause) {
    return set([&](App& app) { app.requests.change_cause = std::move(cause); });
  }

  // --- content
  AppBuilder& with_frontend_image(std::string image) { return with_image(Tier::frontend, std::move(image)); }
  AppBuilder& with_backend_image(std::string image) { return with_image(Tier::backend, std::move(image)); }
  AppBuilder& with_image(Tier which, std::string image) {
    return with_tier(which, [&](TierSpec& tier) { tier.image = std::move(image); });
  }
  AppBuilder& with_config(std::string key, std::string value) {
    return with_spec([&](Spec& spec) { spec.config[std::move(key)] = std::move(value); });
  }
  AppBuilder& with_config(Tier which, std::string key, std::string value) {
    return with_tier(which, [&](TierSpec& tier) { tier.config[std::move(key)] = std::move(value); });
  }
  /// `env` is JSON: an EnvVar list.
  AppBuilder& with_env(Tier which, JsonText env) {
    return with_tier(which, [&](TierSpec& tier) { tier.env = std::move(env); });
  }
  AppBuilder& with_migration(std::int32_t schema_version, std::int32_t compatible_from) {
    return with_tier(Tier::backend, [&](TierSpec& tier) {
      tier.migration = Migration{.command = {"todo-backend", "migrate"},
                                 .args = {},
                                 .schema_version = schema_version,
                                 .compatible_from = compatible_from,
                                 .env = {}};
    });
  }

  // --- secrets, used by the backend unless `used_by_both` follows
  AppBuilder& with_live_secret(std::string name, std::string source, std::string key) {
    return with_secret({.name = std::move(name), .source_name = std::move(source), .source_key = std::move(key)});
  }
  AppBuilder& with_pinned_secret(std::string name, std::string source, std::string key) {
    return with_secret({.name = std::move(name),
                        .source_name = std::move(source),
                        .source_key = std::move(key),
                        .policy = SecretPolicy::pinned});
  }
  AppBuilder& with_generated_secret(std::string name, std::int32_t bytes = default_generated_bytes) {
    return with_secret({.name = std::move(name), .source_name = {}, .source_key = {}, .generate_bytes = bytes});
  }
  AppBuilder& with_secret(SecretVariable secret) {
    return with_spec([&](Spec& spec) { spec.secrets.push_back(std::move(secret)); });
  }
  /// The last secret that was added is the frontend's too.
  AppBuilder& used_by_both() {
    return with_spec([](Spec& spec) { spec.secrets.back().in_frontend = spec.secrets.back().in_backend = true; });
  }

  // --- live settings
  AppBuilder& with_replicas(Tier which, std::int32_t count) {
    return with_tier(which, [&](TierSpec& tier) { tier.replicas = count; });
  }
  AppBuilder& with_service_port(Tier which, std::int32_t port) {
    return with_tier(which, [&](TierSpec& tier) { tier.service.port = port; });
  }
  AppBuilder& autoscaled(Tier which, std::int32_t least, std::int32_t most, std::int32_t cpu) {
    return with_tier(which, [&](TierSpec& tier) {
      tier.autoscaling = Autoscaling{
          .min_replicas = least, .max_replicas = most, .target_cpu = cpu, .target_memory = {}, .behavior = {}};
    });
  }

  // --- upgrades
  AppBuilder& in_order(Order order) {
    return with_spec([&](Spec& spec) { spec.upgrade.order = order; });
  }
  AppBuilder& on_failure(OnFailure what) {
    return with_spec([&](Spec& spec) { spec.upgrade.on_failure = what; });
  }
  AppBuilder& soaking(std::chrono::seconds time) {
    return with_spec([&](Spec& spec) { spec.upgrade.soak = time; });
  }
  AppBuilder& timing_out_after(std::chrono::seconds time) {
    return with_spec([&](Spec& spec) { spec.upgrade.timeout = time; });
  }
  AppBuilder& retrying(std::int32_t times) {
    return with_spec([&](Spec& spec) { spec.upgrade.max_retries = times; });
  }
  AppBuilder& approved_by_hand() {
    return with_spec([](Spec& spec) { spec.upgrade.approval = Approval::manual; });
  }
  AppBuilder& rolled_back_to(std::int64_t number) {
    return with_spec([&](Spec& spec) { spec.rollback_to = number; });
  }
  AppBuilder& keeping(std::int32_t revisions) {
    return with_spec([&](Spec& spec) { spec.revision_history_limit = revisions; });
  }
  AppBuilder& suspended() {
    return with_spec([](Spec& spec) { spec.suspend = true; });
  }

  // --- whatever has no word of its own
  AppBuilder& with_tier(Tier which, const std::function<void(TierSpec&)>& change) {
    change(which == Tier::frontend ? app_.spec.frontend : app_.spec.backend);
    return *this;
  }
  AppBuilder& with_spec(const std::function<void(Spec&)>& change) {
    change(app_.spec);
    return *this;
  }

  [[nodiscard]] App build() const { return app_; }
  operator App() const { return app_; }  // NOLINT(google-explicit-constructor): that is what it is for

 private:
  AppBuilder& set(const std::function<void(App&)>& change) {
    change(app_);
    return *this;
  }

  App app_;
};

[[nodiscard]] inline AppBuilder an_app() { return {}; }

}  // namespace todoapp::test
