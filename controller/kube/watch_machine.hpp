// Keeps a cache equal to the objects of one resource: decides when to list, when to watch and when to wait.
//
// Law: pure: no I/O, no clock, no randomness; `step` turns an input, the time and a random number into actions. At most
// one call (list page or watch) is open at a time, and the driver feeds in nothing of a call after it was told to
// cancel it. The cache is replaced only by a whole set: until the end of the first events (or the last page) what comes
// is held aside, so deletions that happened while nobody looked are noticed, and nothing is ever seen half.
// Every set is read at resource version "" (consistent): it never lies before what was already seen.
// Limits: the set held aside is a second copy of the kind's objects while it is filled.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/backoff.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/model/decode.hpp"

namespace kube {

struct WatchMachineOptions {
  std::string what;       ///< "Deployments", for errors
  bool watch_list{true};  ///< false: lists in pages from the start
  std::int32_t page_size{100};
  base::BackoffLimits backoff{};
  std::chrono::seconds healthy{120};            ///< without a failure for so long, the next back-off begins anew
  std::chrono::milliseconds short_lived{1000};  ///< a watch that ends earlier, having brought nothing, failed
  std::chrono::seconds least_timeout{300};      ///< of a watch; the most is twice that
};

namespace watching {

// Errors and values: inputs.
struct Start {};
/// What is in the cache may lie far behind: a whole set, read from now on.
struct Renew {};
/// The watch was answered with 2xx.
struct Opened {};
/// The watch, or the list, was answered with another status.
struct Refused {
  int status{0};
  base::Error error;  ///< as `error_of` reads it
};
/// ADDED, MODIFIED, DELETED or BOOKMARK.
struct Event {
  WatchEvent event;
};
/// An ERROR event, or a line that cannot be read: the watch is still open, but of no more use.
struct Broken {
  base::Error error;
};
/// One page of the list.
struct Page {
  ListPage page;
};
/// The call is over: the watch without an error (the server's time-out), or either with one (no connection, cut).
struct Ended {
  std::optional<base::Error> error;
};
/// The wait is over.
struct Timer {};
using Input = std::variant<Start, Renew, Opened, Refused, Event, Broken, Page, Ended, Timer>;

// Actions, in the order in which they are to be done.
struct StartWatch {
  std::string resource_version;
  bool initial_events{false};
  std::chrono::seconds timeout{0};
  friend bool operator==(const StartWatch&, const StartWatch&) = default;
};
struct StartList {
  std::string continue_token;
  std::int32_t limit{0};  ///< 0 for all at once
  friend bool operator==(const StartList&, const StartList&) = default;
};
/// Cancel the open call.
struct Cancel {
  friend bool operator==(const Cancel&, const Cancel&) = default;
};
struct Wait {
  std::chrono::milliseconds delay{0};
  friend bool operator==(const Wait&, const Wait&) = default;
};
struct Upsert {
  Object object;
  friend bool operator==(const Upsert&, const Upsert&) = default;
};
struct Remove {
  Object object;
  friend bool operator==(const Remove&, const Remove&) = default;
};
struct Replace {
  std::vector<Object> objects;
  std::string resource_version;
  friend bool operator==(const Replace&, const Replace&) = default;
};
/// Something to tell a person; what to do about it is already decided.
struct Report {
  base::Error error;
  friend bool operator==(const Report&, const Report&) = default;
};
/// The cache holds a whole set: after the first `Replace`, and after the first one that was asked for by `Renew`.
struct Synced {
  friend bool operator==(const Synced&, const Synced&) = default;
};
using Action = std::variant<StartWatch, StartList, Cancel, Wait, Upsert, Remove, Replace, Report, Synced>;

//          Start                        initial-events-end
//   Idle ---------> Filling -------------------------------------------> Watching <-+ ended or cut after it was of
//                   ^  |  | unknown to the server, or                     ^   |  |  | use: at once from the last
//                   |  |  | broken three times in a row                   |   |  +--+ version
//                   |  |  +--------------> Listing <-+ next page          |   |
//                   |  |                    ^ |  | +-+ (expired: unpaged) |   |
//                   |  |                    | |  +--- last page ----------+   |
//                   |  +-- any failure -+   | |                               |
//                   |                   v   | v                               |
//                   +------ Timer --- Waiting{fill or watch} <-- any failure -+
//                   ^                         +-- Timer: Watching             |
//                   +---------- 410, as a status or in-band, at once ---------+
//                               (the second in a row, nothing between: Waiting)
// Renew leads from anywhere but Idle to Filling.
// Whatever leads to Filling leads to Listing instead while WatchList cannot be had.
struct Idle {};
/// A watch that first sends the present objects: WatchList.
struct Filling {
  std::vector<Object> fresh;  ///< in the order they came; a later one of the same key counts
  bool opened{false};
};
struct Listing {
  std::vector<Object> fresh;
  bool continued{false};  ///< is the page asked for a later one than the first?
};
struct Watching {
  bool opened{false};
  base::MonoTime opened_at{};
  std::string from;  ///< the version it began at: has it come further?
};
enum class Next : std::uint8_t { fill, watch };
struct Waiting {
  Next next{Next::fill};
};
using State = std::variant<Idle, Filling, Listing, Watching, Waiting>;

}  // namespace watching

class WatchMachine {
 public:
  explicit WatchMachine(WatchMachineOptions options = {}) : options_(std::move(options)), backoff_(options_.backoff) {}

  /// `random` lies in [0, 1).
  [[nodiscard]] std::vector<watching::Action> step(watching::Input input, base::MonoTime now, double random);

  [[nodiscard]] const watching::State& state() const { return state_; }
  /// How far the cache has come; empty before the first set.
  [[nodiscard]] const std::string& resource_version() const { return version_; }

 private:
  using Actions = std::vector<watching::Action>;
  struct Moment {
    base::MonoTime now;
    double random;
  };

  Actions on(watching::Start& input, Moment at);
  Actions on(watching::Renew& input, Moment at);
  Actions on(watching::Opened& input, Moment at);
  Actions on(watching::Refused& input, Moment at);
  Actions on(watching::Event& input, Moment at);
  Actions on(watching::Broken& input, Moment at);
  Actions on(watching::Page& input, Moment at);
  Actions on(watching::Ended& input, Moment at);
  Actions on(watching::Timer& input, Moment at);

  Actions event_in(watching::Filling& filling, WatchEvent& event, Moment at);
  Actions event_in(watching::Watching& watching, WatchEvent& event);
  Actions refused_in(const watching::Filling& filling, watching::Refused& refused, Moment at);
  Actions refused_in(const watching::Listing& listing, watching::Refused& refused, Moment at);
  Actions refused_in(const watching::Watching& watching, watching::Refused& refused, Moment at);
  Actions ended_in(const watching::Filling& filling, watching::Ended& ended, Moment at);
  Actions ended_in(const watching::Watching& watching, watching::Ended& ended, Moment at);
  Actions begin(watching::Next next, Moment at);
  Actions begin_list(std::int32_t limit);
  Actions fail(watching::Next next, base::Error error, Moment at);
  Actions expired(base::Error error, Moment at);
  Actions broke_watch(base::Error error, Moment at);
  Actions complete(std::vector<Object> objects, std::string version);

  WatchMachineOptions options_;
  base::Backoff backoff_;
  std::optional<base::MonoTime> last_failure_;
  watching::State state_{watching::Idle{}};
  std::string version_;
  bool lists_only_{false};           ///< the server does not know WatchList
  std::uint32_t broken_fills_{0};    ///< in a row
  std::uint32_t broken_watches_{0};  ///< in a row, without an event between
  bool expired_{false};              ///< the last watch was too old, and nothing came since
  bool synced_{false};
};

}  // namespace kube
