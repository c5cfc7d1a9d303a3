#include "operator/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/kube/model/object_printing.hpp"
#include "unit/operator/shell_rig.hpp"

namespace shell {
namespace {

using test::ObjectText;
using testing::HasSubstr;
using testing::Not;

constexpr const char* secret_value = "aHVudGVyMg==";  // hunter2

base::Result<SecretAnswer> read(const std::string& text) { return read_secret(text); }

TEST(Answers, ASecretsValuesAreDecoded) {
  const auto answer = read(ObjectText("todo-db").version(7).with(
      fmt::format(R"("type":"Opaque","data":{{"empty":"","url":"{}"}})", secret_value)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->values.resource_version, "7");
  EXPECT_EQ(answer->values.data, (todoapp::StringMap{{"empty", ""}, {"url", "hunter2"}}));
}

TEST(Answers, OfTheObjectOnlyMetadataIsKept) {
  const auto answer =
      read(ObjectText("todo-db")
               .version(7)
               .owned_by("uid-of-todo")
               .annotated("apps.todoapp.dev/applied", "abc")
               .annotated("kubectl.kubernetes.io/last-applied-configuration", secret_value)
               .with(fmt::format(R"("data":{{"url":"{}"}},"stringData":{{"url":"hunter2"}})", secret_value)));
  ASSERT_TRUE(answer);
  kube::Object kept;
  kept.name = "todo-db";
  kept.namespace_ = "shop";
  kept.uid = "uid-of-todo-db";
  kept.resource_version = "7";
  kept.generation = 1;
  kept.controller_uid = "uid-of-todo";
  kept.annotations = {{"applied", "abc"}};
  EXPECT_EQ(answer->object, kept);
}

TEST(Answers, ASecretWithoutDataHasNoValues) {
  for (const auto* members : {"", R"("data":null)", R"("data":{})"}) {
    const auto answer = read(ObjectText("todo-db").with(members));
    ASSERT_TRUE(answer) << members;
    EXPECT_EQ(answer->values.data, todoapp::StringMap{}) << members;
  }
}

TEST(Answers, WhatIsNoSecretIsInvalidAndIsNeverQuoted) {
  const std::vector<std::string> texts{
      "",
      "hunter2",
      "[]",
      R"({"data":{"url":"hunter2"}})",
      ObjectText("todo-db").with(R"("data":{"url":"hunter2!"})"),
      ObjectText("todo-db").with(R"("data":{"url":["hunter2"]})"),
      std::string(ObjectText("todo-db").with(R"("data":{"url":"hunter2"})")) + "hunter2"};
  for (const auto& text : texts) {
    const auto answer = read(text);
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code, base::ErrorCode::invalid) << text;
    EXPECT_THAT(base::to_string(answer.error()), Not(HasSubstr("hunter2"))) << text;
  }
}

}  // namespace
}  // namespace shell
