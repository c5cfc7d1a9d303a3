// The laws of behaviour.md hold in every state that the small cluster can reach.
#include <gtest/gtest.h>

#include "model/explorer.hpp"
#include "model/scenarios.hpp"

namespace todoapp::model {
namespace {

void expect_lawful(const Scenario& scenario) {
  const auto report = explore(scenario);
  EXPECT_FALSE(report.violation) << report.words();
  EXPECT_GT(report.states, 1000U) << "too small a world to say anything of";
}

TEST(Laws, HoldWhereUpgradesFailAndTheOperatorDies) { expect_lawful(upgrades()); }
TEST(Laws, HoldFromNothingAtAll) { expect_lawful(installs()); }
TEST(Laws, HoldWhereUsersPinRevisions) { expect_lawful(pins()); }
TEST(Laws, HoldWhereRecordsAreForgotten) { expect_lawful(short_history()); }
TEST(Laws, HoldWhereFailuresAreHeldAndRetried) { expect_lawful(holding()); }
TEST(Laws, HoldWhereCachesAreStale) { expect_lawful(stale_caches()); }
TEST(Laws, HoldWhereOthersDeleteAndChangeChildren) { expect_lawful(children()); }
TEST(Laws, HoldWhereTheDatabaseIsMigrated) { expect_lawful(migrations()); }
TEST(Laws, HoldWhereSecretsRotateAndPodsRestart) { expect_lawful(rotations()); }
TEST(Laws, HoldWhereTheStatusIsWritten) { expect_lawful(statuses()); }

}  // namespace
}  // namespace todoapp::model
