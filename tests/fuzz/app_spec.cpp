// The spec of an app, which any user writes: decoded, judged and, where nothing is wrong with it, rendered. The
// revision that is recorded of it must be readable again, by this operator or a later one.
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.hpp"
#include "todoapp/codec.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/validation.hpp"

namespace {

using todoapp::App, todoapp::Intent;

void check(const Intent& intent) {
  fuzz::require(!intent.name.empty(), "every object has a name");
  fuzz::require(nlohmann::json::accept(intent.body), "what is applied is JSON");
}

void check(const std::optional<Intent>& intent) {
  if (intent) check(*intent);
}

void render(const App& app) {
  const auto content = render_content(app, {.frontend = "todo-frontend-secrets-0f", .backend = ""});
  const auto again = todoapp::decode_content("{\"data\":" + content_text(content) + "}");
  fuzz::require(again.has_value(), "a recorded revision can be read");
  fuzz::require(again->frontend.template_hash == content.frontend.template_hash &&
                    again->backend.template_hash == content.backend.template_hash &&
                    again->backend.config == content.backend.config &&
                    again->migration.has_value() == content.migration.has_value(),
                "a recorded revision comes back as it was");
  for (const auto tier : todoapp::all_tiers) {
    check(deployment_intent(app, tier, content.tier(tier), 7, {.restart = "again"}));
    check(service_intent(app, tier));
    if (!content.tier(tier).config_name.empty()) check(config_intent(app, tier, content.tier(tier)));
    check(autoscaler_intent(app, tier));
    check(disruption_budget_intent(app, tier));
  }
  if (content.migration) check(migration_intent(app, *content.migration, 7));
  check(network_policy_intent(app));
  check(ingress_intent(app));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  auto spec = todoapp::decode_spec(text);
  if (!spec) return 0;
  fuzz::require(nlohmann::json::accept(text), "what is no JSON is no spec");
  fuzz::require(spec == todoapp::decode_spec(text), "the same text is the same spec");
  App app;
  app.name = "todo";
  app.namespace_ = "shop";
  app.uid = "11111111-2222-3333-4444-555555555555";
  app.spec = std::move(*spec);
  if (problems_of(app).empty()) render(app);
  return 0;
}
