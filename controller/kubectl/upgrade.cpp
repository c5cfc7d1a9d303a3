#include "kubectl/upgrade.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "kubectl/text.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

base::Result<void> check_free(const AppView& app) {
  const auto refuse = [&](std::string why) {
    return base::fail(base::ErrorCode::invalid, "upgrade " + app.key(), std::move(why));
  };
  if (app.deleting) return refuse("it is being deleted");
  if (app.pinned > 0) {
    return refuse(
        fmt::format("it is pinned to revision {}, so another spec would wait; follow the spec again first: "
                    "kubectl todoapp rollback {} -n {} --undo",
                    app.pinned, app.name, app.namespace_));
  }
  if (app.suspended) {
    return refuse(fmt::format("it is paused, so nothing would happen; kubectl todoapp resume {} -n {} first", app.name,
                              app.namespace_));
  }
  return {};
}

/// How far what the spec has already is from serving.
std::string served_words(const AppView& app) {
  if (unseen(app)) return ", and no operator has looked at it yet";
  const auto state = state_of(app);
  if (state == State::ready) return " and serves it";
  return fmt::format(", and does not serve it{} ({})", state == State::stalled ? "" : " yet", plain(app.ready.reason));
}

class Patch {
 public:
  explicit Patch(const Json& spec) : spec_(spec) {}

  void image(const char* tier, const std::string& image) {
    if (image.empty() || spec_.value(tier, Json::object()).value("image", "") == image) return;
    patch_[tier]["image"] = image;
    said_ += fmt::format("{}{} image {}", said_.empty() ? "" : ", ", tier, plain(image));
  }

  void config(const ConfigWish& wish) {
    const auto& around = wish.where.empty() ? spec_ : spec_.value(wish.where, Json::object());
    const auto there = around.value("config", Json::object());
    const auto at = there.find(wish.key);
    const bool same = wish.removed ? at == there.end() : at != there.end() && *at == wish.value;
    auto& config = (wish.where.empty() ? patch_ : patch_[wish.where])["config"];
    if (same) {
      if (config.is_object()) config.erase(wish.key);  // a wish before this one is overruled
      return;
    }
    config[wish.key] = wish.removed ? Json() : Json(wish.value);
    said_ += fmt::format("{}{}config {}", said_.empty() ? "" : ", ", wish.where.empty() ? "" : wish.where + " ",
                         plain(wish.key));
  }

  /// Empty text where nothing changes.
  [[nodiscard]] todoapp::JsonText take() {
    for (auto* around : {&patch_["frontend"], &patch_["backend"], &patch_}) {
      if (around->contains("config") && (*around)["config"].empty()) around->erase("config");
    }
    for (const char* tier : {"frontend", "backend"}) {
      if (patch_[tier].empty()) patch_.erase(tier);
    }
    return patch_.empty() ? todoapp::JsonText() : Json{{"spec", patch_}}.dump();
  }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  const Json& spec_;
  Json patch_ = Json::object();
  std::string said_;
};

}  // namespace

base::Result<ConfigWish> read_config_wish(const std::string& where, std::string_view text) {
  const auto equals = text.find('=');
  if (equals != std::string_view::npos && equals > 0) {
    return ConfigWish{where, std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)), false};
  }
  if (equals == std::string_view::npos && text.size() > 1 && text.ends_with('-')) {
    return ConfigWish{where, std::string(text.substr(0, text.size() - 1)), {}, true};
  }
  return base::fail(base::ErrorCode::invalid, "read the command line",
                    fmt::format("\"{}\" is no config: KEY=VALUE sets one, KEY- takes it away", text));
}

base::Result<Ask> ask_upgrade(const AppView& app, std::string_view json, const UpgradeWish& wish) {
  if (auto free = check_free(app); !free) return base::Failure(free.error());
  const auto whole = Json::parse(json, nullptr, false);
  if (!whole.is_object()) return base::fail(base::ErrorCode::invalid, "upgrade " + app.key(), "it is no object");
  const auto spec = whole.value("spec", Json::object());
  Patch patch(spec);
  patch.image("frontend", wish.frontend_image);
  patch.image("backend", wish.backend_image);
  for (const auto& each : wish.config) patch.config(each);
  auto text = patch.take();
  if (text.empty()) return Ask{"", "has all of that already" + served_words(app), 0};
  return Ask{std::move(text), "is asked for " + patch.said(), 0};
}

}  // namespace kubectl
