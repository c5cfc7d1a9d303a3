#include "kube/event_recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.hpp"
#include "kube/model/resource.hpp"
#include "kube/request.hpp"
#include "kube/response.hpp"

namespace kube {
namespace {

constexpr std::string_view reporting_controller = "todoapp.dev/todoapp-operator";
constexpr std::size_t note_most = 1024;  // the API server refuses more of each
constexpr std::size_t instance_most = 128;
constexpr std::size_t name_most = 253;

const char* to_string(EventType type) { return type == EventType::warning ? "Warning" : "Normal"; }

/// Events about something that lies in no namespace go where kubectl looks for them.
std::string namespace_of(const Event& event) {
  return event.regarding.namespace_.empty() ? "default" : event.regarding.namespace_;
}

/// Notes quote what others said, in whatever encoding: what is no UTF-8 becomes U+FFFD, which is longer.
std::string clean_note(std::string_view note) {
  const bool plain = std::all_of(note.begin(), note.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  if (plain) return std::string(note.substr(0, note_most));
  const nlohmann::json raw(cut_utf8(note, note_most));
  const auto text = raw.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto clean = nlohmann::json::parse(text).get<std::string>();
  return std::string(cut_utf8(clean, note_most));
}

std::uint64_t news_of(const Event& event) {
  std::string text = event.regarding.uid;
  for (const std::string_view part :
       {std::string_view(to_string(event.type)), std::string_view(event.reason), std::string_view(event.note)}) {
    text.append(1, '\0').append(part);
  }
  return base::fingerprint(text);
}

/// Makes room for one more: what says nothing any more goes first, then everything. Forgetting costs an Event too many.
template <class Map, class IsOld>
void make_room(Map& map, std::size_t most, const IsOld& is_old) {
  if (map.size() < most) return;
  std::erase_if(map, is_old);
  if (map.size() >= most) map.clear();
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; };
  while (bytes > 0 && continues(bytes)) --bytes;
  return text.substr(0, bytes);
}

// The journal

EventJournal::EventJournal(std::string_view reporting_instance, EventLimits limits)
    : reporting_instance_(cut_utf8(reporting_instance, instance_most)), limits_(limits) {}

std::optional<EventWrite> EventJournal::record(const Event& event, base::WallTime wall, base::MonoTime now) {
  const std::uint64_t news = news_of(event);
  if (const auto known = series_.find(news); known != series_.end()) {
    if (now < known->second.last_seen + limits_.series_ends) return repeat(known->second, event, news, wall, now);
    series_.erase(known);
  }
  if (!spend_token(event.regarding.uid, now)) return std::nullopt;
  auto name = make_name(event.regarding.name, wall);
  auto body = make_body(event, name, wall);
  make_room(series_, limits_.remembered_most,
            [&](const auto& entry) { return now >= entry.second.last_seen + limits_.series_ends; });
  series_.emplace(news, Series{.name = std::move(name), .count = 1, .last_seen = now, .last_written = std::nullopt});
  return EventWrite{.namespace_ = namespace_of(event), .series_of = "", .body = std::move(body), .news = news};
}

std::optional<EventWrite> EventJournal::repeat(Series& series, const Event& event, std::uint64_t news,
                                               base::WallTime wall, base::MonoTime now) {
  ++series.count;
  series.last_seen = now;
  if (series.last_written && now < *series.last_written + limits_.series_every) return std::nullopt;
  if (!spend_token(event.regarding.uid, now)) return std::nullopt;
  series.last_written = now;
  const nlohmann::json patch{
      {"series", {{"count", series.count}, {"lastObservedTime", base::format_micro_time(wall)}}}};
  return EventWrite{.namespace_ = namespace_of(event), .series_of = series.name, .body = patch.dump(), .news = news};
}

/// A bucket is a single time: when it is full again. It is empty when that lies `burst` refills ahead.
bool EventJournal::spend_token(const std::string& uid, base::MonoTime now) {
  make_room(full_at_, limits_.remembered_most, [&](const auto& entry) { return entry.second <= now; });
  auto& full_at = full_at_.try_emplace(uid, now).first->second;
  const auto after = std::max(full_at, now) + limits_.refill;
  if (after > now + limits_.refill * limits_.burst) return false;
  full_at = after;
  return true;
}

/// "<object>.<nanoseconds in hex>", as client-go names them; our clock counts milliseconds, a counter fills the rest.
std::string EventJournal::make_name(const std::string& object, base::WallTime wall) {
  constexpr std::uint32_t in_a_milli = 1'000'000;
  const auto nanos = std::chrono::nanoseconds{wall.time_since_epoch()}.count() + made_++ % in_a_milli;
  const auto suffix = fmt::format(".{:x}", nanos);
  auto name = object.substr(0, name_most - suffix.size());
  while (!name.empty() && (name.back() == '.' || name.back() == '-')) name.pop_back();
  return name + suffix;
}

std::string EventJournal::make_body(const Event& event, const std::string& name, base::WallTime wall) const {
  nlohmann::json regarding{{"apiVersion", event.regarding.api_version},
                           {"kind", event.regarding.kind},
                           {"name", event.regarding.name},
                           {"uid", event.regarding.uid}};
  if (!event.regarding.namespace_.empty()) regarding["namespace"] = event.regarding.namespace_;
  const nlohmann::json body{{"apiVersion", "events.k8s.io/v1"},
                            {"kind", "Event"},
                            {"metadata", {{"name", name}, {"namespace", namespace_of(event)}}},
                            {"eventTime", base::format_micro_time(wall)},
                            {"type", to_string(event.type)},
                            {"reason", event.reason},
                            {"action", event.action},
                            {"note", clean_note(event.note)},
                            {"regarding", regarding},
                            {"reportingController", reporting_controller},
                            {"reportingInstance", reporting_instance_}};
  return body.dump();
}

// The driver

EventRecorder::EventRecorder(boost::asio::io_context& loop, Transport& transport, EventRecorderSettings settings,
                             std::function<bool()> may_write)
    : transport_(transport),
      settings_(std::move(settings)),
      may_write_(std::move(may_write)),
      journal_(settings_.reporting_instance, settings_.limits),
      timer_(loop),
      flush_timer_(loop),
      backoff_(settings_.backoff),
      alive_(std::make_shared<const int>()) {}

EventRecorder::~EventRecorder() { stop(); }

void EventRecorder::record(const Event& event) {
  if (stopped_) return;
  const auto wall = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto write = journal_.record(event, wall, std::chrono::steady_clock::now());
  if (!write) return;
  if (queue_.size() >= settings_.queued_most) {
    journal_.failed(*write);
    ++counts_.dropped;
    return;
  }
  queue_.push_back(std::move(*write));
  if (queue_.size() == 1) send_first();
}

void EventRecorder::flush(std::chrono::milliseconds at_most, std::function<void()> done) {
  flushed_ = std::move(done);
  flush_timer_.expires_after(queue_.empty() ? std::chrono::milliseconds{0} : at_most);
  flush_timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (!error && !alive.expired()) tell_flushed();
  });
}

/// Whoever is told may stop this recorder.
void EventRecorder::tell_flushed() {
  flush_timer_.cancel();
  if (const auto done = std::exchange(flushed_, nullptr)) done();
}

void EventRecorder::stop() {
  stopped_ = true;
  counts_.dropped += queue_.size();
  queue_.clear();
  timer_.cancel();
  flush_timer_.cancel();
  flushed_ = nullptr;
  if (call_) transport_.cancel(*std::exchange(call_, std::nullopt));
}

void EventRecorder::send_first() {
  while (!queue_.empty() && !may_write_()) {
    journal_.failed(queue_.front());
    queue_.pop_front();
    ++counts_.dropped;
  }
  if (queue_.empty()) return tell_flushed();
  const auto& write = queue_.front();
  const auto& events = resources::events();
  auto request = write.series_of.empty() ? make_create(events, write.namespace_, write.body)
                                         : make_merge_patch(events, {write.namespace_, write.series_of}, write.body);
  request.deadline = settings_.deadline;
  call_ = transport_.send(std::move(request), [this](base::Result<Response> response) {
    call_.reset();
    answered(std::move(response).and_then(
        [](Response&& answer) { return require_success(std::move(answer), "write Event"); }));
  });
}

void EventRecorder::answered(const base::Result<Response>& response) {
  // An Event of that name is there: an earlier try of ours, whose answer was lost.
  const bool written = response || response.error().code == base::ErrorCode::already_exists;
  if (!written && response.error().code == base::ErrorCode::retry && backoff_.failures() + 1 < tries_most) {
    return try_again(response.error().retry_after.value_or(std::chrono::milliseconds{0}));
  }
  ++(written ? counts_.written : counts_.failed);
  if (!written) journal_.failed(queue_.front());
  queue_.pop_front();
  backoff_.reset();
  send_first();
}

void EventRecorder::try_again(std::chrono::milliseconds at_least) {
  timer_.expires_after(std::max(backoff_.next(0.0), at_least));
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || stopped_) return;
    send_first();
  });
}

}  // namespace kube
