#include "todoapp/sealing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hash.hpp"
#include "kube/model/canonical_json.hpp"
#include "kube/model/subset.hpp"
#include "todoapp/desired/json_text.hpp"
#include "todoapp/history.hpp"
#include "todoapp/names.hpp"

namespace todoapp {
namespace {

std::string random_bytes(const std::string& entropy, std::string_view label, std::int32_t count) {
  std::string bytes;
  for (int block = 0; bytes.size() < static_cast<std::size_t>(count); ++block) {
    const auto hex = base::hmac_sha256_hex(entropy, fmt::format("{}/{}", label, block));
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    }
  }
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

/// A generated value: base64url without padding, so that it stands in a URL or a header as it is.
std::string random_value(const std::string& entropy, const SecretVariable& variable) {
  auto text = base::base64_encode(random_bytes(entropy, variable.name, variable.generate_bytes));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  return text;
}

/// What was last read of one source by one tier's Deployment.
struct Seen {
  std::string version;  ///< resourceVersion last looked at
  std::string value;    ///< resourceVersion at which the value last changed
};

/// "todo-db=120:101,todo-mail=7:7"
std::map<std::string, Seen> parse_versions(const std::string* text) {
  std::map<std::string, Seen> versions;
  std::string_view rest = text == nullptr ? std::string_view{} : std::string_view{*text};
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    const auto entry = rest.substr(0, end);
    const auto equals = entry.find('='), colon = entry.rfind(':');
    if (equals != std::string_view::npos && colon != std::string_view::npos && colon > equals) {
      versions[std::string(entry.substr(0, equals))] = {std::string(entry.substr(equals + 1, colon - equals - 1)),
                                                        std::string(entry.substr(colon + 1))};
    }
    rest = end == rest.size() ? std::string_view{} : rest.substr(end + 1);
  }
  return versions;
}

/// The token of the generated values that the newest revision's pods were given; its keys Secret is gone.
std::string token_in_use(const Observed& observed) {
  const History history(observed);
  if (history.empty()) return {};
  for (const auto& name : history.latest()->uses) {
    const auto* sealed = find_child(observed, Kind::secret, name);
    const auto* token = sealed == nullptr ? nullptr : kube::find(sealed->annotations, mark::rotate);
    if (token != nullptr) return *token;
  }
  return {};
}

/// The token that values are generated for; one that was taken away again asks for no other values.
std::string rotate_token_of(const Observed& observed) {
  const auto& asked = observed.app.requests.rotate;
  const auto* keys = find_child(observed, Kind::secret, keys_name(observed.app.name));
  const auto* rotated = keys == nullptr ? nullptr : kube::find(keys->annotations, mark::rotate);
  if (asked.empty() && keys == nullptr) return token_in_use(observed);
  return asked.empty() && rotated != nullptr ? *rotated : asked;
}

class Sealer {
 public:
  explicit Sealer(const Observed& observed) : observed_(observed), app_(observed.app) {}

  Sealing run() {
    result_.live = observed_.memory.live;
    if (app_.spec.secrets.empty()) return std::move(result_);
    if (!sources_exist()) return std::move(result_);
    for (const auto tier : all_tiers) overlay(tier);
    if (needs_keys()) seal();
    if (!result_.reads.empty()) result_.writes.clear();
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool needs_keys() const {
    return std::any_of(app_.spec.secrets.begin(), app_.spec.secrets.end(), [](const auto& v) { return v.sealed(); });
  }

  bool sources_exist() {
    for (const auto& variable : app_.spec.secrets) {
      if (variable.generated() || observed_.sources.contains(variable.source_name)) continue;
      result_.problem = fmt::format(
          "Secret {} does not exist, and {} is taken from it; create it: kubectl create secret "
          "generic {} --namespace {} --from-file {}=FILE",
          variable.source_name, variable.name, variable.source_name, app_.namespace_, variable.source_key);
      return false;
    }
    return true;
  }

  const StringMap* values_of(const std::string& name, const std::string& version) {
    return held_values(observed_, name, version, result_.reads);
  }

  const StringMap* source_values(const std::string& name) {
    return values_of(name, observed_.sources.at(name).resource_version);
  }

  /// The value of a variable that comes from a Secret; a key that is not there is the user's to add.
  const std::string* source_value(const StringMap& values, const SecretVariable& variable) {
    const auto at = values.find(variable.source_key);
    if (at != values.end()) return &at->second;
    result_.problem = fmt::format(
        "Secret {} has no key {}, and {} is taken from it; add the key, or change "
        "spec.secrets[{}].valueFrom.secretKeyRef.key",
        variable.source_name, variable.source_key, variable.name, variable.name);
    return nullptr;
  }

  // --- Live values: the pod reads them from the user's Secret itself; here it is only noticed that they changed.

  void overlay(Tier tier) {
    std::set<std::string> names;
    for (const auto& variable : app_.spec.secrets) {
      if (!variable.sealed() && variable.used_by(tier)) names.insert(variable.source_name);
    }
    if (names.empty()) return;
    const auto* deployment = find_child(observed_, Kind::deployment, tier_name(app_.name, tier));
    const auto before =
        parse_versions(deployment == nullptr ? nullptr : kube::find(deployment->annotations, mark::secret_versions));
    Overlay overlay;
    std::string identity;
    for (const auto& name : names) {
      const auto at = before.find(name);
      const auto now = look_at(tier, name, at == before.end() ? nullptr : &at->second);
      overlay.secret_versions +=
          fmt::format("{}{}={}:{}", overlay.secret_versions.empty() ? "" : ",", name, now.version, now.value);
      identity += fmt::format("{}@{}@{};", name, observed_.sources.at(name).uid, now.value);
    }
    overlay.live_secrets = base::short_hash(base::sha256_hex(identity));
    result_.overlays[tier] = std::move(overlay);
  }

  Seen look_at(Tier tier, const std::string& name, const Seen* before) {
    const auto& version = observed_.sources.at(name).resource_version;
    if (before != nullptr && before->version == version) return *before;
    const auto* values = source_values(name);
    if (values == nullptr) return {version, version};
    nlohmann::json used = nlohmann::json::object();
    for (const auto& variable : app_.spec.secrets) {
      if (variable.sealed() || variable.source_name != name || !variable.used_by(tier)) continue;
      const auto* value = source_value(*values, variable);
      if (value == nullptr) return {};
      used[variable.source_key] = base::base64_encode(*value);
    }
    const auto digest = base::hmac_sha256_hex(observed_.process_key, kube::canonical(used));
    // Only the digest of just that version tells: one noted since may be of a change that this tier has not had yet.
    const auto key = fmt::format("{}/{}", to_string(tier), name);
    const auto known = observed_.memory.live.find(key);
    const bool same = before != nullptr && known != observed_.memory.live.end() &&
                      known->second.resource_version == before->version && known->second.digest == digest;
    result_.live[key] = {version, digest};
    return {version, same ? before->value : version};
  }

  // --- Sealed values: copied into an immutable Secret of the app's own.

  [[nodiscard]] std::string made_from(Tier tier) const {
    std::string text;
    for (const auto& variable : app_.spec.secrets) {
      if (!variable.sealed() || !variable.used_by(tier)) continue;
      if (variable.generated()) {
        text += fmt::format("{}=generated/{};", variable.name, rotate_token_);
      } else {
        const auto& source = observed_.sources.at(variable.source_name);
        text += fmt::format("{}={}/{}@{}/{};", variable.name, variable.source_name, variable.source_key, source.uid,
                            source.resource_version);
      }
    }
    return text.empty() ? text : base::short_hash(base::sha256_hex(text));
  }

  [[nodiscard]] SealedOrigin origin_of(Tier tier, std::string sources) const {
    SealedOrigin origin{.sources = std::move(sources)};
    for (const auto& variable : app_.spec.secrets) {
      if (!variable.generated() || !variable.used_by(tier)) continue;
      origin.generated += (origin.generated.empty() ? "" : ",") + variable.name;
    }
    if (!origin.generated.empty()) origin.rotate = rotate_token_;
    return origin;
  }

  /// The sealed Secret that was made from just this, or nullptr.
  [[nodiscard]] const kube::Object* sealed_from(Tier tier, const std::string& sources) const {
    const auto start = sealed_secret_name(app_.name, tier, "");
    for (const auto& child : observed_.owned) {
      if (child.kind != Kind::secret || child.object->deleting || !child.object->name.starts_with(start)) continue;
      const auto* made = kube::find(child.object->annotations, mark::sources);
      if (made != nullptr && *made == sources) return child.object;
    }
    return nullptr;
  }

  void seal() {
    rotate_token_ = rotate_token_of(observed_);
    const auto* keys = find_child(observed_, Kind::secret, keys_name(app_.name));
    const auto* rotated = keys == nullptr ? nullptr : kube::find(keys->annotations, mark::rotate);
    const bool rotating = keys != nullptr && (rotated == nullptr ? "" : *rotated) != rotate_token_;
    bool all_found = true;
    for (const auto tier : all_tiers) {
      const auto sources = made_from(tier);
      if (sources.empty()) continue;
      const auto* found = sealed_from(tier, sources);
      if (found != nullptr) {
        set_name(tier, found->name);
        mend(tier, *found, sources);
      }
      all_found = all_found && found != nullptr;
    }
    if (keys != nullptr && all_found && !rotating && !lost_labels(*keys)) return;
    auto values = key_values(keys, rotating);
    if (!values) return;
    for (const auto tier : all_tiers) {
      if (!made_from(tier).empty() && result_.names.of(tier).empty()) seal_tier(tier, *values);
    }
  }

  /// Only labels and owner of a Secret are in the cache, and sealed values cannot change: what can drift are the
  /// labels.
  bool lost_labels(const kube::Object& secret) {
    if (secret.body == nullptr) return false;
    const auto labels = desired::ObjectText{}.map("labels", object_labels(app_.name, nullptr)).str();
    const auto* applied = kube::find(secret.annotations, mark::applied);
    const bool held = kube::is_subset(desired::ObjectText{}.json("metadata", labels).str(), *secret.body);
    if (!held || applied == nullptr) return true;
    const Action verified = MarkVerified{Kind::secret, secret.name, *applied, secret.fingerprint};
    if (std::find(result_.writes.begin(), result_.writes.end(), verified) == result_.writes.end()) {
      result_.writes.push_back(verified);
    }
    return false;
  }

  /// A sealed Secret that lost its labels is applied again, with the values that it holds.
  void mend(Tier tier, const kube::Object& sealed, const std::string& sources) {
    if (!lost_labels(sealed)) return;
    const auto* held = values_of(sealed.name, sealed.resource_version);
    if (held == nullptr) return;
    result_.writes.emplace_back(
        Apply{sealed_secret_intent(app_, tier, sealed.name, *held, origin_of(tier, sources)), sealed.uid, Why::drift});
  }

  void set_name(Tier tier, std::string name) {
    (tier == Tier::frontend ? result_.names.frontend : result_.names.backend) = std::move(name);
  }

  /// Made from the generated values where there are any: whoever recovers those from the Secrets that pods use has the
  /// key again, and with it the names.
  [[nodiscard]] std::string new_key(const StringMap& values, const std::string& old) const {
    std::string generated;
    for (const auto& variable : app_.spec.secrets) {
      if (variable.generated()) generated += values.at(variable.name) + ";";
    }
    if (!generated.empty()) return base::hmac_sha256_hex(generated, hmac_key);
    return old.empty() ? base::hmac_sha256_hex(observed_.entropy, hmac_key) : old;
  }

  /// The app's key and all generated values as they should be; writes the keys Secret where it differs.
  std::optional<StringMap> key_values(const kube::Object* keys, bool rotating) {
    StringMap values;
    if (keys != nullptr) {
      const auto* held = values_of(keys->name, keys->resource_version);
      if (held == nullptr) return std::nullopt;
      values = *held;
    } else if (!recover(values)) {
      return std::nullopt;
    }
    const bool drifted = keys != nullptr && lost_labels(*keys);
    bool changed = keys == nullptr || rotating;
    for (const auto& variable : app_.spec.secrets) {
      if (!variable.generated() || (values.contains(variable.name) && !rotating)) continue;
      values[variable.name] = random_value(observed_.entropy, variable);
      changed = true;
    }
    auto& key = values[hmac_key];
    if (changed || key.empty()) {
      key = new_key(values, key);
      changed = true;
    }
    if (changed || drifted) {
      const auto why = keys == nullptr ? Why::create : changed ? Why::change : Why::drift;
      result_.writes.emplace_back(Apply{keys_intent(as_rotated(), values), keys == nullptr ? "" : keys->uid, why});
    }
    return values;
  }

  /// The keys Secret is marked with the token that counts.
  [[nodiscard]] App as_rotated() const {
    App app = app_;
    app.requests.rotate = rotate_token_;
    return app;
  }

  /// The newest sealed Secret of a tier, whatever it was made from, or nullptr.
  [[nodiscard]] const kube::Object* newest_sealed(Tier tier) const {
    const auto start = sealed_secret_name(app_.name, tier, "");
    const kube::Object* newest = nullptr;
    for (const auto& child : observed_.owned) {
      if (child.kind != Kind::secret || child.object->deleting || !child.object->name.starts_with(start)) continue;
      if (newest == nullptr || newest->created < child.object->created) newest = child.object;
    }
    return newest;
  }

  /// The keys Secret is gone: the generated values live on in the sealed Secrets, those that pods use before others.
  /// False: reads come first.
  bool recover(StringMap& values) {
    bool known = true;
    for (const auto tier : all_tiers) {
      const auto& name = result_.names.of(tier);
      const auto* sealed = name.empty() ? newest_sealed(tier) : find_child(observed_, Kind::secret, name);
      if (sealed == nullptr) continue;
      const auto* held = values_of(sealed->name, sealed->resource_version);
      known = known && held != nullptr;
      for (const auto& variable : app_.spec.secrets) {
        if (held == nullptr || !variable.generated()) continue;
        if (const auto at = held->find(variable.name); at != held->end()) values[variable.name] = at->second;
      }
    }
    return known;
  }

  void seal_tier(Tier tier, const StringMap& keys) {
    StringMap values;
    for (const auto& variable : app_.spec.secrets) {
      if (!variable.sealed() || !variable.used_by(tier)) continue;
      if (variable.generated()) {
        values[variable.name] = keys.at(variable.name);
        continue;
      }
      const auto* held = source_values(variable.source_name);
      const auto* value = held == nullptr ? nullptr : source_value(*held, variable);
      if (value == nullptr) return;
      values[variable.name] = *value;
    }
    const auto name = sealed_name_of(app_, tier, values, keys.at(hmac_key));
    const auto* existing = find_child(observed_, Kind::secret, name);
    set_name(tier, name);
    result_.writes.emplace_back(Apply{sealed_secret_intent(app_, tier, name, values, origin_of(tier, made_from(tier))),
                                      existing == nullptr ? "" : existing->uid,
                                      existing == nullptr ? Why::create : Why::change});
  }

  const Observed& observed_;
  const App& app_;
  std::string rotate_token_;  ///< known once something is to be sealed
  Sealing result_;
};

}  // namespace

Sealing seal_secrets(const Observed& observed) { return Sealer(observed).run(); }

std::string sealed_name_of(const App& app, Tier tier, const StringMap& values, const std::string& key) {
  nlohmann::json coded = nlohmann::json::object();
  for (const auto& [name, value] : values) coded[name] = base::base64_encode(value);
  return sealed_secret_name(app.name, tier, base::short_hash(base::hmac_sha256_hex(key, kube::canonical(coded))));
}

const StringMap* held_values(const Observed& observed, const std::string& name, const std::string& version,
                             std::vector<Action>& reads) {
  const auto at = observed.memory.secrets.find(name);
  if (at != observed.memory.secrets.end() && at->second.resource_version == version) return &at->second.data;
  const Action read = ReadSecret{name};
  if (std::find(reads.begin(), reads.end(), read) == reads.end()) reads.push_back(read);
  return nullptr;
}

}  // namespace todoapp
