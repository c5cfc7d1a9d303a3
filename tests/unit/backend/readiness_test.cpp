#include "readiness.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <nlohmann/json.hpp>

#include "fake_database.hpp"

namespace todo {
namespace {

using namespace std::chrono_literals;

std::string detail_of(const HttpAnswer& answer) {
  return nlohmann::json::parse(answer.body).value("detail", "no detail");
}

class ReadinessTest : public testing::Test {
 protected:
  /// Asks, and runs the loop until there is an answer.
  HttpAnswer ask(Readiness& readiness) {
    std::optional<HttpAnswer> answer;
    readiness.ask([&](HttpAnswer given) { answer = std::move(given); });
    run_until([&] { return answer.has_value(); });
    return answer.value_or(HttpAnswer{});
  }

  /// What a thread will post is no work that the loop knows of, so it is held open.
  void run_until(const std::function<bool()>& condition) {
    loop_.restart();
    const auto open = boost::asio::make_work_guard(loop_);
    while (!condition()) {
      ASSERT_NE(loop_.run_one_for(10s), 0U) << "waited 10 seconds";
    }
  }

  boost::asio::io_context loop_{1};
  int told_{0};
  Readiness::Told note_ = [this](const Result<SchemaFound>&) { ++told_; };
};

TEST_F(ReadinessTest, ADatabaseWithAFittingSchemaIsReady) {
  Readiness readiness(loop_, fake_maker([] { return Result<void>{}; }), Dialect::sqlite, 1, note_);
  const auto answer = ask(readiness);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "{\"status\":\"ready\",\"database\":\"sqlite\",\"schema\":{\"found\":2,\"needed\":1}}\n");
  EXPECT_EQ(told_, 1);
}

TEST_F(ReadinessTest, AnotherSchemaIsNot) {
  Readiness readiness(loop_, fake_maker([] { return Result<void>{}; }), Dialect::sqlite, 3, note_);
  const auto answer = ask(readiness);
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(detail_of(answer),
            "the database has schema version 2, this program needs schema version 3: run `todo-backend migrate`");
}

TEST_F(ReadinessTest, ADatabaseThatIsAwayIsAskedAgainNextTime) {
  std::atomic<bool> away{true};
  const auto connect = [&away]() -> Result<void> {
    if (away) return fail(Trouble::unavailable, "away");
    return {};
  };
  Readiness readiness(loop_, fake_maker(connect), Dialect::sqlite, 2, note_);
  EXPECT_EQ(detail_of(ask(readiness)), "the database does not answer");
  away = false;
  EXPECT_EQ(ask(readiness).status, 200U);
}

TEST_F(ReadinessTest, ASilentDatabaseCostsNoMoreThanTheLimitAndIsAskedOnce) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<int> asked{0};
  const auto connect = [released, &asked]() -> Result<void> {
    ++asked;
    released.wait();
    return {};
  };
  Readiness readiness(loop_, fake_maker(connect), Dialect::sqlite, 2, note_, 20ms);
  EXPECT_EQ(detail_of(ask(readiness)), "the database has not answered within 20 ms");
  EXPECT_EQ(detail_of(ask(readiness)), "the database has not answered within 20 ms");
  EXPECT_LE(asked, 1);
  EXPECT_EQ(told_, 0);
  release.set_value();
  run_until([&] { return told_ > 0; });
  EXPECT_EQ(ask(readiness).status, 200U);
}

TEST_F(ReadinessTest, WhileDrainingNobodyAsks) {
  Readiness readiness(loop_, fake_maker([] { return Result<void>{}; }), Dialect::sqlite, 2, note_);
  readiness.drain();
  const auto answer = ask(readiness);
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(detail_of(answer), "the program is about to end");
  EXPECT_EQ(told_, 0);
}

}  // namespace
}  // namespace todo
