#include "todoapp/stopping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/observations.hpp"

namespace todoapp {
namespace {

using namespace std::chrono_literals;
using test::an_app;
using test::noon;
using test::observing;
using ::testing::HasSubstr;

/// "SchemaBarrier: its words", or "" where nothing stops the app.
std::string words(const Observed& observed, std::optional<Refusal> refusal = {}) {
  const auto stop = stop_of(observed, refusal);
  return stop ? std::string(to_string(stop->reason)) + ": " + stop->message : "";
}

TEST(Stopping, NothingStopsAHealthyApp) { EXPECT_EQ(words(observing(an_app())), ""); }

TEST(Stopping, WhatTheUserHasToMendIsSaidInItsOrder) {
  auto unreadable = observing(an_app().suspended()).get();
  unreadable.spec_error = "spec.frontend.image: is missing";
  EXPECT_EQ(words(unreadable), "InvalidSpec: spec.frontend.image: is missing");
  EXPECT_THAT(words(observing(an_app().suspended())), HasSubstr("Suspended: spec.suspend is true"));
  auto stranger = observing(an_app());
  stranger.with_stranger(Kind::service, "todo-backend");
  EXPECT_THAT(words(stranger), HasSubstr("ForeignObject: Service todo-backend exists and does not belong to this app"));
}

Refusal refusal(base::ErrorCode code, std::string detail, std::int32_t tries = 1) {
  return {code, "Service todo-backend", std::move(detail), an_app().build().generation, tries, std::nullopt};
}

TEST(Stopping, ARefusalIsNamedByItsKind) {
  const auto seen = observing(an_app());
  EXPECT_EQ(words(seen, refusal(base::ErrorCode::invalid, "port in use")),
            "Rejected: Service todo-backend: port in use");
  EXPECT_EQ(words(seen, refusal(base::ErrorCode::forbidden, "no")), "Forbidden: Service todo-backend: no");
  EXPECT_THAT(words(seen, refusal(base::ErrorCode::forbidden, "exceeded quota: q")), HasSubstr("QuotaExceeded: "));
  EXPECT_THAT(words(seen, refusal(base::ErrorCode::already_exists, "a stranger")), HasSubstr("ForeignObject: "));
}

TEST(Stopping, ARefusalIsTriedAgainLessAndLessOften) {
  const auto wait = [](std::int32_t tries) {
    std::optional refused{refusal(base::ErrorCode::invalid, "no", tries)};
    return *stop_of(observing(an_app()), refused)->until - noon;
  };
  EXPECT_EQ(wait(1), 5s);
  EXPECT_EQ(wait(2), 10s);
  EXPECT_EQ(wait(40), 300s);
}

TEST(Stopping, ARefusalEndsWithItsTimeOrWithTheSpecThatWasRefused) {
  std::optional refused{refusal(base::ErrorCode::invalid, "no")};
  refused->retry_at = noon + 5s;
  auto seen = observing(an_app());
  EXPECT_TRUE(stop_of(seen, refused));
  seen.at(noon + 5s);
  EXPECT_FALSE(stop_of(seen, refused));
  EXPECT_TRUE(refused) << "how often it was tried is not forgotten";
  EXPECT_FALSE(stop_of(observing(an_app().at_generation(99)), refused));
  EXPECT_FALSE(refused);
}

}  // namespace
}  // namespace todoapp
