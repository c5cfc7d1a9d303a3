#include "problem.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace todo {
namespace {

using Json = nlohmann::json;

TEST(Problem, SaysWhatTheStatusIsCalledAndWhatIsWrong) {
  const auto answer = problem(404, "there is no todo 7");
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(answer.content_type, "application/problem+json");
  EXPECT_EQ(Json::parse(answer.body),
            (Json{{"title", "Not Found"}, {"status", 404}, {"detail", "there is no todo 7"}}));
}

TEST(Problem, FieldsAreNamedInTheDetailAndOneByOne) {
  const auto answer = field_problem(422, {{"title", "must not be blank"}, {"x", "is unknown"}});
  EXPECT_EQ(
      Json::parse(answer.body),
      (Json{{"title", "Unprocessable Entity"},
            {"status", 422},
            {"detail", "title must not be blank; x is unknown"},
            {"errors",
             {{{"field", "title"}, {"detail", "must not be blank"}}, {{"field", "x"}, {"detail", "is unknown"}}}}}));
}

TEST(Problem, AFieldNameThatIsNotUtf8IsReplacedNotThrown) {
  const auto answer = field_problem(400, {{"\xFF", "is unknown"}});
  EXPECT_EQ(Json::parse(answer.body)["errors"][0]["field"], "\xEF\xBF\xBD");
}

TEST(Problem, NotNowComesWithATimeToTryAgain) {
  const auto answer = unavailable("busy");
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.headers, (decltype(answer.headers){{"Retry-After", "1"}}));
}

TEST(Problem, ClientsAreNotToldTheDatabasesOwnWords) {
  for (const auto trouble : {Trouble::unavailable, Trouble::schema, Trouble::failed, Trouble::invalid}) {
    const auto answer = database_problem({trouble, "host db.internal, user todo"});
    EXPECT_EQ(answer.status, trouble == Trouble::unavailable || trouble == Trouble::schema ? 503U : 500U);
    EXPECT_EQ(answer.body.find("internal, user"), std::string::npos);
  }
}

}  // namespace
}  // namespace todo
