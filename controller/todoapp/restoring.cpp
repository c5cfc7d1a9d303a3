#include "todoapp/restoring.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/names.hpp"
#include "todoapp/sealing.hpp"

namespace todoapp {
namespace {

std::string text_of(const kube::Object& object, std::string_view name) {
  const auto* text = kube::find(object.annotations, name);
  return text == nullptr ? std::string{} : *text;
}

/// The sealed Secret that a revision's pods of that tier read, or nullptr.
const kube::Object* sealed_of(const Observed& observed, const Revision& revision, Tier tier) {
  const auto start = sealed_secret_name(observed.app.name, tier, "");
  for (const auto& name : revision.uses) {
    if (name.starts_with(start)) return find_child(observed, Kind::secret, name);
  }
  return nullptr;
}

class Restorer {
 public:
  Restorer(const Observed& observed, const Revision& serving, const Content& recorded)
      : observed_(observed), serving_(serving) {
    result_.content = recorded;
  }

  Restored run() {
    for (const auto tier : all_tiers) restore_tier(tier);
    if (!result_.reads.empty()) result_.writes.clear();
    return std::move(result_);
  }

 private:
  void restore_tier(Tier tier) {
    auto& part = result_.content.tier(tier);
    const auto* then = part.secrets_name.empty() ? nullptr : find_child(observed_, Kind::secret, part.secrets_name);
    const auto* now = sealed_of(observed_, serving_, tier);
    const auto* keys = find_child(observed_, Kind::secret, keys_name(observed_.app.name));
    if (then == nullptr || now == nullptr || keys == nullptr || then == now) return;
    const auto generated = text_of(*then, mark::generated);
    // One token, one set of values.
    if (generated.empty() || text_of(*then, mark::rotate) == text_of(*now, mark::rotate)) return;
    const auto* old_values = held_values(observed_, then->name, then->resource_version, result_.reads);
    const auto* new_values = held_values(observed_, now->name, now->resource_version, result_.reads);
    const auto* key_values = held_values(observed_, keys->name, keys->resource_version, result_.reads);
    if (old_values == nullptr || new_values == nullptr || key_values == nullptr) return;
    const auto key = key_values->find(hmac_key);
    if (key == key_values->end()) return;
    auto values = *old_values;
    for (auto& [name, value] : values) {
      const bool is_generated = ("," + generated + ",").find("," + name + ",") != std::string::npos;
      if (const auto at = new_values->find(name); is_generated && at != new_values->end()) value = at->second;
    }
    const auto name = sealed_name_of(observed_.app, tier, values, key->second);
    if (find_child(observed_, Kind::secret, name) == nullptr) {
      const SealedOrigin origin{.sources = {}, .generated = generated, .rotate = text_of(*now, mark::rotate)};
      result_.writes.emplace_back(
          Apply{sealed_secret_intent(observed_.app, tier, name, values, origin), "", Why::create});
    }
    refer(part, name);
  }

  /// Pods read the Secret by its name; the name is unique enough to be found in the template's text.
  static void refer(TierContent& part, const std::string& name) {
    const auto old = "\"" + part.secrets_name + "\"";
    const auto now = "\"" + name + "\"";
    for (std::size_t at = 0; (at = part.pod_template.find(old, at)) != std::string::npos; at += now.size()) {
      part.pod_template.replace(at, old.size(), now);
    }
    part.secrets_name = name;
    part.template_hash = template_hash_of(part.pod_template);
  }

  const Observed& observed_;
  const Revision& serving_;
  Restored result_;
};

/// What the spec says of a tier.
Parts parts_of(const Parts& parts, Tier tier) {
  const auto start = std::string(to_string(tier)) + ".", end = "." + std::string(to_string(tier));
  Parts own;
  for (const auto& [path, value] : parts) {
    if (path.starts_with(start) || (path.starts_with("secrets.") && path.ends_with(end))) own.emplace(path, value);
  }
  return own;
}

bool renders_anew(const Wanted& wanted, const Revision& latest, const Parts& before, Tier tier) {
  return latest.template_of(tier) != wanted.content.tier(tier).template_hash &&
         parts_of(before, tier) == parts_of(wanted.parts, tier);
}

}  // namespace

bool renders_anew(const Wanted& wanted, const Revision& latest) {
  const auto before = read_parts(latest.parts);
  return std::any_of(all_tiers.begin(), all_tiers.end(),
                     [&](Tier tier) { return renders_anew(wanted, latest, before, tier); });
}

Wanted keeping_tiers(Wanted wanted, const Revision& latest, const Content& recorded) {
  const auto before = read_parts(latest.parts);
  for (const auto tier : all_tiers) {
    if (renders_anew(wanted, latest, before, tier)) wanted.content.tier(tier) = recorded.tier(tier);
  }
  return wanted;
}

Restored restore(const Observed& observed, const Revision& serving, const Content& recorded) {
  return Restorer(observed, serving, recorded).run();
}

}  // namespace todoapp
