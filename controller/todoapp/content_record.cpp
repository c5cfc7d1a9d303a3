#include "todoapp/content_record.hpp"

#include <nlohmann/json.hpp>

#include "kube/model/canonical_json.hpp"
#include "todoapp/desired/json_text.hpp"

namespace todoapp {
namespace {

using desired::ObjectText;
using Json = nlohmann::json;

JsonText tier_text(const TierContent& tier) {
  return ObjectText{}
      .map("config", tier.config)
      .text("configName", tier.config_name)
      .json("podTemplate", tier.pod_template)
      .text("secretsName", tier.secrets_name)
      .json("templateHash", desired::string_text(tier.template_hash))
      .str();
}

TierContent tier_content(const Json& json) {
  TierContent tier;
  tier.pod_template = kube::canonical(json.at("podTemplate"));
  tier.template_hash = json.at("templateHash").get<std::string>();
  tier.config = json.value("config", StringMap{});
  tier.config_name = json.value("configName", "");
  tier.secrets_name = json.value("secretsName", "");
  return tier;
}

}  // namespace

JsonText content_text(const Content& content) {
  JsonText migration;
  if (content.migration) {
    migration = ObjectText{}
                    .number("compatibleFrom", content.migration->compatible_from)
                    .json("job", content.migration->job_template)
                    .number("schemaVersion", content.migration->schema_version)
                    .str();
  }
  return ObjectText{}
      .json("backend", tier_text(content.backend))
      .json("frontend", tier_text(content.frontend))
      .json("migration", migration)
      .number("rendererVersion", content.renderer_version)
      .str();
}

base::Result<Content> decode_content(std::string_view text) {
  try {
    const auto record = Json::parse(text);
    const auto& data = record.at("data");
    Content content;
    content.renderer_version = data.at("rendererVersion").get<std::int32_t>();
    content.frontend = tier_content(data.at("frontend"));
    content.backend = tier_content(data.at("backend"));
    if (const auto at = data.find("migration"); at != data.end()) {
      content.migration = MigrationContent{kube::canonical(at->at("job")), at->at("schemaVersion").get<std::int32_t>(),
                                           at->at("compatibleFrom").get<std::int32_t>()};
    }
    return content;
  } catch (const Json::exception& error) {
    return base::fail(base::ErrorCode::invalid, "read a revision's record", error.what());
  }
}

}  // namespace todoapp
