// Whatever a peer sends: an error that names the member and no value, never anything worse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kube/model/decode.hpp"
#include "unit/kube/model/deployment_text.hpp"

namespace kube {
namespace {

using testing::HasSubstr;

const Pruning everything{"apps.todoapp.dev/", {{"deployment.kubernetes.io/revision", "rs"}}, true, true, false};

TEST(DecodeMalformed, RefusesATextCutOffAnywhere) {
  Decoder decoder;
  const std::string event = text::event("MODIFIED", text::deployment);
  for (std::size_t size = 0; size < event.size(); ++size) {
    const auto read = decoder.event(std::string_view(event).substr(0, size), resources::deployments(), everything);
    ASSERT_FALSE(read) << "cut at " << size;
    ASSERT_EQ(read.error().code, base::ErrorCode::invalid);
  }
  ASSERT_TRUE(decoder.event(event, resources::deployments(), everything)) << "the decoder is fit for use afterwards";
}

TEST(DecodeMalformed, SurvivesAnyByteAnywhere) {
  Decoder decoder;
  const std::string good = text::event(
      "MODIFIED",
      R"({"metadata":{"annotations":{"apps.todoapp.dev/a":"1\u00e9"},"generation":4,"labels":{},"name":"n",)"
      R"("creationTimestamp":"2026-01-31T12:00:10Z","ownerReferences":[{"uid":"o","controller":true}],)"
      R"("resourceVersion":"7","uid":"u"},"spec":{"replicas":2,"template":[1,-2.5e3,true,null,"x"]},)"
      R"("status":{"conditions":[{"type":"Available","status":"True"}],"readyReplicas":1},"data":{}})");
  for (const char byte : {'\0', '"', '\\', '{', '}', ']', ',', ':', '\xff', '9', 'n'}) {
    std::string event = good;
    for (std::size_t i = 0; i < good.size(); ++i) {
      event[i] = byte;
      const auto read = decoder.event(event, resources::deployments(), everything);
      // Some changes leave a valid text; then what is kept as text must be valid, too.
      if (read && read->object.body) {
        ASSERT_TRUE(nlohmann::json::accept(*read->object.body)) << "byte " << i << " became " << byte;
      }
      event[i] = good[i];
    }
  }
}

struct Row {
  const char* name;
  std::string text;
  const char* says;
};

TEST(DecodeMalformed, SaysWhatIsWrongWithAnObject) {
  const Row rows[] = {
      {"nothing", "", "not JSON"},
      {"white space", "  \n", "not JSON"},
      {"no object", "[]", "not a JSON object"},
      {"a word", "null", "not a JSON object"},
      {"a text", "\"hunter2\"", "not a JSON object"},
      {"an empty object", "{}", "metadata is missing"},
      {"null metadata", R"({"metadata":null})", "metadata is missing"},
      {"metadata of another type", R"({"metadata":[]})", "metadata is not an object"},
      {"no name", R"({"metadata":{"uid":"u"}})", "metadata.name is missing"},
      {"no uid", R"({"metadata":{"name":"n"}})", "metadata.uid is missing"},
      {"a name of another type", R"({"metadata":{"name":5}})", "metadata.name is not a string"},
      {"a generation of another type", R"({"metadata":{"generation":"x"}})", "metadata.generation is not an integer"},
      {"no time", R"({"metadata":{"creationTimestamp":"hunter2"}})", "metadata.creationTimestamp is not a time"},
      {"labels", R"({"metadata":{"labels":"hunter2"}})", "metadata.labels is not an object"},
      {"a label", R"({"metadata":{"labels":{"apps.todoapp.dev/x":1}}})", "metadata.labels is not a string"},
      {"owners", R"({"metadata":{"ownerReferences":{}}})", "metadata.ownerReferences is not an array"},
      {"an owner", R"({"metadata":{"ownerReferences":["hunter2"]}})", "metadata.ownerReferences[] is not an object"},
      {"replicas", R"({"spec":{"replicas":"hunter2"}})", "spec.replicas is not an integer"},
      {"too many replicas", R"({"spec":{"replicas":5000000000}})", "spec.replicas is not a 32-bit integer"},
      {"a spec", R"({"spec":"hunter2"})", "spec is not an object"},
      {"a status", R"({"status":[]})", "status is not an object"},
      {"conditions", R"({"status":{"conditions":[1]}})", "status.conditions is not an object"},
      {"garbage behind", R"({"metadata":{"name":"n","uid":"u"}} hunter2)", "not JSON"},
      {"two objects", R"({"metadata":{"name":"n","uid":"u"}}{})", "not JSON"},
      {"brackets that do not match", R"({"metadata":{"name":"n","uid":"u"},"data":{"a":[1}]})", "not JSON"},
      {"a number that is none", R"({"metadata":{"name":"n","uid":"u"},"data":01})", "not JSON"},
      {"half a character", "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"data\":\"\xC3\"}", "not JSON"},
      {"a surrogate alone", R"({"metadata":{"name":"\ud800","uid":"u"}})", "not JSON"},
      {"a control character", "{\"metadata\":{\"name\":\"a\nb\",\"uid\":\"u\"}}", "not JSON"},
      {"an odd member", R"({"metadata":{"name":"n","uid":"u"},"a\"b":1})", "a member has a name that is no name"},
      {"too deep",
       R"({"metadata":{"name":"n","uid":"u"},"data":)" + std::string(200, '[') + std::string(200, ']') + "}",
       "not JSON"},
      {"far too deep", std::string(1'000'000, '['), "not JSON"},
  };
  Decoder decoder;
  for (const auto& row : rows) {
    const auto read = decoder.object(row.text, resources::deployments(), everything);
    ASSERT_FALSE(read) << row.name;
    EXPECT_EQ(read.error().code, base::ErrorCode::invalid) << row.name;
    EXPECT_EQ(read.error().act, "decode Deployment") << row.name;
    EXPECT_THAT(read.error().detail, HasSubstr(row.says)) << row.name;
    EXPECT_LE(read.error().detail.size(), 120U) << row.name;
    EXPECT_THAT(read.error().detail, Not(HasSubstr("hunter2"))) << row.name;
  }
}

TEST(DecodeMalformed, SaysWhatIsWrongWithAnEvent) {
  const Row rows[] = {
      {"no type", R"({"object":{}})", "type is missing"},
      {"another type", R"({"type":"HUNTER2","object":{}})", "type is none that a watch has"},
      {"a type of another type", R"({"type":1,"object":{}})", "type is not a string"},
      {"no object", R"({"type":"ADDED"})", "object is missing"},
      {"an object of another type", R"({"type":"ADDED","object":1})", "object is not an object"},
      {"no version", R"({"type":"ADDED","object":{"metadata":{"name":"n","uid":"u"}}})",
       "metadata.resourceVersion is missing"},
      {"a bookmark without one", R"({"type":"BOOKMARK","object":{"metadata":{}}})",
       "metadata.resourceVersion is missing"},
  };
  for (const auto& row : rows) {
    const auto read = Decoder{}.event(row.text, resources::secrets(), everything);
    ASSERT_FALSE(read) << row.name;
    EXPECT_EQ(read.error().act, "decode a watch event of Secret") << row.name;
    EXPECT_EQ(read.error().detail, row.says) << row.name;
  }
}

TEST(DecodeMalformed, SaysWhatIsWrongWithAList) {
  const Row rows[] = {
      {"no items", R"({"metadata":{"resourceVersion":"1"}})", "items is missing"},
      {"no version", R"({"items":[]})", "metadata.resourceVersion is missing"},
      {"items of another type", R"({"metadata":{"resourceVersion":"1"},"items":{}})", "items is not an array"},
      {"an item of another type", R"({"metadata":{"resourceVersion":"1"},"items":[1]})", "items[] is not an object"},
      {"a bad item", R"({"metadata":{"resourceVersion":"1"},"items":[{}]})", "metadata is missing"},
  };
  for (const auto& row : rows) {
    const auto read = Decoder{}.page(row.text, resources::secrets(), everything);
    ASSERT_FALSE(read) << row.name;
    EXPECT_EQ(read.error().act, "decode a list of Secret") << row.name;
    EXPECT_EQ(read.error().detail, row.says) << row.name;
  }
}

}  // namespace
}  // namespace kube
