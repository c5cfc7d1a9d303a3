// What Prometheus is told. Law: labels are of closed lists, so there are few series whatever clients send. From any
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "http.hpp"
#include "result.hpp"
#include "schema.hpp"

namespace todo {

/// What is asked for at the moment of a scrape.
struct Load {
  std::size_t connections{0};
  std::size_t in_flight{0};
  std::size_t waiting{0};  ///< for a connection to the database
};

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  void count_exchange(const HttpExchange& exchange);
  void count_database_error(Trouble trouble);
  void set_readiness(bool ready, const SchemaFound& found, int needed);

  /// Prometheus' text format.
  [[nodiscard]] std::string text(const Load& load);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace todo
