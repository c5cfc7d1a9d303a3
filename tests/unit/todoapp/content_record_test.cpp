#include "todoapp/content_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "support/builders.hpp"
#include "todoapp/revision.hpp"

namespace todoapp {
namespace {

using test::an_app;

TEST(ContentRecord, IsCanonicalAndComesBackAsItWas) {
  for (const auto& app : {an_app().build(), an_app().with_migration(3, 2).with_config("A", "<&>").build()}) {
    const auto content = want(app, {"", "todo-backend-secrets-0b0b"}).content;
    const auto text = content_text(content);
    EXPECT_EQ(text, kube::canonical(nlohmann::json::parse(text)));
    const auto back = decode_content(R"({"data":)" + text + "}");
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, content);
  }
}

TEST(ContentRecord, OfSomethingElseIsRefused) {
  for (const auto* text : {"", "{}", "[]", R"({"data":{}})", R"({"data":{"rendererVersion":"1"}})"}) {
    const auto content = decode_content(text);
    ASSERT_FALSE(content.has_value()) << text;
    EXPECT_EQ(content.error().code, base::ErrorCode::invalid);
  }
}

}  // namespace
}  // namespace todoapp
