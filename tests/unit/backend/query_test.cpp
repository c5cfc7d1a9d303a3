#include "query.hpp"

#include <gtest/gtest.h>

namespace todo {
namespace {

ListQuery query_of(std::string_view text, int schema = 2) {
  const auto read = read_list_query(text, schema);
  if (const auto* errors = std::get_if<FieldErrors>(&read)) {
    ADD_FAILURE() << text << ": " << errors->front().field << " " << errors->front().detail;
    return {};
  }
  return std::get<ListQuery>(read);
}

std::string refusal(std::string_view text, int schema = 2) {
  const auto read = read_list_query(text, schema);
  std::string out;
  if (const auto* errors = std::get_if<FieldErrors>(&read)) {
    for (const auto& error : *errors) out += (out.empty() ? "" : "; ") + error.field + " " + error.detail;
  }
  return out;
}

TEST(Query, HasDefaults) {
  EXPECT_EQ(query_of(""), ListQuery{});
  EXPECT_EQ(query_of("&&"), ListQuery{});
}

TEST(Query, TakesEachParameter) {
  EXPECT_EQ(query_of("completed=false&q=50%25+off_&sort=-dueDate&limit=20&offset=40"),
            (ListQuery{.completed = false,
                       .search = "50% off_",
                       .sort = SortKey::due_date,
                       .descending = true,
                       .limit = 20,
                       .offset = 40}));
  EXPECT_EQ(query_of("sort=title"), (ListQuery{.sort = SortKey::title, .descending = false}));
  EXPECT_EQ(query_of("%73ort=updatedAt").sort, SortKey::updated_at);
  EXPECT_EQ(query_of("q="), ListQuery{});
}

TEST(Query, RefusesByName) {
  const std::string sorts =
      "sort must be one of createdAt, updatedAt, title, dueDate, or one of them after a minus sign";
  const std::vector<std::pair<std::string, std::string>> table{
      {"limit=0", "limit must be a whole number from 1 to 100"},
      {"limit=101", "limit must be a whole number from 1 to 100"},
      {"limit=ten", "limit must be a whole number from 1 to 100"},
      {"limit", "limit must be a whole number from 1 to 100"},
      {"offset=-1", "offset must be a whole number from 0 to 1000000000"},
      {"completed=1", "completed must be true or false"},
      {"completed=", "completed must be true or false"},
      {"sort=id", sorts},
      {"sort=--title", sorts},
      {"sort=title%3BDROP+TABLE+todos", sorts},
      {"sort=", sorts},
      {"q=%00", "q must hold no control characters"},
      {"q=%FF", "q must be UTF-8"},
      {"q=%G1", "q must have two hexadecimal digits after each percent sign"},
      {"q=a&q=b", "q must be given once"},
      {"page=2", "page is not a parameter of this list; it has completed, q, sort, limit, offset"},
      {"limit=0&x=1",
       "limit must be a whole number from 1 to 100; x is not a parameter of this list; it has completed, "
       "q, sort, limit, offset"},
  };
  for (const auto& [text, words] : table) EXPECT_EQ(refusal(text), words) << text;
}

TEST(Query, ASearchHasAtMost200Characters) {
  EXPECT_EQ(refusal("q=" + std::string(200, 'a')), "");
  EXPECT_EQ(refusal("q=" + std::string(201, 'a')), "q must have at most 200 characters");
}

TEST(Query, TheDueDateIsNotKnownBeforeItsSchema) { EXPECT_NE(refusal("sort=dueDate", 1), ""); }

}  // namespace
}  // namespace todo
