// The check can fail: each of these mutations breaks a law, and is caught by it.
#include "model/mutations.hpp"

#include <gtest/gtest.h>

#include "model/explorer.hpp"
#include "model/scenarios.hpp"

namespace todoapp::model {
namespace {

Scenario with(Scenario scenario, Decide decide) {
  scenario.decide = std::move(decide);
  return scenario;
}

Scenario with(Scenario scenario, Shell shell) {
  scenario.shell = shell;
  return scenario;
}

void expect_broken(int law, const Scenario& scenario) {
  const auto report = explore(scenario);
  ASSERT_TRUE(report.violation) << "nobody noticed in " << report.words();
  EXPECT_EQ(report.violation->law, law) << report.words();
  EXPECT_FALSE(report.trace.empty());
}

TEST(Mutations, WithoutQuarantineLawThreeIsBroken) { expect_broken(3, with(upgrades(), forgetting_failures())); }

TEST(Mutations, WithNumbersUsedAgainLawTwoIsBroken) {
  auto scenario = with(short_history(), filling_gaps_in_numbers());
  scenario.budget = {.edits = 3, .faults = 0, .lags = 0, .failures = 0};
  expect_broken(2, scenario);
}

TEST(Mutations, WithASuccessJudgedAgainLawTwoIsBroken) { expect_broken(2, with(upgrades(), judging_success_again())); }

TEST(Mutations, WithoutTimersLawOneIsBroken) { expect_broken(1, with(upgrades(), without_timers())); }

TEST(Mutations, WithPodsRestartedUnaskedLawFourIsBroken) {
  expect_broken(4, with(upgrades(), restarting_what_is_down()));
}

TEST(Mutations, WithoutAFenceLawFiveIsBroken) { expect_broken(5, with(stale_caches(), Shell{.fenced = false})); }

TEST(Mutations, WithAStandbysViewTrustedLawFourIsBroken) {
  expect_broken(4, with(stale_caches(), Shell{.renews = false}));
}

TEST(Mutations, WithUnseenFailuresJudgedAgainLawFourIsBroken) {
  expect_broken(4, with(stale_caches(), judging_again_what_was_not_seen()));
}

TEST(Mutations, WithNamesTrustedUnseenLawFourIsBroken) {
  auto scenario = with(stale_caches(), Shell{.looks_again = false});
  scenario.contents = short_history().contents;
  scenario.budget = {.edits = 2, .faults = 1, .lags = 1, .failures = 0};
  expect_broken(4, scenario);
}

}  // namespace
}  // namespace todoapp::model
