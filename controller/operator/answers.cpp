#include "operator/answers.hpp"

#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "kube/model/decode.hpp"
#include "kube/model/resource.hpp"
#include "todoapp/names.hpp"

namespace shell {

base::Result<SecretAnswer> read_secret(std::string_view text) {
  auto object = kube::decode_object(text, kube::resources::secrets(), {.prefix = std::string(todoapp::prefix)});
  if (!object) return tl::unexpected(object.error());
  SecretAnswer answer{*std::move(object), {}};
  answer.values.resource_version = answer.object.resource_version;
  const auto bad = [] { return base::fail(base::ErrorCode::invalid, "read a Secret", "its data is not base64"); };
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return bad();
  const auto data = json.find("data");
  if (data == json.end() || !data->is_object()) return answer;
  for (const auto& [key, value] : data->items()) {
    if (!value.is_string()) return bad();
    auto bytes = base::base64_decode(value.get_ref<const std::string&>());
    if (!bytes) return bad();
    answer.values.data.emplace(key, *std::move(bytes));
  }
  return answer;
}

}  // namespace shell
