#include "todoapp/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/observations.hpp"

namespace todoapp {
namespace {

using test::an_app;
using test::observing;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(Evidence, ValuesNotReadYetAreReadFirst) {
  auto seen = observing(an_app());
  seen.with_source("todo-db", "7").with(keys_intent(an_app(), {{"hmac.key", "k"}}));
  EXPECT_THAT(known_values(seen).reads, UnorderedElementsAre(ReadSecret{"todo-db"}, ReadSecret{"todo-keys"}));
  seen.having_read("todo-db", "6", {{"url", "of an older version"}});
  EXPECT_EQ(known_values(seen).reads.size(), 2U);
}

TEST(Evidence, AllValuesOfSourcesAndOfOurOwnSecretsAreKnown) {
  auto seen = observing(an_app());
  seen.with_source("todo-db", "7").with(keys_intent(an_app(), {{"hmac.key", "k"}}));
  seen.having_read("todo-db", "7", {{"url", "a"}, {"unused", "b"}})
      .having_read("todo-keys", "200", {{"hmac.key", "k"}});
  const auto known = known_values(seen);
  EXPECT_THAT(known.reads, IsEmpty());
  EXPECT_THAT(known.values, UnorderedElementsAre("a", "b", "k"));
}

TEST(Evidence, SaysWhatIsKnownOfACauseAndNoMore) {
  const Cause crash{.reason = "OOMKilled",
                    .tier = Tier::backend,
                    .pod = "p",
                    .container = "backend",
                    .exit_code = 137,
                    .restarts = 2,
                    .message = "last words"};
  EXPECT_EQ(evidence_of(crash, test::noon),
            R"({"at":"2026-01-31T12:00:00Z","container":"backend","exitCode":137,"message":"last words",)"
            R"("pod":"p","reason":"OOMKilled","restarts":2,"tier":"backend"})");
  EXPECT_EQ(evidence_of({.reason = "TimedOut", .message = "late"}, test::noon),
            R"({"at":"2026-01-31T12:00:00Z","message":"late","reason":"TimedOut"})");
}

TEST(Evidence, SecretValuesAreMaskedWhereverTheyStandAndTheEndIsKept) {
  EXPECT_EQ(masked("url=s3cret! again s3cret!", {"s3cret!", "abc"}, 100), "url=*** again ***");
  EXPECT_EQ(masked("abc stays: too short to be worth it", {"abc"}, 100), "abc stays: too short to be worth it");
  EXPECT_EQ(masked("first\nlast", {}, 4), "last");
  EXPECT_EQ(masked("x\xC3\xA9y", {}, 2), "y");
}

TEST(Evidence, MasksAValueHoweverItIsQuoted) {
  EXPECT_EQ(masked("token-more token", {"token", "token-more"}, 100), "*** ***") << "the longer one whole";
  EXPECT_EQ(masked("key=canary", {"canary\n"}, 100), "key=***") << "without the line feed of a file";
  EXPECT_EQ(masked("at line 2: middle", {"first\n  middle\nlast"}, 100), "at line 2: ***") << "a line of it";
  EXPECT_EQ(masked("nary! bad", {"canary!"}, 100), "*** bad") << "its end, where a log was cut within it";
  EXPECT_EQ(masked("ary ok", {"canary"}, 100), "ary ok") << "what is left is too short to be worth it";
}

}  // namespace
}  // namespace todoapp
