#include "operator/answers.hpp"

#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "kube/model/decode.hpp"
#include "kube/model/resource.hpp"
#include "todoapp/names.hpp"

namespace shell {

const kube::Pruning& secret_pruning() {
  static const kube::Pruning pruning{
      .prefix = std::string(todoapp::prefix), .keep_body = true, .controlled_body = true};
  return pruning;
}

base::Result<SecretAnswer> read_secret(std::string_view text) {
  auto object = kube::decode_object(text, kube::resources::secrets(), secret_pruning());
  if (!object) return tl::unexpected(object.error());
  // No value may get into a cache, which lives longer than the pass that needs it.
  object->body.reset();
  object->fingerprint = 0;
  SecretAnswer answer{*std::move(object), {}};
  answer.values.resource_version = answer.object.resource_version;
  const auto bad = [] { return base::fail(base::ErrorCode::invalid, "read a Secret", "its data is not base64"); };
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return bad();
  const auto data = json.find("data");
  if (data == json.end() || !data->is_object()) return answer;
  for (const auto& [key, value] : data->items()) {
    auto bytes =
        value.is_string() ? base::base64_decode(value.get_ref<const std::string&>()) : base::Result<std::string>(bad());
    if (!bytes) return bad();
    answer.values.data.emplace(key, *std::move(bytes));
  }
  return answer;
}

}  // namespace shell
