#include "kubectl/upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/kubectl/apps.hpp"

namespace kubectl {
namespace {

using test::Json;
using test::patched;
using test::upgraded;
using test::view;
using testing::HasSubstr;

Json with_spec() {
  return patched(upgraded(), {{"spec",
                               {{"frontend", {{"image", "f:1"}}},
                                {"backend", {{"image", "b:1"}, {"config", {{"CACHE", "on"}}}}},
                                {"config", {{"LOG_LEVEL", "info"}, {"MODE", "x"}}}}}});
}

base::Result<Ask> asked(const Json& app, const UpgradeWish& wish) { return ask_upgrade(view(app), app.dump(), wish); }

std::string refusal(const Json& app) {
  const auto result = asked(app, {.frontend_image = {}, .backend_image = "b:2", .config = {}});
  return result ? "no refusal" : base::to_string(result.error());
}

TEST(Upgrade, TouchesOnlyWhatIsNamed) {
  const UpgradeWish wish{
      .frontend_image = "f:1",
      .backend_image = "b:2",
      .config = {{"", "LOG_LEVEL", "debug", false}, {"", "MODE", "", true}, {"backend", "CACHE", "off", false}}};
  const auto ask = asked(with_spec(), wish);
  ASSERT_TRUE(ask) << base::to_string(ask.error());
  EXPECT_EQ(Json::parse(ask->patch), Json::parse(R"({"spec":{"backend":{"config":{"CACHE":"off"},"image":"b:2"},
                            "config":{"LOG_LEVEL":"debug","MODE":null}}})"));
  EXPECT_EQ(ask->said, "is asked for backend image b:2, config LOG_LEVEL, config MODE, backend config CACHE");
}

TEST(Upgrade, ThatChangesNothingIsNone) {
  const UpgradeWish wish{
      .frontend_image = "f:1",
      .backend_image = {},
      .config = {{"", "LOG_LEVEL", "info", false}, {"", "NONE", "", true}, {"frontend", "X", "", true}}};
  const auto ask = asked(with_spec(), wish);
  ASSERT_TRUE(ask) << base::to_string(ask.error());
  EXPECT_EQ(*ask, (Ask{"", "has all of that already and serves it", 0}));
  const auto said = [&](const Json& changes) {
    return ask_upgrade(view(patched(with_spec(), changes)), with_spec().dump(), wish)->said;
  };
  EXPECT_EQ(said({{"status", {{"conditions", test::rolled_back()["status"]["conditions"]}}}}),
            "has all of that already, and does not serve it (RolledBack)");
  EXPECT_EQ(said({{"status", {{"conditions", {test::ready_condition("False", "Progressing", "")}}}}}),
            "has all of that already, and does not serve it yet (Progressing)");
  EXPECT_EQ(said({{"metadata", {{"generation", 4}}}}), "has all of that already, and no operator has looked at it yet");
}

TEST(Upgrade, IsRefusedWhereItWouldWait) {
  EXPECT_EQ(refusal(patched(with_spec(), {{"spec", {{"rollback", {{"toRevision", 1}}}}}})),
            "upgrade shop/todo: it is pinned to revision 1, so another spec would wait; follow the spec again first: "
            "kubectl todoapp rollback todo -n shop --undo");
  EXPECT_THAT(refusal(patched(with_spec(), {{"spec", {{"suspend", true}}}})),
              HasSubstr("it is paused, so nothing would happen; kubectl todoapp resume todo -n shop first"));
}

TEST(ConfigWish, SetsOrTakesAway) {
  EXPECT_EQ(read_config_wish("", "A=b=c"), (ConfigWish{"", "A", "b=c", false}));
  EXPECT_EQ(read_config_wish("backend", "A="), (ConfigWish{"backend", "A", "", false}));
  EXPECT_EQ(read_config_wish("", "A-"), (ConfigWish{"", "A", "", true}));
  for (const char* wrong : {"", "A", "=b", "-"}) EXPECT_FALSE(read_config_wish("", wrong)) << wrong;
}

}  // namespace
}  // namespace kubectl
