// Events about an object, for people who look at it: `events.k8s.io/v1`, best effort.
//
// Law: an Event is news. The same news (regarding, type, reason, note) within six minutes of the last time is one Event
// with a growing `series`, written at once for the second time and then at most every five minutes. Of one object at
// most 25 writes come in a burst, then one in five minutes. Recording never waits, never fails and never blocks other
// work: one write is under way at a time, one that fails for a passing reason is tried three times in all,
// `queued_most` wait, the rest is dropped and counted. Limits: what is queued at `stop` is lost (`flush` comes before
// it where there is time); the last count of a series may lag.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/backoff.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/transport.hpp"

namespace kube {

struct ObjectReference {
  std::string api_version;
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string uid;

  friend bool operator==(const ObjectReference&, const ObjectReference&) = default;
};

enum class EventType : std::uint8_t { normal, warning };

struct Event {
  ObjectReference regarding;
  EventType type{EventType::normal};
  std::string reason;  ///< CamelCase, one of few
  std::string action;  ///< CamelCase, one of few
  std::string note;    ///< at most 1024 bytes of it are sent

  friend bool operator==(const Event&, const Event&) = default;
};

/// The longest beginning of `text` of at most `bytes` bytes that does not end inside a UTF-8 sequence.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes);

/// One request about an Event: a POST where `series_of` is empty, else a merge patch of that Event.
struct EventWrite {
  std::string namespace_;
  std::string series_of;
  std::string body;
  std::uint64_t news{0};  ///< whose series this is

  friend bool operator==(const EventWrite&, const EventWrite&) = default;
};

struct EventLimits {
  std::chrono::seconds series_ends{360};   ///< of silence
  std::chrono::seconds series_every{300};  ///< between writes of one series
  std::uint32_t burst{25};                 ///< writes about one object
  std::chrono::seconds refill{300};        ///< one more write about one object
  std::size_t remembered_most{1024};       ///< news, and objects
};

/// The pure core: what of the news is to be written. Time is an argument.
class EventJournal {
 public:
  explicit EventJournal(std::string_view reporting_instance, EventLimits limits = {});

  /// The write for this event, or nothing where the series or the object's bucket says so.
  [[nodiscard]] std::optional<EventWrite> record(const Event& event, base::WallTime wall, base::MonoTime now);
  /// A write failed for good: the next time of this news is a new Event.
  void failed(const EventWrite& write) { series_.erase(write.news); }

 private:
  struct Series {
    std::string name;  ///< of the Event
    std::uint32_t count{1};
    base::MonoTime last_seen;
    std::optional<base::MonoTime> last_written;  ///< of the series; none: only the Event itself
  };

  [[nodiscard]] bool spend_token(const std::string& uid, base::MonoTime now);
  [[nodiscard]] std::optional<EventWrite> repeat(Series& series, const Event& event, std::uint64_t news,
                                                 base::WallTime wall, base::MonoTime now);
  [[nodiscard]] std::string make_name(const std::string& object, base::WallTime wall);
  [[nodiscard]] std::string make_body(const Event& event, const std::string& name, base::WallTime wall) const;

  std::string reporting_instance_;
  EventLimits limits_;
  std::unordered_map<std::uint64_t, Series> series_;
  std::unordered_map<std::string, base::MonoTime> full_at_;  ///< by uid: when that object's bucket is full again
  std::uint32_t made_{0};                                    ///< sets apart names made in the same millisecond
};

struct EventCounts {
  std::uint64_t written{0};
  std::uint64_t failed{0};   ///< refused, or three times in vain
  std::uint64_t dropped{0};  ///< the queue was full, or we may not write

  friend bool operator==(const EventCounts&, const EventCounts&) = default;
};

struct EventRecorderSettings {
  std::string reporting_instance;  ///< the pod's name
  std::size_t queued_most{256};
  std::chrono::milliseconds deadline{10'000};
  base::BackoffLimits backoff{std::chrono::milliseconds{1'000}, std::chrono::milliseconds{10'000}, 2.0, 0.0};
  EventLimits limits{};
};

/// The driver. Everything on the loop.
class EventRecorder {
 public:
  /// `may_write` is asked before each request: the leader's fence.
  EventRecorder(boost::asio::io_context& loop, Transport& transport, EventRecorderSettings settings,
                std::function<bool()> may_write);
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  ~EventRecorder();

  void record(const Event& event);
  /// `done` runs once when nothing waits to be written any more, at the latest after that time; never from inside.
  void flush(std::chrono::milliseconds at_most, std::function<void()> done);
  /// Nothing is sent from here on; what is under way is cancelled.
  void stop();

  [[nodiscard]] const EventCounts& counts() const { return counts_; }

 private:
  static constexpr std::uint32_t tries_most = 3;

  void send_first();
  void answered(const base::Result<Response>& response);
  void try_again(std::chrono::milliseconds at_least);
  void tell_flushed();

  Transport& transport_;
  EventRecorderSettings settings_;
  std::function<bool()> may_write_;
  EventJournal journal_;
  std::deque<EventWrite> queue_;  ///< the first is under way, or waits to be tried again
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer flush_timer_;
  std::function<void()> flushed_;
  std::optional<CallId> call_;
  base::Backoff backoff_;
  bool stopped_{false};
  EventCounts counts_;
  std::shared_ptr<const int> alive_;  ///< what handlers on the loop look at before they touch us
};

}  // namespace kube
