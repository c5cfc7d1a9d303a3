#include "model/scenarios.hpp"

#include "support/builders.hpp"

namespace todoapp::model {
namespace {

using test::an_app;
using test::AppBuilder;

constexpr std::uint8_t second = 0b10;

AppBuilder at_version(std::string version) {
  return an_app()
      .with_backend_image("localhost/todo-backend:" + version)
      .with_frontend_image("localhost/todo-frontend:" + version);
}

AppBuilder content_a() { return at_version("1.0.0"); }
AppBuilder content_b() { return at_version("2.0.0"); }
AppBuilder content_c() { return at_version("3.0.0"); }

}  // namespace

Scenario upgrades() {
  return {.name = "upgrades",
          .contents = {content_a(), content_b()},
          .bad = second,
          .allowed = {.edits = true, .retries = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario installs() {
  return {.name = "installs",
          .contents = {content_a(), content_b()},
          .bad = second,
          .installed = false,
          .allowed = {.edits = true},
          .budget = {.edits = 1, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario pins() {
  return {.name = "pins",
          .contents = {content_a(), content_b()},
          .bad = second,
          .allowed = {.edits = true, .pins = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario short_history() {
  return {.name = "short history",
          .contents = {content_a().keeping(1), content_b().keeping(1), content_c().keeping(1)},
          .bad = second,
          .allowed = {.edits = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario holding() {
  const auto held = [](AppBuilder app) { return app.on_failure(OnFailure::hold).retrying(1); };
  return {.name = "holding",
          .contents = {held(content_a()), held(content_b())},
          .bad = second,
          .allowed = {.edits = true, .retries = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario stale_caches() {
  return {.name = "stale records and Deployments",
          .contents = {content_a(), content_b()},
          .bad = second,
          .allowed = {.edits = true, .take_overs = true},
          .budget = {.edits = 1, .faults = 1, .lags = 2, .failures = 1},
          .may_stall = static_cast<std::uint16_t>(bit_of(Kind::deployment) | bit_of(Kind::controller_revision)),
          .most_states = 1000000};
}

Scenario children() {
  const auto sealing = [](AppBuilder app) {
    return app.with_generated_secret("SESSION_KEY").with_config("LOG", "info");
  };
  return {.name = "children",
          .contents = {sealing(content_a()), sealing(content_b()).with_config("LOG", "debug")},
          .bad = second,
          .allowed = {.edits = true, .removals = true, .tampering = true, .refusals = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 0}};
}

Scenario migrations() {
  return {.name = "migrations",
          .contents = {content_a().with_migration(1, 1), content_b().with_migration(2, 2)},
          .bad = second,
          .allowed = {.edits = true, .pins = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario rotations() {
  const auto live = [](AppBuilder app) { return app.with_live_secret("DATABASE_URL", "todo-db", "url"); };
  return {.name = "rotations",
          .contents = {live(content_a()), live(content_b())},
          .bad = second,
          .allowed = {.edits = true, .restarts = true, .rotates = true},
          .budget = {.edits = 2, .faults = 1, .lags = 0, .failures = 1}};
}

Scenario statuses() {
  return {.name = "statuses",
          .contents = {content_a(), content_b()},
          .bad = second,
          .status = true,
          .allowed = {.edits = true},
          .budget = {.edits = 1, .faults = 1, .lags = 0, .failures = 1}};
}

}  // namespace todoapp::model
