#include "commands.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "store_rig.hpp"

namespace todo {
namespace {

using Json = nlohmann::json;

std::variant<Command, HttpAnswer> read(HttpQuestion question) {
  return read_command(question, match_path(question.path), 2);
}

Command command_of(HttpQuestion question) {
  const auto path = question.method + " " + question.path;
  auto command = read(std::move(question));
  if (const auto* refused = std::get_if<HttpAnswer>(&command)) {
    ADD_FAILURE() << path << ": " << refused->body;
    return {};
  }
  return std::get<Command>(std::move(command));
}

unsigned status_of(HttpQuestion question) {
  const auto command = read(std::move(question));
  const auto* refused = std::get_if<HttpAnswer>(&command);
  return refused == nullptr ? 0 : refused->status;
}

HttpQuestion with_body(std::string method, std::string path, std::string body, std::string type = "application/json") {
  return {
      .method = std::move(method), .path = std::move(path), .content_type = std::move(type), .body = std::move(body)};
}

TEST(ReadCommand, EachRouteAndMethodIsOneCommand) {
  EXPECT_EQ(command_of({.method = "GET", .path = "/api/todos", .query = "limit=5"}), Command(ListTodos{{.limit = 5}}));
  EXPECT_EQ(command_of({.method = "HEAD", .path = "/api/todos"}), Command(ListTodos{}));
  EXPECT_EQ(command_of(with_body("POST", "/api/todos", R"({"title":"t"})")), Command(CreateTodo{{.title = "t"}}));
  EXPECT_EQ(command_of({.method = "GET", .path = "/api/todos/7"}), Command(GetTodo{7}));
  EXPECT_EQ(command_of(with_body("PATCH", "/api/todos/7", R"({"notes":"n"})")), Command(EditTodo{7, {.notes = "n"}}));
  EXPECT_EQ(command_of({.method = "DELETE", .path = "/api/todos/7"}), Command(DeleteTodo{7}));
  EXPECT_EQ(command_of({.method = "POST", .path = "/api/todos/7/complete"}), Command(EditTodo{7, {.completed = true}}));
  EXPECT_EQ(command_of({.method = "POST", .path = "/api/todos/7/reopen"}), Command(EditTodo{7, {.completed = false}}));
}

TEST(ReadCommand, OtherMethodsAreToldWhichThereAre) {
  const auto command = read({.method = "PUT", .path = "/api/todos/7"});
  const auto& refused = std::get<HttpAnswer>(command);
  EXPECT_EQ(refused.status, 405U);
  EXPECT_EQ(refused.headers, (decltype(refused.headers){{"Allow", "GET, HEAD, PATCH, DELETE"}}));
}

TEST(ReadCommand, OnlyWholeNumbersAreIds) {
  for (const char* id : {"0", "-1", "07", "abc", "1.5", "9007199254740992", "%31", "1;DROP"}) {
    EXPECT_EQ(status_of({.method = "GET", .path = std::string("/api/todos/") + id}), 404U) << id;
  }
  EXPECT_EQ(status_of({.method = "GET", .path = "/api/todos/9007199254740991"}), 0U);
}

TEST(ReadCommand, OnlyJsonIsTaken) {
  const auto post = [](const char* type) {
    return status_of(with_body("POST", "/api/todos", R"({"title":"t"})", type));
  };
  for (const char* good :
       {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x"}) {
    EXPECT_EQ(post(good), 0U) << good;
  }
  for (const char* bad : {"", "text/plain", "application/jsonx", "application/x-www-form-urlencoded", "json"}) {
    EXPECT_EQ(post(bad), 415U) << bad;
  }
}

TEST(ReadCommand, WrongQueriesAndBodiesAreRefused) {
  EXPECT_EQ(status_of({.method = "GET", .path = "/api/todos", .query = "limit=0"}), 400U);
  EXPECT_EQ(status_of(with_body("POST", "/api/todos", "{")), 400U);
  EXPECT_EQ(status_of(with_body("PATCH", "/api/todos/7", "{}")), 422U);
}

class RunCommand : public testing::Test {
 protected:
  HttpAnswer run(const Command& command) {
    auto given = run_command(command, *database_, 2, some_time);
    EXPECT_TRUE(given) << words_of(given);
    return given.value_or(HttpAnswer{});
  }

  TemporaryFile file_;
  std::unique_ptr<Database> database_ = make_database(file_, 2);
};

TEST_F(RunCommand, ANewTodoSaysWhereItIs) {
  const auto answer = run(CreateTodo{{.title = "t"}});
  EXPECT_EQ(answer.status, 201U);
  EXPECT_EQ(answer.headers, (decltype(answer.headers){{"Location", "/api/todos/1"}}));
  EXPECT_EQ(Json::parse(run(GetTodo{1}).body), Json::parse(answer.body));
}

TEST_F(RunCommand, WhatIsNotThereIsNotFound) {
  for (const Command& command : {Command(GetTodo{5}), Command(EditTodo{5, {.title = "t"}}), Command(DeleteTodo{5})}) {
    const auto answer = run(command);
    EXPECT_EQ(answer.status, 404U);
    EXPECT_EQ(Json::parse(answer.body)["detail"], "there is no todo 5");
  }
}

TEST_F(RunCommand, AnEditAnswersWithTheTodoAndADeleteWithNothing) {
  run(CreateTodo{{.title = "t"}});
  EXPECT_EQ(Json::parse(run(EditTodo{1, {.title = "u"}}).body)["title"], "u");
  EXPECT_EQ(run(DeleteTodo{1}), (HttpAnswer{.status = 204, .content_type = ""}));
  EXPECT_EQ(Json::parse(run(ListTodos{}).body)["total"], 0);
}

TEST_F(RunCommand, ADatabaseThatIsGoneIsAnError) {
  file_.remove();
  const auto refusing = make_sqlite(file_.path(), MissingFile::refuse);
  const auto given = run_command(GetTodo{1}, *refusing, 2, some_time);
  EXPECT_EQ(words_of(given), "unavailable: there is no file " + file_.path());
}

}  // namespace
}  // namespace todo
