#include "operator/scrape_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/http_server.health.hpp"
#include "unit/kube/scripted_transport.hpp"

namespace shell {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr auto known =
    R"({"status":{"authenticated":true,"user":{"username":"system:serviceaccount:monitoring:prometheus",
    "uid":"7","groups":["system:serviceaccounts"],"extra":{"pod":["p"]}}}})";
constexpr auto unknown = R"({"status":{"authenticated":false,"error":"token expired"}})";
constexpr auto allowed = R"({"status":{"allowed":true}})";
constexpr auto denied = R"({"status":{"allowed":false}})";
constexpr auto review_of_token = "POST /apis/authentication.k8s.io/v1/tokenreviews?fieldManager=todoapp-operator";
constexpr auto review_of_access =
    "POST /apis/authorization.k8s.io/v1/subjectaccessreviews?fieldManager=todoapp-operator";

class ScrapeGuardTest : public testing::Test {
 protected:
  HttpAnswer get(const std::string& authorization, const std::string& path = "/metrics") {
    std::vector<HttpAnswer> answers;
    handler({.path = path, .authorization = authorization}, [&](HttpAnswer answer) { answers.push_back(answer); });
    kube::run_ready(loop);
    EXPECT_THAT(answers, SizeIs(1));
    return answers.empty() ? HttpAnswer{.status = 0} : answers.front();
  }
  Json asked(std::size_t which) { return Json::parse(transport.requests.at(which).body).at("spec"); }

  boost::asio::io_context loop;
  kube::ScriptedTransport transport{loop};
  base::MonoTime now{std::chrono::hours{1}};
  ScrapeGuard guard{transport, "key", [this] { return now; }};
  HttpHandler handler{guard.protect(make_handler([](const HttpQuestion&) { return HttpAnswer{.body = "metrics"}; }))};
};

TEST_F(ScrapeGuardTest, WhoShowsNoTokenIsNotAskedAbout) {
  for (const auto* given : {"", "Basic dXNlcjpwdw==", "Bearer", "Bearer "}) {
    EXPECT_EQ(get(given).status, 401U) << given;
  }
  EXPECT_THAT(transport.requests, IsEmpty());
}

TEST_F(ScrapeGuardTest, WhoMayIsLetThrough) {
  transport.will_answer(201, known);
  transport.will_answer(201, allowed);
  const auto answer = get("bearer  s3cret");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "metrics");
  EXPECT_THAT(transport.lines(), ElementsAre(review_of_token, review_of_access));
  EXPECT_EQ(asked(0), (Json{{"token", "s3cret"}}));
  EXPECT_EQ(asked(1), Json::parse(R"({"user":"system:serviceaccount:monitoring:prometheus","uid":"7",
      "groups":["system:serviceaccounts"],"extra":{"pod":["p"]},
      "nonResourceAttributes":{"path":"/metrics","verb":"get"}})"));
}

TEST_F(ScrapeGuardTest, WhoMayNotIsToldWhatIsMissing) {
  transport.will_answer(201, known);
  transport.will_answer(201, denied);
  const auto answer = get("Bearer t");
  EXPECT_EQ(answer.status, 403U);
  EXPECT_THAT(answer.body, HasSubstr("system:serviceaccount:monitoring:prometheus may not get /metrics"));
  EXPECT_THAT(answer.body, HasSubstr("todoapp-operator-metrics-reader"));
}

TEST_F(ScrapeGuardTest, ATokenThatNobodyKnowsIsRefused) {
  transport.will_answer(201, unknown);
  const auto answer = get("Bearer s3cret");
  EXPECT_EQ(answer.status, 401U);
  EXPECT_THAT(answer.body, Not(HasSubstr("s3cret")));
}

TEST_F(ScrapeGuardTest, WhatWasLearntIsRememberedForAWhile) {
  transport.will_answer(201, known);
  transport.will_answer(201, allowed);
  get("Bearer t");
  now += seconds{59};
  EXPECT_EQ(get("Bearer t").status, 200U);
  EXPECT_THAT(transport.requests, SizeIs(2));
  now += seconds{1};
  transport.will_answer(201, known);
  EXPECT_EQ(get("Bearer t").status, 200U) << "the token is asked about again, the right not yet";
  EXPECT_THAT(transport.requests, SizeIs(3));
  now += seconds{240};
  transport.will_answer(201, known);
  transport.will_answer(201, denied);
  EXPECT_EQ(get("Bearer t").status, 403U) << "five minutes after it was allowed";
  now += seconds{29};
  EXPECT_EQ(get("Bearer t").status, 403U);
  EXPECT_THAT(transport.requests, SizeIs(5));
  now += seconds{1};
  transport.will_answer(201, allowed);
  EXPECT_EQ(get("Bearer t").status, 200U) << "a right that was given works after thirty seconds";
}

TEST_F(ScrapeGuardTest, AnotherTokenIsAnotherQuestion) {
  transport.will_answer(201, known);
  transport.will_answer(201, allowed);
  get("Bearer t");
  transport.will_answer(201, unknown);
  EXPECT_EQ(get("Bearer u").status, 401U);
}

TEST_F(ScrapeGuardTest, WithoutTheApiServersWordNothingIsShownAndNothingRemembered) {
  transport.will_fail();
  EXPECT_EQ(get("Bearer t").status, 500U);
  transport.will_answer(403, R"({"kind":"Status","code":403,"message":"no right to review"})");
  EXPECT_EQ(get("Bearer t").status, 500U);
  for (const auto* nonsense : {"", "[]", R"({"status":3})", "{}"}) {
    transport.will_answer(201, nonsense);
    EXPECT_EQ(get("Bearer t").status, 500U) << nonsense;
  }
  for (const auto* odd : {R"({"status":{"authenticated":"yes"}})", R"({"status":{"authenticated":true,"user":[]}})"}) {
    transport.will_answer(201, odd);
    EXPECT_EQ(get(std::string("Bearer ") + odd).status, 401U) << odd;
  }
  transport.will_answer(201, known);
  transport.will_answer(201, R"({"status":{"allowed":true,"denied":true}})");
  EXPECT_EQ(get("Bearer t").status, 403U);
}

TEST_F(ScrapeGuardTest, TooManyAtATimeArePutOff) {
  std::vector<unsigned> answers;
  for (int client = 0; client < 9; ++client) {
    handler({.path = "/metrics", .authorization = "Bearer " + std::to_string(client)},
            [&](const HttpAnswer& answer) { answers.push_back(answer.status); });
  }
  EXPECT_THAT(answers, ElementsAre(503U));
  EXPECT_EQ(transport.under_way(), 8U);
}

TEST(Remembered, ForgetsTheOldestWhereItIsTooMuch) {
  Remembered remembered;
  const base::MonoTime now{};
  for (int each = 0; each < 65; ++each) remembered.put(std::to_string(each), "x", now + seconds{1});
  EXPECT_EQ(remembered.get("0", now), std::nullopt);
  EXPECT_EQ(remembered.get("1", now), "x");
  EXPECT_EQ(remembered.get("64", now), "x");
  EXPECT_EQ(remembered.get("64", now + seconds{1}), std::nullopt);
}

}  // namespace
}  // namespace shell
