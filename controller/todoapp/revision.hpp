// Revisions: a numbered, recorded content; a ControllerRevision whose `data` never changes and whose annotations say
// how it went.
//
// Law: numbers only go up. The hash of a content is made from what the spec asks, not from what a renderer made of it,
// so that an operator with another renderer sees that nothing was asked anew. Secret values are in neither.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/model/object.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/types.hpp"

namespace todoapp {

/// Parts of a content that a cause can name, each with its value where that is short, else with `#` and a digest of it.
using Parts = std::map<std::string, std::string>;

enum class Outcome : std::uint8_t { none, succeeded, failed, superseded };

[[nodiscard]] std::string_view to_string(Outcome outcome);  ///< "", "Succeeded", "Failed", "Superseded"

/// What the cache shows of a record.
struct Revision {
  std::int64_t number{0};
  std::string name;
  std::string uid;
  std::string version;  ///< resourceVersion
  base::WallTime created{};
  std::string content_hash;
  std::int32_t renderer{0};
  std::string frontend_template;
  std::string backend_template;
  std::vector<std::string> uses;  ///< names of the sealed objects that its pods refer to
  JsonText parts;                 ///< `read_parts` takes it apart, which few passes need
  Outcome outcome{Outcome::none};
  std::string reason;
  std::string cause;
  std::optional<std::int64_t> rollback_of;
  std::string retry;               ///< the token that asked for it
  JsonText failure;                ///< evidence, as status shows it
  std::int32_t schema_version{0};  ///< that its code needs; 0 where it has no migration
  std::int32_t compatible_from{0};
  std::int32_t schema_reached{0};  ///< by a finished migration
  bool schema_recorded{true};      ///< false: its Job is done, and the record does not say so yet
  bool migrating{false};           ///< its Job has not come to an end
  std::int64_t generation{0};      ///< of the app when it was recorded

  [[nodiscard]] const std::string& template_of(Tier tier) const {
    return tier == Tier::frontend ? frontend_template : backend_template;
  }
  /// The schema that the database may be at for its sake: a migration under way counts as done.
  [[nodiscard]] std::int32_t schema_touched() const { return migrating ? schema_version : schema_reached; }
  friend bool operator==(const Revision&, const Revision&) = default;
};

/// Reads the cache's view of a ControllerRevision; nothing where it is not one of ours.
[[nodiscard]] std::optional<Revision> read_revision(const kube::Object& object);
/// None where the text is not what a record holds.
[[nodiscard]] Parts read_parts(const JsonText& text);
/// One of them; empty where there is none.
[[nodiscard]] std::string part_of(const JsonText& parts, std::string_view path);

/// A content as the spec asks for it, before it is recorded.
struct Wanted {
  Content content;
  std::string hash;  ///< sixteen hex digits
  Parts parts;
};
[[nodiscard]] Wanted want(const App& app, const SealedSecrets& sealed);

/// "backend image 1.4.0 to 1.5.0; config LOG_LEVEL", at most 256 bytes; "first install" where there was nothing before.
[[nodiscard]] std::string cause_of(const Parts* before, const Parts& now);

/// How a new revision came to be, besides its content.
struct Origin {
  std::int64_t number{0};
  std::string cause;
  std::optional<std::int64_t> rollback_of;
  std::string retry;
};
/// The body of the ControllerRevision, canonical, as Go would write it (else the API server could never change it
/// again).
[[nodiscard]] JsonText revision_body(const App& app, const Wanted& wanted, const Origin& origin);

}  // namespace todoapp
