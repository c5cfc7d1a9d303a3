#include "codec.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace todo {
namespace {

using Json = nlohmann::json;

std::string repeated(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < count; ++at) out += text;
  return out;
}

/// "STATUS DETAIL" of a refusal.
template <class T>
std::string refusal(const std::variant<T, HttpAnswer>& read) {
  const auto* answer = std::get_if<HttpAnswer>(&read);
  if (answer == nullptr) return "taken";
  return std::to_string(answer->status) + " " + Json::parse(answer->body).value("detail", "");
}

TEST(NewTodoCodec, TakesEachFieldAndFillsInWhatIsLeftOut) {
  EXPECT_EQ(std::get<NewTodo>(read_new_todo(R"({"title": " milk "})", 2)), NewTodo{.title = "milk"});
  EXPECT_EQ(std::get<NewTodo>(read_new_todo(
                R"({"title": "milk", "notes": "a\n\tb", "completed": true, "dueDate": "2026-12-01"})", 2)),
            (NewTodo{.title = "milk", .notes = "a\n\tb", .completed = true, .due_date = "2026-12-01"}));
  EXPECT_EQ(std::get<NewTodo>(read_new_todo(R"({"title": "m", "dueDate": null})", 2)), NewTodo{.title = "m"});
}

TEST(NewTodoCodec, LimitsCountCharacters) {
  const auto title = repeated(200, "\xE2\x82\xAC");
  EXPECT_EQ(refusal(read_new_todo(Json{{"title", title}}.dump(), 2)), "taken");
  EXPECT_EQ(refusal(read_new_todo(Json{{"title", title + "x"}}.dump(), 2)),
            "422 title must have at most 200 characters");
  const Json notes{{"title", "t"}, {"notes", repeated(2001, "n")}};
  EXPECT_EQ(refusal(read_new_todo(notes.dump(), 2)), "422 notes must have at most 2000 characters");
}

TEST(NewTodoCodec, RefusesWithTheFieldsName) {
  const std::vector<std::pair<std::string, std::string>> table{
      {R"({})", "422 title is missing"},
      {R"({"title": null})", "422 title must be text"},
      {R"({"title": 5})", "422 title must be text"},
      {R"({"title": ""})", "422 title must not be blank"},
      {R"({"title": "   "})", "422 title must not be blank"},
      {R"({"title": "a\nb"})", "422 title must be one line without control characters"},
      {R"({"title": "a\u0000b"})", "422 title must be one line without control characters"},
      {R"({"title": "t", "notes": null})", "422 notes must be text"},
      {R"({"title": "t", "notes": "\u0000"})", "422 notes must hold no control characters but tabs and line ends"},
      {R"({"title": "t", "completed": "yes"})", "422 completed must be true or false"},
      {R"({"title": "t", "completed": null})", "422 completed must be true or false"},
      {R"({"title": "t", "dueDate": "tomorrow"})", "422 dueDate must be a date such as 2026-12-31, or null"},
      {R"({"title": "t", "dueDate": 20261201})", "422 dueDate must be a date such as 2026-12-31, or null"},
      {R"({"title": "t", "id": 5})", "422 id is not a field of a todo that can be set"},
      {R"({"title": "", "completed": 1, "x": 1})",
       "422 title must not be blank; completed must be true or false; x is not a field of a todo that can be set"},
      {R"([1])", "422 the body must be a JSON object"},
      {R"("title")", "422 the body must be a JSON object"},
      {R"({"title": "t")", "400 the body is not JSON, from byte 14 on"},
      {"", "400 the body is empty: it must be a JSON object"},
      {"{\"title\": \"\xFF\"}", "400 the body is not JSON, from byte 12 on"},
      {R"({"title": "\ud800"})", "400 the body is not JSON, from byte 18 on"},
  };
  for (const auto& [body, words] : table) EXPECT_EQ(refusal(read_new_todo(body, 2)), words) << body;
}

TEST(NewTodoCodec, DeepNestingIsRefusedWithoutHarm) {
  EXPECT_EQ(refusal(read_new_todo(repeated(60'000, "["), 2)), "400 the body is not JSON, from byte 60001 on");
  const auto nested = "{\"title\":" + repeated(30'000, "[") + repeated(30'000, "]") + "}";
  EXPECT_EQ(refusal(read_new_todo(nested, 2)), "422 title must be text");
}

TEST(NewTodoCodec, FieldsOfLaterSchemasAreNotKnownYet) {
  EXPECT_EQ(refusal(read_new_todo(R"({"title": "t", "dueDate": "2026-12-01"})", 1)),
            "422 dueDate is not known before schema version 2");
  EXPECT_EQ(refusal(read_new_todo(R"({"title": "t", "dueDate": null})", 1)), "taken");
}

TEST(TodoEditCodec, NamesWhatIsChanged) {
  EXPECT_EQ(std::get<TodoEdit>(read_todo_edit(R"({"title": "t"})", 2)), TodoEdit{.title = "t"});
  EXPECT_EQ(std::get<TodoEdit>(read_todo_edit(R"({"notes": "", "completed": false})", 2)),
            (TodoEdit{.notes = "", .completed = false}));
  const auto taken_away = std::get<TodoEdit>(read_todo_edit(R"({"dueDate": null})", 2));
  ASSERT_TRUE(taken_away.due_date);
  EXPECT_EQ(*taken_away.due_date, std::nullopt);
}

TEST(TodoEditCodec, RefusesWhatNamesNothing) {
  EXPECT_EQ(refusal(read_todo_edit("{}", 2)), "422 the body names nothing to change: title, notes, completed, dueDate");
  EXPECT_EQ(refusal(read_todo_edit(R"({"title": " "})", 2)), "422 title must not be blank");
  EXPECT_EQ(refusal(read_todo_edit(R"({"createdAt": "x"})", 2)),
            "422 createdAt is not a field of a todo that can be set");
}

TEST(TodoWriter, WritesEachField) {
  const Todo todo{.id = 7,
                  .title = "t",
                  .notes = "n",
                  .completed = true,
                  .due_date = "2026-12-01",
                  .created_at = "c",
                  .updated_at = "u",
                  .completed_at = "d"};
  EXPECT_EQ(write_todo(todo),
            R"({"id":7,"title":"t","notes":"n","completed":true,"dueDate":"2026-12-01","createdAt":"c",)"
            R"("updatedAt":"u","completedAt":"d"})"
            "\n");
  EXPECT_EQ(Json::parse(write_todo({.id = 1}))["dueDate"], nullptr);
}

TEST(TodoWriter, BytesThatSomebodyElseWroteDoNotThrow) {
  EXPECT_EQ(Json::parse(write_todo({.title = "\xFF"}))["title"], "\xEF\xBF\xBD");
}

TEST(TodoWriter, APageHasCountsAndItsPlace) {
  const auto page = Json::parse(write_page({.total = 4, .limit = 2, .offset = 1, .active = 3, .completed = 1}));
  EXPECT_EQ(page, (Json{{"items", Json::array()},
                        {"total", 4},
                        {"limit", 2},
                        {"offset", 1},
                        {"counts", {{"all", 4}, {"active", 3}, {"completed", 1}}}}));
}

}  // namespace
}  // namespace todo
