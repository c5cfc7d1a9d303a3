#include "routes.hpp"

#include <gtest/gtest.h>

namespace todo {
namespace {

TEST(Routes, PathsAreKnownOrUnknown) {
  const std::vector<std::tuple<std::string_view, Route, std::string_view>> table{
      {"/health", Route::health, ""},
      {"/ready", Route::ready, ""},
      {"/metrics", Route::metrics, ""},
      {"/api/todos", Route::todos, ""},
      {"/api/todos/7", Route::todo, "7"},
      {"/api/todos/any%20thing", Route::todo, "any%20thing"},
      {"/api/todos/7/complete", Route::complete, "7"},
      {"/api/todos/7/reopen", Route::reopen, "7"},
      {"/", Route::unknown, ""},
      {"", Route::unknown, ""},
      {"*", Route::unknown, ""},
      {"/health/", Route::unknown, ""},
      {"/api/todos/", Route::unknown, ""},
      {"/api/todosx", Route::unknown, ""},
      {"/api/todos//complete", Route::unknown, ""},
      {"/api/todos/7/", Route::unknown, ""},
      {"/api/todos/7/complete/", Route::unknown, ""},
      {"/API/todos", Route::unknown, ""},
  };
  for (const auto& [path, route, id] : table) {
    const auto match = match_path(path);
    EXPECT_EQ(match.route, route) << path;
    EXPECT_EQ(match.id, id) << path;
  }
}

TEST(Routes, MethodsAreThoseOfTheHeaderAllow) {
  EXPECT_TRUE(is_allowed(Route::todos, "POST"));
  EXPECT_TRUE(is_allowed(Route::todos, "HEAD"));
  EXPECT_FALSE(is_allowed(Route::todos, "DELETE"));
  EXPECT_FALSE(is_allowed(Route::todos, "GET, HEAD"));
  EXPECT_FALSE(is_allowed(Route::todos, ""));
  EXPECT_TRUE(is_allowed(Route::todo, "DELETE"));
  EXPECT_FALSE(is_allowed(Route::complete, "GET"));
  EXPECT_FALSE(is_allowed(Route::health, "POST"));
  EXPECT_FALSE(is_allowed(Route::unknown, "GET"));
}

TEST(Routes, LabelsNameNoTodo) {
  EXPECT_STREQ(label(match_path("/api/todos/7").route), "/api/todos/{id}");
  EXPECT_STREQ(label(match_path("/api/todos/7/reopen").route), "/api/todos/{id}/reopen");
  EXPECT_STREQ(label(match_path("/secret").route), "unknown");
}

}  // namespace
}  // namespace todo
