// Whether requests should be sent here: asks the database, in a thread and with a connection that no request waits for.
// Law: an answer within the limit, whatever the database does; however many ask at a time, the database is asked once.
// On the loop.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "http.hpp"
#include "schema.hpp"
#include "workers.hpp"

namespace todo {

class Readiness {
 public:
  /// Told of each answer of the database; the error is for the log.
  using Told = std::function<void(const Result<SchemaFound>&)>;

  Readiness(boost::asio::io_context& loop, const DatabaseMaker& make, Dialect dialect, int needed, Told told,
            std::chrono::milliseconds limit = std::chrono::milliseconds{1'500});

  void ask(HttpRespond respond);
  /// From now on the answer is no.
  void drain() { draining_ = true; }

 private:
  void begin_check();
  void on_checked(const Result<SchemaFound>& found);
  void on_late(std::uint64_t id);
  [[nodiscard]] HttpAnswer answer_of(const Result<SchemaFound>& found) const;

  struct Waiter {
    HttpRespond respond;
    boost::asio::steady_timer timer;
  };

  boost::asio::io_context& loop_;
  Dialect dialect_;
  int needed_;
  Told told_;
  std::chrono::milliseconds limit_;
  std::map<std::uint64_t, Waiter> waiters_;
  std::uint64_t last_id_{0};
  bool checking_{false};
  bool draining_{false};
  Workers workers_;  ///< the last one: its thread ends before what it uses
};

}  // namespace todo
