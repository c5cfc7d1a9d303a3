#include "kube/store.hpp"

#include <gtest/gtest.h>

#include <random>

#include "unit/kube/model/object_printing.hpp"

namespace kube {
namespace {

using Changes = std::vector<Change>;

/// An object named `name` in "shop", whose uid is "uid-NAME" unless told otherwise.
class Make {
 public:
  explicit Make(std::string name, std::string version = "10") {
    object_.uid = "uid-" + name;
    object_.name = std::move(name);
    object_.namespace_ = "shop";
    object_.resource_version = std::move(version);
    object_.generation = 1;
    object_.controller_uid = "app";
  }
  Make& uid(std::string uid) { return object_.uid = std::move(uid), *this; }
  Make& owner(std::string uid) { return object_.controller_uid = std::move(uid), *this; }
  Make& generation(std::int64_t generation) { return object_.generation = generation, *this; }
  Make& deleting() { return object_.deleting = true, *this; }
  Make& body(const std::string& text) {
    object_.body = std::make_shared<const std::string>(text);
    object_.fingerprint = std::hash<std::string>{}(text) | 1U;
    return *this;
  }
  Make& status(const std::string& text) {
    object_.status = std::make_shared<const std::string>(text);
    return *this;
  }
  Make& ready(std::int32_t count) {
    DeploymentState state;
    state.ready = count;
    object_.state = state;
    return *this;
  }
  operator Object() const { return object_; }  // NOLINT: the builder is used as the object it builds

 private:
  Object object_;
};

ObjectKey key(const std::string& name) { return {"shop", name}; }
Changes change(const std::string& name, const std::string& owner = "app") { return {{key(name), owner}}; }

std::vector<std::string> names(const std::vector<const Object*>& objects) {
  std::vector<std::string> all;
  for (const Object* object : objects) all.push_back(object->name);
  return all;
}

TEST(ResourceVersion, IsComparedAsANumberOfAnyLength) {
  struct Row {
    const char* one;
    const char* other;
    bool newer;
  };
  const Row rows[] = {{"2", "1", true},     {"1", "2", false},
                      {"10", "9", true},    {"9", "10", false},
                      {"5", "5", false},    {"1", "", true},
                      {"", "", false},      {"0010", "9", true},
                      {"010", "10", false}, {"18446744073709551617", "18446744073709551616", true}};
  for (const auto& row : rows) EXPECT_EQ(is_newer(row.one, row.other), row.newer) << row.one << " and " << row.other;
}

TEST(Store, HoldsWhatTheWatchSays) {
  Store store;
  EXPECT_EQ(store.upsert(Make("a", "10").ready(1)), change("a"));
  EXPECT_EQ(store.upsert(Make("a", "11").ready(2)), change("a"));
  ASSERT_NE(store.find(key("a")), nullptr);
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "11").ready(2)));
  EXPECT_EQ(store.remove(Make("a", "12")), change("a"));
  EXPECT_EQ(store.find(key("a")), nullptr);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(store.bytes(), 0U);
  EXPECT_EQ(store.remove(Make("a", "12")), Changes{});
}

TEST(Store, NeverGoesBack) {
  Store store;
  store.upsert(Make("a", "11").ready(2));
  EXPECT_EQ(store.upsert(Make("a", "9").ready(1)), Changes{});
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "11").ready(2)));
}

TEST(Store, NoticesThatANameHasANewUid) {
  Store store;
  store.upsert(Make("a", "10").body("x"));
  store.mark_verified(key("a"), "intent");
  EXPECT_EQ(store.upsert(Make("a", "12").uid("other").body("x")), change("a"));
  EXPECT_EQ(store.find(key("a"))->verified_intent, "");
  EXPECT_EQ(store.remove(Make("a", "11")), Changes{}) << "the old uid's end says nothing of the new one";
  EXPECT_NE(store.find(key("a")), nullptr);
}

TEST(Store, FindsChildrenInTheOrderOfTheirKeys) {
  Store store;
  store.upsert(Make("c"));
  store.upsert(Make("a"));
  store.upsert(Make("b"));
  store.upsert(Make("z").owner("another"));
  store.upsert(Make("orphan").owner(""));
  EXPECT_EQ(names(store.children_of("app")), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(names(store.children_of("another")), std::vector<std::string>{"z"});
  EXPECT_TRUE(store.children_of("nobody").empty());
  EXPECT_TRUE(store.children_of("").empty()) << "no controller is no controller of its own";
}

TEST(Store, TellsBothControllersOfAnObjectThatChangedHands) {
  Store store;
  store.upsert(Make("a", "10"));
  EXPECT_EQ(store.upsert(Make("a", "11").owner("another")), (Changes{{key("a"), "another"}, {key("a"), "app"}}));
  EXPECT_TRUE(store.children_of("app").empty());
  EXPECT_EQ(names(store.children_of("another")), std::vector<std::string>{"a"});
}

TEST(StoreReplace, TellsWhatCameChangedAndVanished) {
  Store store;
  store.upsert(Make("same", "10"));
  store.upsert(Make("changed", "10"));
  store.upsert(Make("vanished", "10"));
  const auto changes = store.replace({Make("same", "10"), Make("changed", "15"), Make("came", "14")}, "20");
  EXPECT_EQ(changes, (Changes{{key("changed"), "app"}, {key("came"), "app"}, {key("vanished"), "app"}}));
  EXPECT_EQ(names(store.children_of("app")), (std::vector<std::string>{"came", "changed", "same"}));
}

TEST(StoreReplace, TakesTheLaterOfTwoOfOneName) {
  Store store;
  store.replace({Make("a", "10").ready(1), Make("a", "12").uid("new").ready(2)}, "20");
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "12").uid("new").ready(2)));
  EXPECT_EQ(store.size(), 1U);
}

TEST(StoreReplace, KeepsWhatWeWroteAfterTheListWasTaken) {
  Store store;
  store.upsert(Make("old", "10").ready(1));
  store.note_write(Make("old", "30").ready(2));
  store.note_write(Make("new", "31"));
  EXPECT_EQ(store.replace({Make("old", "10").ready(1)}, "20"), Changes{});
  EXPECT_EQ(store.find(key("old"))->resource_version, "30");
  EXPECT_NE(store.find(key("new")), nullptr);
  EXPECT_EQ(store.replace({Make("old", "30").ready(2)}, "40"), change("new")) << "a later list no longer had it";
}

TEST(StoreWrite, IsSeenAtOnceAndKeepsWhatTheAnswerLacks) {
  Store store;
  store.upsert(Make("a", "10").ready(2).body("body").status("status"));
  store.note_write(Make("a", "11"));
  Object expected = Make("a", "11").ready(2).body("body").status("status");
  EXPECT_EQ(*store.find(key("a")), expected);
}

TEST(StoreWrite, LetsGoOfABodyOfAnEarlierGeneration) {
  Store store;
  store.upsert(Make("a", "10").ready(2).body("body"));
  store.note_write(Make("a", "11").generation(2));
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "11").generation(2).ready(2)));
}

TEST(StoreWrite, LetsGoOfEverythingOfAnotherUid) {
  Store store;
  store.upsert(Make("a", "10").ready(2).body("body").status("status"));
  store.note_write(Make("a", "11").uid("new"));
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "11").uid("new")));
}

TEST(StoreWrite, DoesNotTakeBackWhatTheWatchSaidFirst) {
  Store store;
  store.upsert(Make("a", "12").ready(2));
  store.note_write(Make("a", "11"));
  store.note_write(Make("a", "12"));
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "12").ready(2)));
}

TEST(StoreWrite, DoesNotBringBackWhatWasDeletedBeforeItsAnswerCame) {
  Store store;
  store.upsert(Make("a", "10"));
  store.remove(Make("a", "12"));
  store.note_write(Make("a", "11"));
  EXPECT_EQ(store.find(key("a")), nullptr);

  store.replace({}, "20");
  store.note_write(Make("b", "19"));
  EXPECT_EQ(store.find(key("b")), nullptr) << "made and gone while nobody watched";
  store.note_write(Make("b", "21"));
  EXPECT_NE(store.find(key("b")), nullptr);
}

TEST(StoreWrite, IsNotToldAgainByItsOwnEcho) {
  Store store;
  store.note_write(Make("a", "11"));
  EXPECT_EQ(store.upsert(Make("a", "11")), Changes{}) << "metadata only: nothing new";
  EXPECT_EQ(store.upsert(Make("a", "11").ready(0)), change("a")) << "a state that was not known";
  EXPECT_EQ(store.upsert(Make("a", "12").ready(0)), change("a")) << "somebody wrote something";
}

TEST(StoreDelete, HidesThatUidUntilItIsGone) {
  Store store;
  store.upsert(Make("a", "10"));
  store.note_delete(key("a"), "another uid");
  EXPECT_NE(store.find(key("a")), nullptr);
  store.note_delete(key("a"), "uid-a");
  EXPECT_EQ(store.find(key("a")), nullptr);
  EXPECT_TRUE(store.children_of("app").empty());
  int visited = 0;
  store.for_each([&](const Object&) { ++visited; });
  EXPECT_EQ(visited, 0);

  EXPECT_EQ(store.upsert(Make("a", "11")), Changes{}) << "an event from before the delete";
  EXPECT_EQ(store.find(key("a")), nullptr);
  EXPECT_EQ(store.replace({Make("a", "11")}, "11"), Changes{});
  EXPECT_EQ(store.find(key("a")), nullptr);
  EXPECT_EQ(store.remove(Make("a", "12")), change("a"));
  EXPECT_EQ(store.size(), 0U);
}

TEST(StoreDelete, ShowsWhatLingers) {
  Store store;
  store.upsert(Make("a", "10"));
  store.note_delete(key("a"), "uid-a");
  EXPECT_EQ(store.upsert(Make("a", "11").deleting()), change("a"));
  ASSERT_NE(store.find(key("a")), nullptr);
  EXPECT_TRUE(store.find(key("a"))->deleting);
}

TEST(StoreDelete, ShowsANewObjectOfTheName) {
  Store store;
  store.upsert(Make("a", "10"));
  store.note_delete(key("a"), "uid-a");
  store.note_write(Make("a", "12").uid("new"));
  ASSERT_NE(store.find(key("a")), nullptr);
  EXPECT_EQ(store.remove(Make("a", "11")), Changes{});
  EXPECT_NE(store.find(key("a")), nullptr);
}

TEST(StoreVerified, LetsGoOfTheBodyAndKnowsItAgain) {
  Store store;
  store.upsert(Make("a", "10").body("body"));
  const std::size_t before = store.bytes();
  store.mark_verified(key("a"), "intent");
  EXPECT_EQ(store.find(key("a"))->body, nullptr);
  EXPECT_EQ(store.find(key("a"))->verified_intent, "intent");
  EXPECT_LT(store.bytes(), before);

  store.upsert(Make("a", "11").body("body").ready(1));
  EXPECT_EQ(store.find(key("a"))->body, nullptr);
  EXPECT_EQ(store.find(key("a"))->verified_intent, "intent");
  EXPECT_EQ(store.find(key("a"))->verified_fingerprint, store.find(key("a"))->fingerprint);
}

TEST(StoreVerified, ForgetsWhenTheBodyIsAnother) {
  Store store;
  store.upsert(Make("a", "10").body("body"));
  store.mark_verified(key("a"), "intent");
  EXPECT_EQ(store.upsert(Make("a", "11").body("drift")), change("a"));
  EXPECT_EQ(*store.find(key("a")), Object(Make("a", "11").body("drift")));
}

TEST(StoreVerified, HoldsOurOwnWriteForVerifiedWhenItComesBack) {
  Store store;
  store.upsert(Make("a", "10").body("old"));
  store.mark_verified(key("a"), "old intent");
  store.note_write(Make("a", "11").generation(2));
  store.mark_verified(key("a"), "new intent");
  EXPECT_EQ(store.upsert(Make("a", "11").generation(2).body("new")), Changes{});
  EXPECT_EQ(store.find(key("a"))->verified_intent, "new intent");
  EXPECT_EQ(store.find(key("a"))->body, nullptr);
  store.upsert(Make("a", "12").generation(2).body("new").ready(1));
  EXPECT_EQ(store.find(key("a"))->verified_intent, "new intent");
}

TEST(StoreVerified, TakesNobodyElsesWriteForOurs) {
  Store store;
  store.upsert(Make("a", "10").body("old"));
  store.note_write(Make("a", "11"));  // the generation is the same: the body before our write is still held
  store.mark_verified(key("a"), "intent");
  store.upsert(Make("a", "12").body("old"));  // somebody put it back
  EXPECT_EQ(store.find(key("a"))->verified_intent, "");
  EXPECT_NE(store.find(key("a"))->body, nullptr);
}

TEST(StoreVerified, RemembersNothingOfTheBodyBeforeOurWrite) {
  Store store;
  store.upsert(Make("a", "10").body("old"));
  store.note_write(Make("a", "11"));
  store.mark_verified(key("a"), "intent");
  const Object* held = store.find(key("a"));
  EXPECT_EQ(held->verified_fingerprint, held->fingerprint) << "it would look as if somebody had touched it";
  EXPECT_EQ(held->fingerprint, 0U);
}

TEST(StoreVerified, HoldsForOneVersionOnlyWhereNoBodyIsKept) {
  Store store;
  store.upsert(Make("a", "10"));
  store.mark_verified(key("a"), "intent");
  store.upsert(Make("a", "10").ready(1));
  EXPECT_EQ(store.find(key("a"))->verified_intent, "intent");
  store.upsert(Make("a", "11"));
  EXPECT_EQ(store.find(key("a"))->verified_intent, "");
}

TEST(StoreVerified, DropsAKnownBodyOfAnObjectHeldAside) {
  Store store;
  store.upsert(Make("a", "10").body("body"));
  Object same = Make("a", "11").body("body");
  store.drop_known_body(same);
  EXPECT_NE(same.body, nullptr) << "not verified";
  store.mark_verified(key("a"), "intent");
  Object other = Make("a", "11").body("drift");
  store.drop_known_body(same);
  store.drop_known_body(other);
  EXPECT_EQ(same.body, nullptr);
  EXPECT_NE(other.body, nullptr);
  store.upsert(same);
  EXPECT_EQ(store.find(key("a"))->verified_intent, "intent");
}

// Whatever happens in whatever order: what is shown never gets older, the index agrees with the objects, and when all
// is gone nothing is held.
TEST(Store, KeepsItsLawsInAnyOrder) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Store store;
  int version = 1;
  std::map<std::string, std::string> shown;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name(1, static_cast<char>('a' + pick(6)));
    Make make(name, std::to_string(std::max(1, version - pick(3))));
    make.uid("uid-" + name).owner(pick(2) == 0 ? "one" : "two");
    if (pick(2) == 0) make.body(std::to_string(pick(3)));
    switch (pick(8)) {
      case 0:
        store.remove(make);
        shown.erase(name);
        break;
      case 1:
        store.note_write(make);
        break;
      case 2:
        store.note_delete(key(name), "uid-" + name);
        break;
      case 3:
        store.mark_verified(key(name), "intent");
        break;
      case 4:
        if (pick(20) == 0) {
          store.replace({make}, std::to_string(version));
          shown.clear();
        }
        break;
      default:
        store.upsert(make);
    }
    ++version;
    std::size_t seen = 0;
    store.for_each([&](const Object& object) {
      ++seen;
      EXPECT_FALSE(is_newer(shown[object.name], object.resource_version)) << object.name << " went back";
      shown[object.name] = object.resource_version;
      EXPECT_TRUE(object.verified_intent.empty() || object.body == nullptr);
    });
    EXPECT_EQ(store.children_of("one").size() + store.children_of("two").size(), seen);
  }
  store.replace({}, std::to_string(version + 1));
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(store.bytes(), 0U);
}

}  // namespace
}  // namespace kube
