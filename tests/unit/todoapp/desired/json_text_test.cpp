#include "todoapp/desired/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kube/model/canonical_json.hpp"

namespace todoapp::desired {
namespace {

TEST(JsonText, WritesStringsAsCanonicalJsonDoes) {
  std::vector<std::string> table{
      "", "plain", "a\"b\\c", "<&>", "tab\there\n", "\x7f", "gr\xc3\xbc\xc3\x9f", "\xe2\x80\xa8"};
  for (char c = 1; c < 0x7F; ++c) table.emplace_back(1, c);
  for (const auto& text : table) EXPECT_EQ(string_text(text), kube::canonical(nlohmann::json(text)));
}

TEST(JsonText, LeavesOutWhatIsEmpty) {
  EXPECT_EQ(ObjectText{}.json("a", "").text("b", "").map("c", {}).str(), "{}");
  EXPECT_EQ(ListText{}.entries("").entries("[]").str(), "");
  EXPECT_EQ(text_of(std::vector<std::string>{}), "");
}

TEST(JsonText, WritesEveryKindOfValue) {
  EXPECT_EQ(ObjectText{}
                .flag("a", false)
                .json("b", "[1]")
                .map("c", {{"k", ""}, {"l", "<"}})
                .number("d", -1)
                .text("e", "x")
                .str(),
            R"({"a":false,"b":[1],"c":{"k":"","l":"\u003c"},"d":-1,"e":"x"})");
  EXPECT_EQ(ListText{}.json("1").entries("[2,3]").text("x").str(), R"([1,2,3,"x"])");
}

}  // namespace
}  // namespace todoapp::desired
