#include "metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace todo {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, ExchangesAreCountedByRouteMethodAndCode) {
  Metrics metrics;
  metrics.count_exchange({.method = "GET", .path = "/api/todos/7", .status = 200, .took = 30ms});
  metrics.count_exchange({.method = "GET", .path = "/api/todos/8", .status = 200, .took = 30ms});
  metrics.count_exchange({.method = "BREW", .path = "/secret-path", .status = 404, .took = 1ms});
  const auto text = metrics.text({});
  EXPECT_THAT(text, HasSubstr(R"(todo_http_requests_total{code="200",method="GET",route="/api/todos/{id}"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(todo_http_requests_total{code="404",method="other",route="unknown"} 1)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(todo_http_request_duration_seconds_bucket{code="200",method="GET",route="/api/todos/{id}",le="0.025"} 0)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(todo_http_request_duration_seconds_bucket{code="200",method="GET",route="/api/todos/{id}",le="0.05"} 2)"));
  EXPECT_THAT(text, Not(HasSubstr("secret-path")));
  EXPECT_THAT(text, Not(HasSubstr("BREW")));
}

TEST(Metrics, ErrorsOfTheDatabaseAreThereFromTheBeginning) {
  Metrics metrics;
  EXPECT_THAT(metrics.text({}), HasSubstr(R"(todo_database_errors_total{kind="unavailable"} 0)"));
  metrics.count_database_error(Trouble::unavailable);
  EXPECT_THAT(metrics.text({}), HasSubstr(R"(todo_database_errors_total{kind="unavailable"} 1)"));
}

TEST(Metrics, LoadAndReadinessAreThoseOfTheMoment) {
  Metrics metrics;
  metrics.set_readiness(true, {.version = 3, .compatible_from = 1}, 2);
  const auto text = metrics.text({.connections = 5, .in_flight = 2, .waiting = 1});
  EXPECT_THAT(text, HasSubstr("todo_http_connections 5\n"));
  EXPECT_THAT(text, HasSubstr("todo_http_requests_in_flight 2\n"));
  EXPECT_THAT(text, HasSubstr("todo_database_waiting_requests 1\n"));
  EXPECT_THAT(text, HasSubstr("todo_ready 1\n"));
  EXPECT_THAT(text, HasSubstr(R"(todo_schema_version{kind="found"} 3)"));
  EXPECT_THAT(text, HasSubstr(R"(todo_schema_version{kind="needed"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(todo_build_info{version="1.0.0"} 1)"));
}

TEST(Metrics, TheProcessIsDescribed) {
  const auto text = Metrics().text({});
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                           "process_start_time_seconds ", "process_open_fds "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
  }
}

}  // namespace
}  // namespace todo
