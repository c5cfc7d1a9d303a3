// An app's revisions, newest first, and what follows from them: which runs, which is rolled out, which is quarantined.
// Law: derived from the records alone; status is never asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "todoapp/observed.hpp"
#include "todoapp/revision.hpp"

namespace todoapp {

class History {
 public:
  /// Reads the records among the app's children, and the ends of their migrations from the Jobs; also the numbers that
  /// its Deployments and Jobs carry or that were seen before, so that one whose record is deleted is not used again.
  explicit History(const Observed& observed);

  [[nodiscard]] const std::vector<Revision>& newest_first() const { return revisions_; }
  [[nodiscard]] bool empty() const { return revisions_.empty(); }
  [[nodiscard]] const Revision* latest() const { return revisions_.empty() ? nullptr : &revisions_.front(); }
  [[nodiscard]] const Revision* find(std::int64_t number) const;
  /// The newest that succeeded, or nullptr.
  [[nodiscard]] const Revision* last_good() const;
  /// The newest failed attempt at that content, where none after it succeeded: the content is quarantined.
  [[nodiscard]] const Revision* quarantined(const std::string& content_hash) const;
  /// Attempts at that content that failed since it last succeeded.
  [[nodiscard]] std::int32_t failed_attempts(const std::string& content_hash) const;
  [[nodiscard]] bool token_used(const std::string& retry) const;
  [[nodiscard]] std::int64_t next_number() const { return highest_ + 1; }
  /// A Deployment or Job is of a revision newer than all records: the cache of records lags, or somebody deleted one.
  [[nodiscard]] bool behind() const { return !empty() && carried_ > latest()->number; }
  /// The highest schema version that a finished migration reached.
  [[nodiscard]] std::int32_t schema_reached() const;
  /// The same, or the one that a migration under way may have reached by now.
  [[nodiscard]] std::int32_t schema_touched() const;

 private:
  std::vector<Revision> revisions_;
  std::int64_t highest_{0};
  std::int64_t carried_{0};
};

/// Records that may go: beyond `limit` finished ones, and neither latest, last good, active, pinned nor still needed to
/// keep a content in quarantine.
[[nodiscard]] std::vector<const Revision*> prunable(const History& history, const App& app,
                                                    const std::string& wanted_hash);

}  // namespace todoapp
