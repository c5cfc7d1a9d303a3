#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

using test::an_app;
using Json = nlohmann::json;

Intent sealed(const StringMap& values) {
  return sealed_secret_intent(an_app(), Tier::backend, "todo-backend-secrets-0123456789", values,
                              {.sources = "made of this"});
}

TEST(SealedSecret, IsImmutableAndSaysWhatItWasMadeFrom) {
  const auto body = Json::parse(sealed({{"A", std::string("\0\xff", 2)}}).body);
  EXPECT_EQ(body.at("immutable"), true);
  EXPECT_EQ(body.at("type"), "Opaque");
  EXPECT_EQ(body.at("data"), Json({{"A", "AP8="}}));
  EXPECT_EQ(body.at("metadata").at("annotations").at(marked(mark::sources)), "made of this");
}

TEST(SealedSecret, GivesNoGuessOfItsValuesInItsHash) {
  EXPECT_EQ(sealed({{"A", "1"}}).hash, sealed({{"A", "2"}}).hash);
}

TEST(KeysSecret, MayChangeAndSaysForWhichTokenItWasMade) {
  const auto plain = Json::parse(keys_intent(an_app(), {{"hmac.key", "x"}}).body);
  EXPECT_FALSE(plain.contains("immutable"));
  EXPECT_FALSE(plain.at("metadata").at("annotations").contains(marked(mark::rotate)));
  const auto rotated = Json::parse(keys_intent(an_app().asking_rotate("2"), {{"hmac.key", "x"}}).body);
  EXPECT_EQ(rotated.at("metadata").at("annotations").at(marked(mark::rotate)), "2");
}

}  // namespace
}  // namespace todoapp
