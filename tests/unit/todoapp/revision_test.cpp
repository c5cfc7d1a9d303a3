#include "todoapp/revision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kube/model/canonical_json.hpp"
#include "support/observations.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::a_record;
using test::an_app;
using test::AppBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

std::string hash_of(const App& app) { return want(app, {}).hash; }

/// An app that sets a bit of everything, so that each part of it can be changed and taken away.
AppBuilder a_rich_app() {
  return an_app()
      .with_config("LOG_LEVEL", "info")
      .with_config(back, "POOL", "4")
      .with_env(back, R"([{"name":"A","value":"1"},{"name":"B","value":"2"}])")
      .with_live_secret("DATABASE_URL", "todo-db", "url")
      .with_generated_secret("SESSION_KEY")
      .with_migration(2, 1);
}

TEST(ContentHash, IsSixteenHexDigitsAndTheSameEachTime) {
  EXPECT_THAT(hash_of(an_app()), ::testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(hash_of(a_rich_app()), hash_of(a_rich_app()));
}

TEST(ContentHash, OfTheLeastAppNeverChanges) {
  // Every record in every cluster holds such a hash: another one here would roll out everything at an operator's
  // upgrade.
  EXPECT_EQ(hash_of(an_app()), "bced20034e3eda23");
}

TEST(ContentHash, LeavesOutWhoTheAppIsAndWhatIsLive) {
  const std::vector<std::function<void(AppBuilder&)>> table{
      [](auto& app) { app.at_generation(9); },
      [](auto& app) { app.with_uid("another"); },
      [](auto& app) { app.asking_restart("now").asking_retry("t").asking_approve("x").asking_rotate("t"); },
      [](auto& app) { app.with_replicas(back, 5).with_replicas(front, 0); },
      [](auto& app) { app.autoscaled(back, 1, 5, 80); },
      [](auto& app) { app.with_service_port(front, 8080); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.service.type = "NodePort"; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.service.node_port = 30001; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.service.annotations["a"] = "b"; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.strategy.max_surge = "1"; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.strategy.min_ready_seconds = 3; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.disruption_budget = {"1", ""}; }); },
      [](auto& app) { app.in_order(Order::together).on_failure(OnFailure::hold).approved_by_hand(); },
      [](auto& app) { app.soaking(std::chrono::seconds(1)).timing_out_after(std::chrono::seconds(9)).retrying(2); },
      [](auto& app) { app.rolled_back_to(1).keeping(3).suspended(); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.ingress = Ingress{}; }); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.network_policy.enabled = true; }); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.secrets.back().generate_bytes = 64; }); },
  };
  for (std::size_t row = 0; row < table.size(); ++row) {
    auto app = a_rich_app();
    table[row](app);
    EXPECT_EQ(hash_of(app), hash_of(a_rich_app())) << "row " << row;
  }
}

using TierChange = std::function<void(TierSpec&)>;

const std::vector<TierChange>& content_of_a_tier() {
  static const std::vector<TierChange> table{
      [](auto& tier) { tier.image = "localhost/other:1"; },
      [](auto& tier) { tier.image_pull_policy = "Always"; },
      [](auto& tier) { tier.image_pull_secrets = {"registry"}; },
      [](auto& tier) { tier.port = 4000; },
      [](auto& tier) { tier.config["LOG_LEVEL"] = "debug"; },
      [](auto& tier) { tier.config["EMPTY"] = ""; },
      [](auto& tier) { tier.config["JSON"] = "{}"; },
      [](auto& tier) { tier.env = R"([{"name":"A","value":"2"},{"name":"B","value":"2"}])"; },
      [](auto& tier) { tier.env = R"([{"name":"B","value":"2"},{"name":"A","value":"1"}])"; },
      [](auto& tier) { tier.resources = R"({"limits":{"cpu":"2"}})"; },
      [](auto& tier) { tier.probes.liveness.path = "/alive"; },
      [](auto& tier) { tier.probes.readiness.period_seconds = 9; },
      [](auto& tier) { tier.probes.startup.disabled = true; },
      [](auto& tier) { tier.termination_grace_period_seconds = 60; },
      [](auto& tier) { tier.pre_stop_seconds = 0; },
      [](auto& tier) { tier.node_selector["disk"] = "ssd"; },
      [](auto& tier) { tier.node_selector["empty"] = ""; },
      [](auto& tier) { tier.tolerations = R"([{"key":"a","operator":"Exists"}])"; },
      [](auto& tier) { tier.affinity = R"({"podAntiAffinity":{"a":1}})"; },
      [](auto& tier) { tier.topology_spread_constraints = R"([{"maxSkew":1}])"; },
      [](auto& tier) { tier.priority_class_name = "high"; },
      [](auto& tier) { tier.service_account_name = "todo"; },
      [](auto& tier) { tier.pod_labels["team"] = "a"; },
      [](auto& tier) { tier.pod_annotations["note"] = ""; },
      [](auto& tier) { tier.volumes = R"([{"emptyDir":{},"name":"cache"}])"; },
      [](auto& tier) { tier.volume_mounts = R"([{"mountPath":"/c","name":"cache"}])"; },
      [](auto& tier) { tier.pod_security_context = R"({"runAsUser":7})"; },
      [](auto& tier) { tier.container_security_context = R"({"runAsUser":7})"; },
  };
  return table;
}

TEST(ContentHash, ChangesWithEverythingThatPodsOfATierAreMadeFrom) {
  for (const auto tier : all_tiers) {
    for (std::size_t row = 0; row < content_of_a_tier().size(); ++row) {
      auto app = a_rich_app();
      app.with_tier(tier, content_of_a_tier()[row]);
      const auto before = want(a_rich_app(), {});
      const auto after = want(app, {});
      EXPECT_NE(after.hash, before.hash) << to_string(tier) << " row " << row;
      EXPECT_NE(after.content.tier(tier).template_hash, before.content.tier(tier).template_hash) << "row " << row;
    }
  }
}

TEST(ContentHash, ChangesWithWhatBothTiersShare) {
  const std::vector<std::function<void(AppBuilder&)>> table{
      [](auto& app) { app.with_config("LOG_LEVEL", "debug"); },
      [](auto& app) { app.with_config("NEW", ""); },
      [](auto& app) { app.with_service_port(back, 8001); },
      [](auto& app) { app.with_live_secret("OTHER", "todo-db", "url"); },
      [](auto& app) { app.with_live_secret("OTHER", "todo-db", "url").used_by_both(); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.secrets[0].source_key = "other"; }); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.secrets[0].source_name = "other"; }); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.secrets[0].policy = SecretPolicy::pinned; }); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.secrets[0].in_frontend = true; }); },
      [](auto& app) { app.with_spec([](auto& spec) { spec.secrets[0].name = "OTHER"; }); },
      [](auto& app) { app.with_migration(3, 1); },
      [](auto& app) { app.with_migration(2, 2); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.migration->command = {"other"}; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.migration->args = {"up"}; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.migration->backoff_limit = 5; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.migration->active_deadline_seconds = 5; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.migration->env = R"([{"name":"M"}])"; }); },
      [](auto& app) { app.with_tier(back, [](auto& tier) { tier.migration.reset(); }); },
  };
  for (std::size_t row = 0; row < table.size(); ++row) {
    auto app = a_rich_app();
    table[row](app);
    EXPECT_NE(hash_of(app), hash_of(a_rich_app())) << "row " << row;
  }
}

TEST(ContentHash, ChangesWithTheSealedValuesThatATierUses) {
  EXPECT_NE(want(a_rich_app(), {"", "todo-backend-secrets-1"}).hash,
            want(a_rich_app(), {"", "todo-backend-secrets-2"}).hash);
}

TEST(ContentHash, FollowsTheOrderOfLiveSecretsAsTheirVariablesDo) {
  auto one = an_app().with_live_secret("A", "db", "a").with_live_secret("B", "db", "b");
  auto other = an_app().with_live_secret("B", "db", "b").with_live_secret("A", "db", "a");
  ASSERT_NE(want(one, {}).content.backend.template_hash, want(other, {}).content.backend.template_hash);
  EXPECT_NE(hash_of(one), hash_of(other));
}

struct CauseRow {
  std::function<void(AppBuilder&)> change;
  std::string words;
};

TEST(Cause, NamesWhatDiffers) {
  const std::vector<CauseRow> table{
      {[](auto& app) { app.with_backend_image("localhost/todo-backend:1.1.0"); }, "backend image 1.0.0 to 1.1.0"},
      {[](auto& app) { app.with_backend_image("reg:5000/todo:1"); },
       "backend image localhost/todo-backend:1.0.0 to reg:5000/todo:1"},
      {[](auto& app) { app.with_backend_image("localhost/todo-backend"); },
       "backend image localhost/todo-backend:1.0.0 to localhost/todo-backend"},
      {[](auto& app) { app.with_config("LOG_LEVEL", "debug"); }, "config LOG_LEVEL"},
      {[](auto& app) { app.with_config(back, "POOL", "9"); }, "config POOL"},
      {[](auto& app) { app.with_env(back, R"([{"name":"A","value":"9"},{"name":"B","value":"2"}])"); },
       "backend env A"},
      {[](auto& app) { app.with_env(back, R"([{"name":"A","value":"1"}])"); }, "backend env B"},
      {[](auto& app) { app.with_env(back, R"([{"name":"B","value":"2"},{"name":"A","value":"1"}])"); },
       "backend order of env"},
      {[](auto& app) { app.with_tier(front, [](auto& tier) { tier.resources = "{\"a\":1}"; }); }, "frontend resources"},
      {[](auto& app) { app.with_tier(front, [](auto& tier) { tier.probes.liveness.path = "/a"; }); },
       "frontend probes"},
      {[](auto& app) { app.with_live_secret("OTHER", "db", "k").used_by_both(); }, "secret OTHER"},
      {[](auto& app) { app.with_migration(3, 1); }, "backend migration"},
      {[](auto& app) { app.with_backend_image("localhost/todo-backend:2").with_config("LOG_LEVEL", "debug"); },
       "config LOG_LEVEL; backend image 1.0.0 to 2"},
      {[](auto&) {}, "no visible change"},
  };
  const auto before = want(a_rich_app(), {}).parts;
  for (const auto& row : table) {
    auto app = a_rich_app();
    row.change(app);
    const auto cause = cause_of(&before, want(app, {}).parts);
    std::set<std::string> said, meant;
    const auto split = [](std::string text, std::set<std::string>& into) {
      for (std::size_t at = 0; (at = text.find("; ")) != std::string::npos; text.erase(0, at + 2)) {
        into.insert(text.substr(0, at));
      }
      into.insert(text);
    };
    split(cause, said), split(row.words, meant);
    EXPECT_EQ(said, meant) << cause;
  }
  EXPECT_EQ(cause_of(nullptr, before), "first install");
}

TEST(Cause, OfOtherSealedValuesSaysNoMore) {
  const auto before = want(a_rich_app(), {"", "todo-backend-secrets-1"}).parts;
  EXPECT_EQ(cause_of(&before, want(a_rich_app(), {"", "todo-backend-secrets-2"}).parts), "secret values");
}

TEST(Cause, IsNeverLongerThan256Bytes) {
  auto app = an_app();
  for (int each = 0; each < 60; ++each) app.with_config("A_RATHER_LONG_NAME_" + std::to_string(each), "1");
  const auto before = want(an_app(), {}).parts;
  const auto cause = cause_of(&before, want(app, {}).parts);
  EXPECT_LE(cause.size(), 256U);
  EXPECT_THAT(cause, ::testing::EndsWith("; ..."));
}

TEST(Parts, HoldImagesAndShortValuesWholeAndOfLongOnesADigestOnly) {
  const std::string image(60, 'i'), longest(32, 'x'), longer(33, 'x');
  const auto parts = want(an_app()
                              .with_backend_image(image)
                              .with_config("A", longest)
                              .with_config("B", longer)
                              .with_config("C", "#a value like a digest"),
                          {})
                         .parts;
  EXPECT_EQ(parts.at("backend.image"), image);
  EXPECT_EQ(parts.at("backend.config.A"), longest);
  EXPECT_THAT(parts.at("backend.config.B"), ::testing::MatchesRegex("#[0-9a-f]{6}"));
  EXPECT_THAT(parts.at("backend.config.C"), ::testing::MatchesRegex("#[0-9a-f]{6}"));
}

TEST(Record, IsCanonicalAndComesBackAsItWas) {
  auto app = a_rich_app().with_config("HTML", "<a href=\"?x&y\">\u2028\u2029</a>").build();
  const auto wanted = want(app, {"", "todo-backend-secrets-0b0b"});
  const auto body = revision_body(app, wanted, {3, "a cause <&>", {}, ""});
  EXPECT_EQ(body, kube::canonical(nlohmann::json::parse(body)));
  EXPECT_THAT(body, HasSubstr(R"(\u003ca href=\"?x\u0026y\"\u003e\u2028\u2029)"));
  const auto content = decode_content(body);
  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(*content, wanted.content);
}

TEST(Record, BelongsToTheAppAndHasItsNumber) {
  const auto app = an_app().build();
  const auto body = nlohmann::json::parse(revision_body(app, want(app, {}), {12, "why", {}, ""}));
  EXPECT_EQ(body["metadata"]["name"], "todo-rev-12");
  EXPECT_EQ(body["metadata"]["ownerReferences"][0]["uid"], app.uid);
  EXPECT_EQ(body["metadata"]["ownerReferences"][0]["controller"], true);
  EXPECT_EQ(body["revision"], 12);
}

TEST(Revision, IsReadFromTheAnnotationsOfItsRecord) {
  auto app = a_rich_app().at_generation(7).build();
  const SealedSecrets sealed{"", "todo-backend-secrets-0b0b"};
  const auto wanted = want(app, sealed);
  const auto revision = read_revision(a_record(app, 4)
                                          .sealing(sealed)
                                          .caused_by("why")
                                          .rolling_back_to(2)
                                          .asked_by("token")
                                          .failed("OOMKilled")
                                          .reached_schema(2)
                                          .marking(mark::failure, R"({"pod":"p"})")
                                          .build());
  ASSERT_TRUE(revision.has_value());
  EXPECT_EQ(revision->number, 4);
  EXPECT_EQ(revision->name, "todo-rev-4");
  EXPECT_EQ(revision->uid, "uid-of-todo-rev-4");
  EXPECT_EQ(revision->created, test::noon);
  EXPECT_EQ(revision->content_hash, wanted.hash);
  EXPECT_EQ(revision->renderer, renderer_version);
  EXPECT_EQ(revision->template_of(front), wanted.content.frontend.template_hash);
  EXPECT_EQ(revision->template_of(back), wanted.content.backend.template_hash);
  EXPECT_THAT(revision->uses, ElementsAre(wanted.content.frontend.config_name, wanted.content.backend.config_name,
                                          "todo-backend-secrets-0b0b"));
  EXPECT_EQ(read_parts(revision->parts), wanted.parts);
  EXPECT_EQ(revision->outcome, Outcome::failed);
  EXPECT_EQ(revision->reason, "OOMKilled");
  EXPECT_EQ(revision->cause, "why");
  EXPECT_EQ(revision->rollback_of, 2);
  EXPECT_EQ(revision->retry, "token");
  EXPECT_EQ(revision->failure, R"({"pod":"p"})");
  EXPECT_EQ(revision->schema_version, 2);
  EXPECT_EQ(revision->compatible_from, 1);
  EXPECT_EQ(revision->schema_reached, 2);
  EXPECT_EQ(revision->generation, 7);
}

TEST(Revision, OfTheLeastAppHasNothingThatWasNotAsked) {
  const auto revision = read_revision(a_record(an_app(), 1).build()).value();
  EXPECT_EQ(revision.outcome, Outcome::none);
  EXPECT_EQ(revision.rollback_of, std::nullopt);
  EXPECT_THAT(revision.uses, IsEmpty());
  EXPECT_EQ(revision.schema_version, 0);
  EXPECT_EQ(revision.schema_reached, 0);
}

TEST(Revision, IsNotReadFromAnythingElse) {
  for (const auto* name : {"todo-rev-", "todo-rev-x", "todo-rev-0", "todo-5f7c8d", "todo"}) {
    auto object = a_record(an_app(), 1).build();
    object.name = name;
    EXPECT_EQ(read_revision(object), std::nullopt) << name;
  }
  auto bare = a_record(an_app(), 1).build();
  bare.annotations.clear();
  EXPECT_EQ(read_revision(bare), std::nullopt);
}

TEST(Revision, WithMarksThatSomebodyBrokeIsStillRead) {
  const auto revision = read_revision(
      a_record(an_app(), 2).marking(mark::outcome, "Great").marking("parts", "[").marking("templates", "x").build());
  ASSERT_TRUE(revision.has_value());
  EXPECT_EQ(revision->outcome, Outcome::none);
  EXPECT_THAT(read_parts(revision->parts), IsEmpty());
}

}  // namespace
}  // namespace todoapp
