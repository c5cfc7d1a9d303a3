#include "todoapp/restoring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/observations.hpp"
#include "support/plan_printing.hpp"
#include "todoapp/sealing.hpp"

namespace todoapp {
namespace {

using test::a_record;
using test::an_app;
using test::observing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr auto back = Tier::backend;
constexpr const char* then = "todo-backend-secrets-0000000001";
constexpr const char* now = "todo-backend-secrets-0000000002";

const App& app() {
  static const App built =
      an_app().with_pinned_secret("PIN", "todo-pin", "pin").with_generated_secret("SESSION_KEY").build();
  return built;
}

/// Revision 1 reads `then`, revision 2, which serves, reads `now`; `rotated` is the token of the latter's values.
test::ObservationBuilder rotated(const std::string& token) {
  auto seen = observing(app());
  seen.with(a_record(app(), 1).sealing({"", then}).succeeded()).with(a_record(app(), 2).sealing({"", now}).succeeded());
  seen.with(sealed_secret_intent(app(), back, then, {}, {.sources = "a", .generated = "SESSION_KEY"}));
  seen.with(sealed_secret_intent(app(), back, now, {}, {.sources = "b", .generated = "SESSION_KEY", .rotate = token}));
  seen.with(keys_intent(app(), {{"hmac.key", "k"}}));
  return seen;
}

Restored restored(const Observed& observed) {
  const History history(observed);
  return restore(observed, *history.latest(), want(app(), {"", then}).content);
}

TEST(Restoring, ReadsNothingAndChangesNothingWhereNoValueWasRotated) {
  const auto result = restored(rotated(""));
  EXPECT_THAT(result.reads, IsEmpty());
  EXPECT_THAT(result.writes, IsEmpty());
  EXPECT_EQ(result.content, want(app(), {"", then}).content);
}

TEST(Restoring, ReadsThenAndNowWhereAValueWasRotated) {
  const auto result = restored(rotated("july"));
  EXPECT_THAT(result.reads, UnorderedElementsAre(ReadSecret{then}, ReadSecret{now}, ReadSecret{"todo-keys"}));
  EXPECT_THAT(result.writes, IsEmpty());
}

TEST(Restoring, BringsPinnedValuesBackAndLeavesGeneratedOnesAsTheyAre) {
  auto seen = rotated("july");
  seen.having_read(then, "200", {{"PIN", "old"}, {"SESSION_KEY", "g1"}});
  seen.having_read(now, "200", {{"PIN", "new"}, {"SESSION_KEY", "g2"}})
      .having_read("todo-keys", "200", {{"hmac.key", "k"}});
  const auto result = restored(seen);
  const StringMap values{{"PIN", "old"}, {"SESSION_KEY", "g2"}};
  const auto name = sealed_name_of(app(), back, values, "k");
  ASSERT_THAT(result.writes,
              ElementsAre(Apply{sealed_secret_intent(app(), back, name, values,
                                                     {.sources = "", .generated = "SESSION_KEY", .rotate = "july"}),
                                "", Why::create}));
  EXPECT_EQ(result.content.backend.secrets_name, name);
  EXPECT_THAT(result.content.backend.pod_template, HasSubstr(name));
  EXPECT_THAT(result.content.backend.pod_template, Not(HasSubstr(then)));
  EXPECT_EQ(result.content.backend.template_hash, template_hash_of(result.content.backend.pod_template));
  EXPECT_EQ(result.content.frontend, want(app(), {"", then}).content.frontend);
}

TEST(Restoring, TheSameSecretIsMadeOnce) {
  auto seen = rotated("july");
  seen.having_read(then, "200", {{"PIN", "old"}, {"SESSION_KEY", "g1"}});
  seen.having_read(now, "200", {{"PIN", "new"}, {"SESSION_KEY", "g2"}})
      .having_read("todo-keys", "200", {{"hmac.key", "k"}});
  const auto name = sealed_name_of(app(), back, {{"PIN", "old"}, {"SESSION_KEY", "g2"}}, "k");
  seen.with(sealed_secret_intent(app(), back, name, {}, {.sources = ""}));
  EXPECT_THAT(restored(seen).writes, IsEmpty());
  EXPECT_EQ(restored(seen).content.backend.secrets_name, name);
}

/// What `before` recorded, in the words of another renderer.
struct Elsewhere {
  Revision revision;
  Content content;
};
Elsewhere rendered_elsewhere(const App& before) {
  auto content = want(before, {}).content;
  for (const auto tier : all_tiers) {
    content.tier(tier).pod_template.insert(1, " ");
    content.tier(tier).template_hash = template_hash_of(content.tier(tier).pod_template);
  }
  auto revision = read_revision(a_record(before, 1).build()).value();
  revision.frontend_template = content.frontend.template_hash;
  revision.backend_template = content.backend.template_hash;
  return {std::move(revision), std::move(content)};
}

TEST(KeepingTiers, ATierOfWhichNothingNewIsAskedStaysAsItWasRendered) {
  const auto before = rendered_elsewhere(an_app());
  const auto wanted = want(an_app().with_backend_image("localhost/todo-backend:2.0.0"), {});
  EXPECT_TRUE(renders_anew(wanted, before.revision));
  const auto kept = keeping_tiers(wanted, before.revision, before.content);
  EXPECT_EQ(kept.content.frontend, before.content.frontend);
  EXPECT_EQ(kept.content.backend, wanted.content.backend);
  EXPECT_EQ(kept.hash, wanted.hash);
}

TEST(KeepingTiers, NothingIsToBeKeptWhereBothTiersChangeOrBothRenderersAgree) {
  const auto before = rendered_elsewhere(an_app());
  EXPECT_FALSE(renders_anew(want(an_app().with_config("A", "1"), {}), before.revision));
  const auto same = read_revision(a_record(an_app(), 1).build()).value();
  EXPECT_FALSE(renders_anew(want(an_app().with_backend_image("localhost/todo-backend:2.0.0"), {}), same));
}

TEST(KeepingTiers, ASecretOfATierIsPartOfIt) {
  const auto before = rendered_elsewhere(an_app());
  const auto wanted = want(an_app().with_live_secret("URL", "db", "url").used_by_both(), {});
  EXPECT_FALSE(renders_anew(wanted, before.revision));
}

}  // namespace
}  // namespace todoapp
