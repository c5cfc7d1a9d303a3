#include "todoapp/history.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "todoapp/names.hpp"

namespace todoapp {
namespace {

/// Of a Deployment, or of a migration's Job.
std::int64_t carried_number(const kube::Object& object) {
  std::int64_t number = 0;
  if (const auto* text = kube::find(object.annotations, mark::revision)) {
    std::from_chars(text->data(), text->data() + text->size(), number);
  }
  return number;
}

bool is_true(const kube::JobState& job, std::string_view type) {
  const auto* condition = kube::find(job.conditions, type);
  return condition != nullptr && condition->status == "True";
}

/// A Job that is done has reached its schema, whether or not somebody lived to record it.
void follow_migration(Revision& revision, const kube::JobState& job) {
  if (is_true(job, "Complete")) {
    revision.schema_recorded = revision.schema_reached >= revision.schema_version;
    revision.schema_reached = std::max(revision.schema_reached, revision.schema_version);
  } else {
    revision.migrating = !is_true(job, "Failed");
  }
}

}  // namespace

History::History(const Observed& observed) : highest_(observed.memory.highest_revision) {
  std::map<std::int64_t, const kube::JobState*> jobs;
  for (const auto& child : observed.owned) {
    const bool carries = child.kind == Kind::deployment || child.kind == Kind::job;
    const auto carried = carries ? carried_number(*child.object) : 0;
    carried_ = std::max(carried_, carried);
    if (const auto* job = std::get_if<kube::JobState>(&child.object->state)) jobs[carried] = job;
    if (child.kind != Kind::controller_revision) continue;
    if (auto revision = read_revision(*child.object)) {
      highest_ = std::max(highest_, revision->number);
      if (!child.object->deleting) revisions_.push_back(std::move(*revision));
    }
  }
  for (auto& revision : revisions_) {
    if (const auto at = jobs.find(revision.number); at != jobs.end()) follow_migration(revision, *at->second);
  }
  highest_ = std::max(highest_, carried_);
  std::sort(revisions_.begin(), revisions_.end(),
            [](const Revision& a, const Revision& b) { return a.number > b.number; });
}

const Revision* History::find(std::int64_t number) const {
  const auto at =
      std::find_if(revisions_.begin(), revisions_.end(), [&](const Revision& r) { return r.number == number; });
  return at == revisions_.end() ? nullptr : &*at;
}

const Revision* History::last_good() const {
  const auto at = std::find_if(revisions_.begin(), revisions_.end(),
                               [](const Revision& r) { return r.outcome == Outcome::succeeded; });
  return at == revisions_.end() ? nullptr : &*at;
}

const Revision* History::quarantined(const std::string& content_hash) const {
  for (const auto& revision : revisions_) {
    if (revision.content_hash != content_hash) continue;
    if (revision.outcome == Outcome::succeeded) return nullptr;
    if (revision.outcome == Outcome::failed) return &revision;
  }
  return nullptr;
}

std::int32_t History::failed_attempts(const std::string& content_hash) const {
  std::int32_t attempts = 0;
  for (const auto& revision : revisions_) {
    if (revision.content_hash != content_hash) continue;
    if (revision.outcome == Outcome::succeeded) break;
    if (revision.outcome == Outcome::failed) ++attempts;
  }
  return attempts;
}

bool History::token_used(const std::string& retry) const {
  return std::any_of(revisions_.begin(), revisions_.end(), [&](const Revision& r) { return r.retry == retry; });
}

std::int32_t History::schema_reached() const {
  std::int32_t reached = 0;
  for (const auto& revision : revisions_) reached = std::max(reached, revision.schema_reached);
  return reached;
}

std::int32_t History::schema_touched() const {
  std::int32_t touched = 0;
  for (const auto& revision : revisions_) touched = std::max(touched, revision.schema_touched());
  return touched;
}

std::vector<const Revision*> prunable(const History& history, const App& app, const std::string& wanted_hash) {
  const auto* good = history.last_good();
  // All attempts that count: with one of them forgotten there would be another one left.
  auto attempts = std::min(history.failed_attempts(wanted_hash), app.spec.upgrade.max_retries + 1);
  std::vector<const Revision*> going;
  std::int32_t finished = 0;
  for (const auto& revision : history.newest_first()) {
    const bool failed = revision.outcome == Outcome::failed && revision.content_hash == wanted_hash;
    const bool jailed = failed && attempts-- > 0;
    const bool kept = &revision == history.latest() || &revision == good || jailed ||
                      revision.outcome == Outcome::none || app.spec.rollback_to == revision.number ||
                      // The barrier must not be forgotten with the record that reached it.
                      (revision.schema_touched() > 0 && revision.schema_touched() >= history.schema_reached());
    if (kept) continue;
    if (++finished > app.spec.revision_history_limit) going.push_back(&revision);
  }
  std::reverse(going.begin(), going.end());
  return going;
}

}  // namespace todoapp
