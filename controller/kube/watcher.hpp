// Keeps a Store equal to the objects of one resource: drives the WatchMachine on a Transport. A switch, no judgement.
//
// Law: only `stop` (or the destructor) ends it; no callback runs after that, nor from inside `start`. Callbacks run on
// the loop after the store has changed; they may call `stop`, but must not destroy the watcher. At most one call of its
// own is open at a time.
// Limits: a watch event has at most 8 MiB; of a refusal's body the first 16 KiB are read. One namespace, or all.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/line_splitter.hpp"
#include "kube/model/decode.hpp"
#include "kube/model/resource.hpp"
#include "kube/request.hpp"
#include "kube/store.hpp"
#include "kube/transport.hpp"
#include "kube/watch_machine.hpp"

namespace kube {

struct WatcherOptions {
  Resource resource;
  std::string namespace_;  ///< empty for all
  std::string label_selector;
  std::string field_selector;
  Accept accept{Accept::object};
  Pruning pruning;
  std::chrono::milliseconds idle{150'000};  ///< the longest silence of a watch
  WatchMachineOptions machine;
};

/// How a change came to be known: as it happened, or because a whole set was read (the first one, or again).
enum class Origin : std::uint8_t { event, list };

struct WatcherEvents {
  std::function<void(const Change&, Origin)> on_change;
  /// The store holds the first whole set, or the first one since `renew`; after its changes were told.
  std::function<void()> on_synced;
  std::function<void(const base::Error&)> on_error;
};

struct WatcherCounters {
  std::uint64_t lists{0};     ///< requests: pages
  std::uint64_t watches{0};   ///< requests
  std::uint64_t events{0};    ///< read from watches, bookmarks too
  std::uint64_t sets{0};      ///< whole sets taken over
  std::uint64_t errors{0};    ///< reported
  std::uint64_t renewals{0};  ///< asked for by `renew`

  friend bool operator==(const WatcherCounters&, const WatcherCounters&) = default;
};

class Watcher {
 public:
  /// `random` gives numbers in [0, 1). All references outlive the watcher.
  Watcher(boost::asio::any_io_executor loop, Transport& transport, Decoder& decoder, Store& store,
          WatcherOptions options, WatcherEvents events, std::function<double()> random);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher();

  void start();
  /// Not synced until a whole set came that was read after this; for a watcher that is started and not stopped.
  void renew();
  void stop();
  [[nodiscard]] bool synced() const { return synced_; }
  [[nodiscard]] const WatcherCounters& counters() const { return counters_; }

 private:
  void feed(watching::Input input);
  void act(watching::StartWatch& action);
  void act(watching::StartList& action);
  void act(watching::Cancel& action);
  void act(watching::Wait& action);
  void act(watching::Upsert& action);
  void act(watching::Remove& action);
  void act(watching::Replace& action);
  void act(watching::Report& action);
  void act(watching::Synced& action);

  void on_head(const ResponseHead& head);
  void on_data(std::string_view bytes);
  void on_line(std::string_view line);
  void on_end(const base::Result<void>& result);
  void on_list(base::Result<Response> answer);
  void tell(const std::vector<Change>& changes, Origin origin);
  [[nodiscard]] std::string act_name(const char* verb) const;

  Transport& transport_;
  Decoder& decoder_;
  Store& store_;
  WatcherOptions options_;
  WatcherEvents events_;
  std::function<double()> random_;
  WatchMachine machine_;
  boost::asio::steady_timer timer_;
  std::optional<CallId> call_;
  std::shared_ptr<LineSplitter> splitter_;
  std::optional<ResponseHead> refusal_;  ///< of the open watch, whose body is then a Status
  std::string refusal_body_;
  /// What a timer's handler asks before it touches the watcher; renewed by each wait.
  std::shared_ptr<int> wait_;
  WatcherCounters counters_;
  bool synced_{false};
  bool stopped_{true};
};

}  // namespace kube
