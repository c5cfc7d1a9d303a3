#include "todoapp/sealing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "support/world.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using test::observing;
using test::World;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto front = Tier::frontend;
constexpr auto back = Tier::backend;

std::string value_in(const World& world, const std::string& secret, const std::string& key) {
  return base::base64_decode(world.object(Kind::secret, secret, "/data/" + key).get<std::string>()).value();
}

std::string sealed_name(const World& world, Tier tier) {
  const auto start = sealed_secret_name("todo", tier, "");
  for (const auto& name : world.names(Kind::secret)) {
    if (name.starts_with(start)) return name;
  }
  return {};
}

/// The app of the world runs, and its first revision succeeded.
World running(const test::AppBuilder& app, const StringMap& source = {{"url", "postgres://one"}, {"key", "key-one"}}) {
  World world(test::AppBuilder(app).soaking(std::chrono::seconds(0)));
  world.with_user_secret("db", source).tiers_start_at_once().settle();
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
  world.count_anew();
  return world;
}

test::Requests reads_alone(int reads) { return {.reads = reads}; }

std::int64_t generation(const World& world, Tier tier) {
  return world.object(Kind::deployment, tier_name("todo", tier), "/metadata/generation");
}

TEST(Sealing, OfNothingIsNothing) {
  const auto sealing = seal_secrets(observing(an_app()));
  EXPECT_THAT(sealing.reads, IsEmpty());
  EXPECT_THAT(sealing.writes, IsEmpty());
  EXPECT_THAT(sealing.overlays, IsEmpty());
  EXPECT_EQ(sealing.problem, "");
  EXPECT_EQ(sealing.names.of(front) + sealing.names.of(back), "");
}

TEST(Sealing, NamesTheSourceThatIsMissingAndWhatToDo) {
  const auto sealing = seal_secrets(observing(an_app().with_live_secret("URL", "db", "url")));
  EXPECT_THAT(sealing.problem, AllOf(HasSubstr("Secret db does not exist, and URL is taken from it"),
                                     HasSubstr("kubectl create secret generic db --namespace shop")));
  EXPECT_THAT(sealing.reads, IsEmpty());
  EXPECT_THAT(sealing.writes, IsEmpty());
}

TEST(Sealing, NamesTheKeyThatIsMissing) {
  for (const auto& app :
       {an_app().with_live_secret("URL", "db", "url"), an_app().with_pinned_secret("URL", "db", "url")}) {
    const auto sealing = seal_secrets(observing(app).with_source("db", "5").having_read("db", "5", {{"other", "x"}}));
    EXPECT_THAT(sealing.problem, HasSubstr("Secret db has no key url, and URL is taken from it"));
  }
}

TEST(Sealing, ReadsEachSourceOnceBeforeItDecides) {
  const auto app = an_app().with_live_secret("URL", "db", "url").used_by_both().with_live_secret("KEY", "db", "key");
  const auto sealing = seal_secrets(observing(app).with_source("db", "5"));
  EXPECT_THAT(sealing.reads, ElementsAre(Action{ReadSecret{"db"}}));
  EXPECT_THAT(sealing.writes, IsEmpty());
}

TEST(Sealing, DoesNotTrustWhatWasReadOfAnEarlierVersion) {
  const auto app = an_app().with_live_secret("URL", "db", "url");
  const auto sealing = seal_secrets(observing(app).with_source("db", "6").having_read("db", "5", {{"url", "x"}}));
  EXPECT_THAT(sealing.reads, ElementsAre(Action{ReadSecret{"db"}}));
}

TEST(Generated, AreMadeOnceFromTheEntropyGiven) {
  const auto app = an_app().with_generated_secret("SESSION_KEY", 32).used_by_both();
  const auto one = seal_secrets(observing(app));
  const auto other = seal_secrets(observing(app));
  EXPECT_EQ(one.writes, other.writes);
  EXPECT_THAT(words_of(one.writes), ElementsAre("create Secret todo-keys", "create Secret " + one.names.of(front),
                                                "create Secret " + one.names.of(back)));
}

TEST(Generated, AreOfTheLengthAskedAndSafeInAUrl) {
  for (const int bytes : {16, 32, 33, 64, 100}) {
    World world = running(an_app().with_generated_secret("KEY", bytes));
    const auto value = value_in(world, "todo-keys", "KEY");
    EXPECT_EQ(value.size(), static_cast<std::size_t>((bytes * 4 + 2) / 3)) << bytes;
    EXPECT_THAT(value, ::testing::MatchesRegex("[A-Za-z0-9_-]+"));
    EXPECT_EQ(value_in(world, sealed_name(world, back), "KEY"), value);
  }
}

TEST(Generated, DifferFromVariableToVariable) {
  World world = running(an_app().with_generated_secret("A").with_generated_secret("B"));
  EXPECT_NE(value_in(world, "todo-keys", "A"), value_in(world, "todo-keys", "B"));
}

TEST(Generated, AreFoundAfterARestartWithoutReading) {
  auto world = running(an_app().with_generated_secret("KEY").with_pinned_secret("URL", "db", "url"));
  world.restart().settle();
  EXPECT_EQ(world.requests(), test::Requests{});
}

TEST(Generated, AreNewForANewRotateTokenOnly) {
  auto world = running(an_app().with_generated_secret("KEY").asking_rotate("a"));
  const auto first = value_in(world, "todo-keys", "KEY");
  world.edit([](auto& app) { app.asking_rotate("b"); }).settle();
  const auto second = value_in(world, "todo-keys", "KEY");
  EXPECT_NE(second, first);
  EXPECT_EQ(value_in(world,
                     world.object(Kind::deployment, "todo-backend",
                                  "/spec/template/spec/containers/0/envFrom/0/secretRef/name"),
                     "KEY"),
            second);
  EXPECT_EQ(world.requests().revisions, 1);
  world.count_anew().edit([](auto& app) { app.asking_rotate(""); }).settle();
  EXPECT_EQ(value_in(world, "todo-keys", "KEY"), second) << "who takes the token away asks for nothing";
  EXPECT_EQ(world.requests(), test::Requests{});
}

TEST(Generated, SurviveARotationThatWasCutShort) {
  for (int requests = 0; requests < 6; ++requests) {
    auto world = running(an_app().with_generated_secret("KEY"));
    const auto first = value_in(world, "todo-keys", "KEY");
    world.edit([](auto& app) { app.asking_rotate("b"); }).crash_after(requests).settle();
    const auto used =
        world.object(Kind::deployment, "todo-backend", "/spec/template/spec/containers/0/envFrom/0/secretRef/name");
    EXPECT_EQ(value_in(world, used, "KEY"), value_in(world, "todo-keys", "KEY")) << requests;
    EXPECT_NE(value_in(world, "todo-keys", "KEY"), first) << requests;
    EXPECT_EQ(world.requests().revisions, 1) << requests;
  }
}

TEST(Keys, ThatSomebodyDeletedComeBackWithTheSameValuesAndNoPodRestarts) {
  auto world = running(an_app().with_generated_secret("KEY").used_by_both().with_generated_secret("OTHER"));
  const auto key = value_in(world, "todo-keys", "KEY"), other = value_in(world, "todo-keys", "OTHER");
  const auto names = world.names(Kind::secret);
  world.remove(Kind::secret, "todo-keys").settle();
  EXPECT_EQ(value_in(world, "todo-keys", "KEY"), key);
  EXPECT_EQ(value_in(world, "todo-keys", "OTHER"), other);
  EXPECT_EQ(world.names(Kind::secret), names);
  EXPECT_EQ(world.requests(), (test::Requests{.creates = 1, .reads = 2}));
}

TEST(Keys, ThatAreGoneComeBackWithTheValuesOfTheLastRotationThoughItsTokenWasTakenAway) {
  auto world = running(an_app().with_generated_secret("KEY"));
  world.edit([](auto& app) { app.asking_rotate("once"); }).settle();
  world.becomes_available(Tier::backend).settle();
  world.edit([](auto& app) { app.asking_rotate(""); }).settle();
  const auto values = world.object(Kind::secret, "todo-keys", "/data");
  const auto revisions = world.names(Kind::controller_revision);
  world.remove(Kind::secret, "todo-keys").settle();
  EXPECT_EQ(world.object(Kind::secret, "todo-keys", "/data"), values);
  EXPECT_EQ(world.names(Kind::controller_revision), revisions);
}

TEST(Keys, ComeBackEvenWhereTheSealedSecretIsOutOfDateToo) {
  auto world = running(an_app().with_generated_secret("KEY").with_pinned_secret("URL", "db", "url"));
  const auto key = value_in(world, "todo-keys", "KEY");
  world.remove(Kind::secret, "todo-keys").with_user_secret("db", {{"url", "postgres://two"}}).settle();
  EXPECT_EQ(value_in(world, "todo-keys", "KEY"), key);
}

TEST(Keys, TakeANewVariableWithoutTouchingTheOthers) {
  auto world = running(an_app().with_generated_secret("KEY"));
  const auto key = value_in(world, "todo-keys", "KEY");
  world.edit([](auto& app) { app.with_generated_secret("OTHER"); }).settle();
  EXPECT_EQ(value_in(world, "todo-keys", "KEY"), key);
  EXPECT_NE(value_in(world, "todo-keys", "OTHER"), "");
  EXPECT_EQ(world.requests().revisions, 1);
}

TEST(Sealed, HasANameThatGivesNoGuessOfItsValues) {
  auto one = running(an_app().with_pinned_secret("URL", "db", "url"));
  auto other = running(an_app().with_pinned_secret("URL", "db", "url").with_generated_secret("KEY"));
  EXPECT_NE(sealed_name(one, back), sealed_name(other, back)) << "another app, another key";
  EXPECT_THAT(one.names(Kind::secret), Each(Not(HasSubstr(base::short_hash(base::sha256_hex("postgres://one"))))));
}

TEST(Sealed, KeepsItsNameWhereOnlyTheVersionOfItsSourceChanged) {
  auto world = running(an_app().with_pinned_secret("URL", "db", "url"));
  const auto name = sealed_name(world, back);
  world.relabel_user_secret("db").settle();
  EXPECT_EQ(sealed_name(world, back), name);
  EXPECT_EQ(world.requests(), (test::Requests{.changes = 1, .reads = 2})) << "the keys and the source";
  world.count_anew().restart().settle();
  EXPECT_EQ(world.requests(), test::Requests{});
}

TEST(Sealed, GetsAnotherNameAndRevisionForAnotherValue) {
  auto world = running(an_app().with_pinned_secret("URL", "db", "url"));
  const auto name = sealed_name(world, back);
  world.with_user_secret("db", {{"url", "postgres://two"}}).settle();
  EXPECT_EQ(world.names(Kind::secret).size(), 3U) << "the first revision still holds the old one";
  EXPECT_TRUE(world.exists(Kind::secret, name));
  EXPECT_EQ(world.requests().revisions, 1);
  EXPECT_EQ(world.status()["revisions"][0]["cause"], "secret values");
  EXPECT_EQ(world.condition("Ready"), "Succeeded");
}

TEST(Sealed, ThatVanishedIsMadeAgainFromItsSource) {
  auto world = running(an_app().with_pinned_secret("URL", "db", "url"));
  const auto name = sealed_name(world, back);
  world.remove(Kind::secret, name).settle();
  EXPECT_EQ(sealed_name(world, back), name);
  EXPECT_EQ(world.requests(), (test::Requests{.creates = 1, .reads = 2}));
}

TEST(Sealed, DoesNotMindTheOrderInWhichSecretsStand) {
  auto world = running(an_app().with_pinned_secret("URL", "db", "url").with_pinned_secret("KEY", "db", "key"));
  const auto name = sealed_name(world, back);
  world.edit([](auto& app) { app.with_spec([](auto& spec) { std::swap(spec.secrets[0], spec.secrets[1]); }); })
      .settle();
  EXPECT_EQ(sealed_name(world, back), name);
  EXPECT_EQ(world.requests().revisions, 0);
}

TEST(Sealed, ThatLostItsLabelsIsMended) {
  for (const std::string which : {"keys", "sealed"}) {
    auto world = running(an_app().with_generated_secret("KEY"));
    const auto name = which == "keys" ? "todo-keys" : sealed_name(world, back);
    const auto values = world.object(Kind::secret, name, "/data");
    world.tamper(Kind::secret, name, "/metadata/labels", nlohmann::json{{"mine", "1"}}).settle();
    EXPECT_EQ(world.object(Kind::secret, name, "/metadata/labels/app.kubernetes.io~1managed-by"), "todoapp-operator");
    EXPECT_EQ(world.object(Kind::secret, name, "/data"), values);
    EXPECT_EQ(world.requests().changes, 1) << which;
    EXPECT_THAT(world.events(), ElementsAre("DriftRepaired"));
    EXPECT_EQ(world.requests().revisions, 0);
  }
}

TEST(Live, IsReadOnceAndNotAgainWhileItsVersionStays) {
  World world(an_app().soaking(std::chrono::seconds(0)).with_live_secret("URL", "db", "url").used_by_both());
  world.with_user_secret("db", {{"url", "postgres://one"}}).tiers_start_at_once().settle();
  EXPECT_EQ(world.requests().reads, 1);
  world.count_anew().restart().settle();
  EXPECT_EQ(world.requests(), test::Requests{});
}

TEST(Live, ThatOnlyGotALabelRestartsNothing) {
  auto world = running(an_app().with_live_secret("URL", "db", "url").used_by_both());
  const auto before = generation(world, back);
  world.relabel_user_secret("db").settle();
  EXPECT_EQ(generation(world, back), before);
  EXPECT_EQ(world.requests(), (test::Requests{.changes = 2, .reads = 1})) << "each tier notes the version";
  world.count_anew().settle();
  EXPECT_EQ(world.requests(), test::Requests{});
}

TEST(Live, ThatChangedRestartsTheTiersThatUseItAndMakesNoRevision) {
  auto world = running(an_app().with_live_secret("URL", "db", "url"));
  const auto frontend = generation(world, front), backend = generation(world, back);
  world.with_user_secret("db", {{"url", "postgres://two"}, {"key", "key-one"}}).settle();
  EXPECT_EQ(generation(world, front), frontend);
  EXPECT_EQ(generation(world, back), backend + 1);
  EXPECT_EQ(world.requests().revisions, 0);
  EXPECT_EQ(world.requests().changes, 1);
  EXPECT_EQ(world.requests().reads, 1);
}

TEST(Live, OfWhichAnotherKeyChangedRestartsNothing) {
  auto world = running(an_app().with_live_secret("URL", "db", "url"));
  const auto before = generation(world, back);
  world.with_user_secret("db", {{"url", "postgres://one"}, {"key", "key-two"}}).settle();
  EXPECT_EQ(generation(world, back), before);
}

TEST(Live, OfWhichAnotherTiersKeyChangedRestartsThatTierAlone) {
  auto app = an_app().with_live_secret("URL", "db", "url");
  SecretVariable web{.name = "WEB", .source_name = "db", .source_key = "key"};
  web.in_frontend = true, web.in_backend = false;
  auto world = running(app.with_secret(web));
  const auto before = world.object(Kind::deployment, "todo-frontend", "/spec/template");
  const auto backend = world.object(Kind::deployment, "todo-backend", "/spec/template");
  world.with_user_secret("db", {{"url", "postgres://two"}, {"key", "key-one"}}).settle();
  EXPECT_EQ(world.object(Kind::deployment, "todo-frontend", "/spec/template"), before);
  EXPECT_NE(world.object(Kind::deployment, "todo-backend", "/spec/template"), backend);
}

TEST(Live, ThatChangedRestartsItsTiersThoughTheFirstTriesFail) {
  auto world = running(an_app().with_live_secret("URL", "db", "url").used_by_both());
  const auto frontend = generation(world, front), backend = generation(world, back);
  world.refuse(Kind::deployment, "todo-frontend", base::ErrorCode::forbidden, "not now");
  world.with_user_secret("db", {{"url", "postgres://two"}}).settle();
  world.refuse_nothing().wait(std::chrono::minutes(10)).settle();
  EXPECT_EQ(generation(world, front), frontend + 1);
  EXPECT_EQ(generation(world, back), backend + 1);
}

TEST(Live, ThatChangedWhileTheOperatorWasAwayRestartsItsTiersOnce) {
  auto world = running(an_app().with_live_secret("URL", "db", "url"));
  const auto before = generation(world, back);
  world.restart().with_user_secret("db", {{"url", "postgres://two"}}).settle();
  EXPECT_EQ(generation(world, back), before + 1);
  world.count_anew().restart().settle();
  EXPECT_EQ(world.requests(), reads_alone(0));
}

}  // namespace
}  // namespace todoapp
