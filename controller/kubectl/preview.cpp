#include "kubectl/preview.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "kube/model/decode.hpp"
#include "kubectl/diff_text.hpp"
#include "kubectl/forecast.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;
using todoapp::Kind;

class Look {
 public:
  Look(Client& client, const kube::ObjectKey& key, const std::set<std::string>& coming)
      : client_(client), key_(key), coming_(coming) {}

  base::Result<Preview> run(const std::string& live, const std::string& after, const Style& style) {
    Situation situation{.live = live, .after = after, .records = {}, .deployments = {}};
    if (!live.empty()) {
      if (auto read = look_around(situation); !read) return base::Failure(read.error());
    }
    auto told = forecast(situation, [&](std::int64_t number) { return content_of(number); });
    if (!told) return base::Failure(told.error());
    std::vector<ObjectDiff> objects{app_diff(title_of(todoapp::app_resource(), key_.name), live, after)};
    if (objects.front().fields.empty() && objects.front().whole.empty()) objects.clear();
    for (const auto& planned : told->objects) {
      auto diff = compare(planned, *told);
      if (!diff) return base::Failure(diff.error());
      if (*diff) objects.push_back(**std::move(diff));
    }
    for (const auto& source : told->sources) {
      if (auto looked = look_for(source, *told); !looked) return base::Failure(looked.error());
    }
    return Preview{.text = diff_text(kube::to_string(key_), told->notes, objects, told->sealed, style),
                   .differs = !objects.empty() || !told->sealed.empty()};
  }

 private:
  base::Result<void> look_around(Situation& situation) {
    const auto& records = kube::resources::controller_revisions();
    const auto text = client_.list_of(records, key_, kube::Accept::metadata);
    if (!text) return base::Failure(text.error());
    auto page = kube::Decoder().page(*text, records, record_pruning());
    if (!page) return base::Failure(page.error());
    situation.records = std::move(page->objects);
    const auto& deployments = kube::resources::deployments();
    for (const auto tier : todoapp::all_tiers) {
      const auto name = todoapp::tier_name(key_.name, tier);
      const auto found = read(Kind::deployment, name);
      if (!found) return base::Failure(found.error());
      if (!*found) continue;
      auto object = kube::decode_object(**found, deployments, record_pruning());
      if (!object) return base::Failure(object.error());
      situation.deployments.push_back(*std::move(object));
    }
    const auto uid = Json::parse(situation.live)["metadata"].value("uid", "");
    for (auto* objects : {&situation.records, &situation.deployments}) {
      std::erase_if(*objects, [&](const kube::Object& object) { return object.controller_uid != uid; });
    }
    return {};
  }

  base::Result<todoapp::Content> content_of(std::int64_t number) {
    const auto text = client_.get_record(key_, number);
    if (!text) return base::Failure(text.error());
    return todoapp::decode_content(*text);
  }

  /// What was read once is not read again.
  base::Result<std::optional<std::string>> read(Kind kind, const std::string& name) {
    const auto at = read_.find({kind, name});
    if (at != read_.end()) return at->second;
    auto text = client_.find(todoapp::resource_of(kind), {key_.namespace_, name});
    if (text) read_[{kind, name}] = *text;
    return text;
  }

  /// None where it is as it would be.
  base::Result<std::optional<ObjectDiff>> compare(const Planned& planned, Forecast& told) {
    const auto& resource = todoapp::resource_of(planned.kind);
    ObjectDiff diff{.title = title_of(resource, planned.name), .fate = Fate::changed, .fields = {}, .whole = {}};
    const auto found = read(planned.kind, planned.name);
    if (!found) return base::Failure(found.error());
    if (!*found) {
      if (planned.after.empty()) return std::nullopt;
      diff.fate = Fate::made;
      diff.whole = planned.after;
      return diff;
    }
    const auto live = kube::decode_object(**found, resource, {});
    if (!live) return base::Failure(live.error());
    if (live->controller_uid != told.owner || told.owner.empty()) {
      told.notes.push_back(
          fmt::format("{} is there and is not this app's, so it would be left alone (ForeignObject)", diff.title));
      return std::nullopt;
    }
    if (planned.after.empty()) {
      diff.fate = Fate::deleted;
      return diff;
    }
    diff.fields = differences(**found, planned.before.empty() ? "{}" : planned.before, planned.after);
    if (diff.fields.empty()) return std::nullopt;
    return diff;
  }

  base::Result<void> look_for(const std::string& source, Forecast& told) {
    if (coming_.contains(source)) return {};
    const auto found = client_.find(kube::resources::secrets(), {key_.namespace_, source}, kube::Accept::metadata);
    if (!found && found.error().code == base::ErrorCode::forbidden) return {};  // it need not be known
    if (!found) return base::Failure(found.error());
    if (!*found) {
      told.notes.push_back(fmt::format("Secret {} is not there: it would wait for that (SecretNotFound)", source));
    }
    return {};
  }

  Client& client_;
  const kube::ObjectKey& key_;
  const std::set<std::string>& coming_;
  std::map<std::pair<Kind, std::string>, std::optional<std::string>> read_;
};

}  // namespace

base::Result<Preview> preview_of(Client& client, const kube::ObjectKey& key, const std::string& live,
                                 const std::string& after, const std::set<std::string>& coming, const Style& style) {
  return Look(client, key, coming).run(live, after, style);
}

}  // namespace kubectl
