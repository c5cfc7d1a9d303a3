#include "todo_store.hpp"

#include <gtest/gtest.h>

#include "store_rig.hpp"

namespace todo {
namespace {

constexpr const char* later = "2026-11-21T13:00:00.000Z";
constexpr const char* latest = "2026-11-21T14:00:00.000Z";

class Store : public testing::Test {
 protected:
  Todo add(NewTodo given, const char* time = some_time) {
    const auto made = store_.create(given, time);
    EXPECT_TRUE(made) << words_of(made);
    return made.value_or(Todo{});
  }

  Todo edited(std::int64_t id, const TodoEdit& edit, const char* time) {
    const auto done = store_.edit(id, edit, time);
    EXPECT_TRUE(done && *done) << words_of(done);
    return done && *done ? **done : Todo{};
  }

  std::vector<std::string> titles(const ListQuery& query) {
    const auto page = store_.list(query);
    EXPECT_TRUE(page) << words_of(page);
    std::vector<std::string> out;
    for (const auto& todo : page.value_or(TodoPage{}).items) out.push_back(todo.title);
    return out;
  }

  using Titles = std::vector<std::string>;
  TemporaryFile file_;
  std::unique_ptr<Database> database_ = make_database(file_, 2);
  TodoStore store_{*database_, 2};
};

TEST_F(Store, KeepsWhatItIsGiven) {
  const auto made =
      add({.title = "t'; DROP TABLE todos; --", .notes = "n\"$1", .completed = true, .due_date = "2026-12-01"});
  EXPECT_EQ(made, (Todo{.id = 1,
                        .title = "t'; DROP TABLE todos; --",
                        .notes = "n\"$1",
                        .completed = true,
                        .due_date = "2026-12-01",
                        .created_at = some_time,
                        .updated_at = some_time,
                        .completed_at = some_time}));
  EXPECT_EQ(store_.get(1)->value(), made);
}

TEST_F(Store, AnIdIsNeverGivenAgain) {
  add({.title = "a"});
  EXPECT_TRUE(*store_.remove(add({.title = "b"}).id));
  EXPECT_EQ(add({.title = "c"}).id, 3);
  EXPECT_FALSE(*store_.remove(2));
}

TEST_F(Store, AnEditChangesWhatItNames) {
  add({.title = "a", .notes = "n", .due_date = "2026-12-01"});
  EXPECT_EQ(edited(1, {.title = "b"}, later), (Todo{.id = 1,
                                                    .title = "b",
                                                    .notes = "n",
                                                    .completed = false,
                                                    .due_date = "2026-12-01",
                                                    .created_at = some_time,
                                                    .updated_at = later}));
  EXPECT_EQ(edited(1, {.notes = "", .due_date = std::optional<std::string>{}}, latest),
            (Todo{.id = 1, .title = "b", .created_at = some_time, .updated_at = latest}));
  EXPECT_EQ(store_.edit(2, {.title = "b"}, later)->has_value(), false);
}

TEST_F(Store, ToCompleteTwiceIsToCompleteOnce) {
  add({.title = "a"});
  const auto once = edited(1, {.completed = true}, later);
  EXPECT_EQ(once.completed_at, later);
  EXPECT_EQ(edited(1, {.completed = true}, latest), once);
  const auto reopened = edited(1, {.completed = false}, latest);
  EXPECT_EQ(reopened.completed_at, std::nullopt);
  EXPECT_EQ(reopened.updated_at, latest);
  EXPECT_EQ(edited(1, {.completed = false}, later), reopened);
}

TEST_F(Store, AnEditThatAlsoCompletesKeepsTheFirstTimeOfCompletion) {
  add({.title = "a", .completed = true});
  const auto both = edited(1, {.title = "b", .completed = true}, later);
  EXPECT_EQ(both.completed_at, some_time);
  EXPECT_EQ(both.updated_at, later);
}

TEST_F(Store, SearchTakesEachCharacterForItselfAndLooksIntoNotes) {
  for (const char* title : {"100%", "100 of", "a_b", "axb", "back\\slash", "wow!"}) add({.title = title});
  add({.title = "other", .notes = "Milk_"});
  const auto found = [&](const char* search) {
    return titles({.search = search, .sort = SortKey::title, .descending = false});
  };
  EXPECT_EQ(found("0%"), Titles{"100%"});
  EXPECT_EQ(found("a_b"), Titles{"a_b"});
  EXPECT_EQ(found("mILK_"), Titles{"other"});
  EXPECT_EQ(found("\\"), Titles{"back\\slash"});
  EXPECT_EQ(found("!"), Titles{"wow!"});
  EXPECT_EQ(found("' OR 1=1 --"), Titles{});
  EXPECT_EQ(found("").size(), 7U);
}

TEST_F(Store, CountsAreOfTheSearchAndTotalIsOfTheFilterToo) {
  add({.title = "milk"});
  add({.title = "milk", .completed = true});
  add({.title = "milk", .completed = true});
  add({.title = "bread"});
  const auto page = *store_.list({.completed = true, .search = "milk", .limit = 1, .offset = 1});
  EXPECT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.total, 2);
  EXPECT_EQ(page.active, 1);
  EXPECT_EQ(page.completed, 2);
  const auto beyond = *store_.list({.completed = false, .search = "milk", .offset = 10});
  EXPECT_TRUE(beyond.items.empty());
  EXPECT_EQ(beyond.total, 1);
  EXPECT_EQ(*store_.list({.search = "nothing"}), (TodoPage{.limit = 50}));
}

TEST_F(Store, SortsByEachKeyBothWays) {
  add({.title = "b", .due_date = "2026-12-02"}, later);
  add({.title = "A"}, some_time);
  add({.title = "c", .due_date = "2026-12-01"}, latest);
  edited(2, {.notes = "x"}, latest);
  const auto by = [&](SortKey key, bool descending) { return titles({.sort = key, .descending = descending}); };
  EXPECT_EQ(by(SortKey::created_at, false), (Titles{"A", "b", "c"}));
  EXPECT_EQ(by(SortKey::created_at, true), (Titles{"c", "b", "A"}));
  EXPECT_EQ(by(SortKey::updated_at, false), (Titles{"b", "A", "c"}));
  EXPECT_EQ(by(SortKey::updated_at, true), (Titles{"c", "A", "b"}));
  EXPECT_EQ(by(SortKey::title, false), (Titles{"A", "b", "c"}));
  EXPECT_EQ(by(SortKey::title, true), (Titles{"c", "b", "A"}));
  EXPECT_EQ(by(SortKey::due_date, false), (Titles{"c", "b", "A"}));
  EXPECT_EQ(by(SortKey::due_date, true), (Titles{"b", "c", "A"}));
}

TEST_F(Store, PagesTogetherAreTheWholeList) {
  for (int at = 0; at < 7; ++at) add({.title = "t" + std::to_string(at)});
  Titles all;
  for (std::int64_t offset = 0; offset < 9; offset += 3) {
    const auto page = titles({.descending = false, .limit = 3, .offset = offset});
    all.insert(all.end(), page.begin(), page.end());
  }
  EXPECT_EQ(all, (Titles{"t0", "t1", "t2", "t3", "t4", "t5", "t6"}));
}

TEST_F(Store, AProgramOfTheOlderSchemaWorksOnTheNewer) {
  add({.title = "new", .due_date = "2026-12-01"});
  TodoStore older(*database_, 1);
  EXPECT_EQ(older.get(1)->value().due_date, std::nullopt);
  ASSERT_TRUE(older.create({.title = "by the older"}, later));
  ASSERT_TRUE(older.edit(1, {.title = "edited"}, later));
  EXPECT_EQ(older.list({})->total, 2);
  EXPECT_EQ(store_.get(1)->value().due_date, "2026-12-01");
}

TEST_F(Store, ATableThatIsMissingIsAMatterOfTheSchema) {
  ASSERT_TRUE(database_->run("DROP TABLE todos"));
  EXPECT_EQ(store_.list({}).error().trouble, Trouble::schema);
}

}  // namespace
}  // namespace todo
