#include "kube/response.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace kube {
namespace {

using base::ErrorCode;
using std::chrono::seconds;

Response answer(int status, std::string body = {}) {
  Response response;
  response.head.status = status;
  response.body = std::move(body);
  return response;
}

std::string status_object(int code, const std::string& reason, const std::string& message,
                          const std::string& details = "{}") {
  return R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":")" + message + R"(","reason":")" + reason +
         R"(","details":)" + details + R"(,"code":)" + std::to_string(code) + "}";
}

struct Row {
  int status;
  const char* reason;
  ErrorCode code;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.status << ' ' << row.reason; }

class StatusTest : public testing::TestWithParam<Row> {};

TEST_P(StatusTest, SaysWhatItsReceiverDoes) {
  const Row row = GetParam();
  const auto result = require_success(answer(row.status, status_object(row.status, row.reason, "because")), "do it");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, row.code);
  EXPECT_EQ(result.error().act, "do it");
  EXPECT_EQ(result.error().detail, "because");
}

INSTANTIATE_TEST_SUITE_P(
    Table, StatusTest,
    testing::Values(Row{400, "BadRequest", ErrorCode::invalid}, Row{401, "Unauthorized", ErrorCode::retry},
                    Row{403, "Forbidden", ErrorCode::forbidden}, Row{404, "NotFound", ErrorCode::not_found},
                    Row{405, "MethodNotAllowed", ErrorCode::invalid}, Row{408, "Timeout", ErrorCode::retry},
                    Row{409, "AlreadyExists", ErrorCode::already_exists}, Row{409, "Conflict", ErrorCode::conflict},
                    Row{410, "Expired", ErrorCode::gone}, Row{410, "Gone", ErrorCode::gone},
                    Row{413, "RequestEntityTooLarge", ErrorCode::invalid}, Row{418, "", ErrorCode::invalid},
                    Row{422, "Invalid", ErrorCode::invalid}, Row{429, "TooManyRequests", ErrorCode::retry},
                    Row{500, "InternalError", ErrorCode::retry}, Row{503, "ServiceUnavailable", ErrorCode::retry},
                    Row{504, "Timeout", ErrorCode::retry}));

TEST(ResponseTest, PassesASuccessOn) {
  const auto result = require_success(answer(201, "{}"), "create");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->body, "{}");
}

TEST(ResponseTest, NeverFollowsARedirect) {
  const auto result = require_success(answer(302, "<a href=evil>"), "get");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::invalid);
  EXPECT_NE(result.error().detail.find("refused to follow a redirect"), std::string::npos);
}

TEST(ResponseTest, WaitsAsLongAsTheStatusObjectSays) {
  const std::string body = status_object(429, "TooManyRequests", "slow down", R"({"retryAfterSeconds":7})");
  Response response = answer(429, body);
  response.head.retry_after = seconds(3);
  EXPECT_EQ(require_success(response, "get").error().retry_after, seconds(7));
}

TEST(ResponseTest, WaitsAsLongAsTheHeaderSaysWhereNothingElseDoes) {
  Response response = answer(503, "upstream is away");
  response.head.retry_after = seconds(3);
  const base::Error error = require_success(response, "get").error();
  EXPECT_EQ(error.retry_after, seconds(3));
  EXPECT_EQ(error.detail, "upstream is away");
}

TEST(ResponseTest, ListsAgainWhenTheVersionIsTooLarge) {
  const std::string by_cause =
      status_object(504, "Timeout", "later", R"({"causes":[{"reason":"ResourceVersionTooLarge","message":"m"}]})");
  EXPECT_EQ(require_success(answer(504, by_cause), "list").error().code, ErrorCode::relist);
  const std::string by_words = status_object(504, "Timeout", "Too large resource version: 9, current: 4");
  EXPECT_EQ(require_success(answer(504, by_words), "list").error().code, ErrorCode::relist);
}

TEST(ResponseTest, BoundsTheDetailAtAWholeCharacter) {
  std::string body(max_detail - 1, 'x');
  body += "\xC3\xA9 and more";
  EXPECT_EQ(require_success(answer(500, body), "get").error().detail, std::string(max_detail - 1, 'x'));
}

TEST(ResponseTest, NamesTheStatusWhereTheServerSaysNothing) {
  EXPECT_EQ(require_success(answer(502), "get").error().detail, "HTTP 502");
}

TEST(ResponseTest, SurvivesStatusObjectsOfWrongTypes) {
  const std::string body = R"({"kind":"Status","message":3,"reason":[],"details":"x","code":"y"})";
  const base::Error error = require_success(answer(500, body), "get").error();
  EXPECT_EQ(error.code, ErrorCode::retry);
  EXPECT_EQ(error.detail, body);
}

TEST(ResponseTest, ReadsTheErrorOfAWatch) {
  EXPECT_EQ(error_of_status(status_object(410, "Expired", "too old resource version: 1 (2)"), "watch pods"),
            (base::Error{ErrorCode::gone, "watch pods", "too old resource version: 1 (2)", {}}));
  EXPECT_EQ(error_of_status(R"({"kind":"Pod"})", "watch pods").code, ErrorCode::relist);
}

}  // namespace
}  // namespace kube
