#include "metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "process_metrics.hpp"
#include "routes.hpp"

namespace todo {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

const prometheus::Histogram::BucketBoundaries buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                      0.25,  0.5,    1.0,   2.5,  5.0,   10.0};

std::string method_label(const std::string& method) {
  constexpr std::array<std::string_view, 8> known{"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", ""};
  return std::find(known.begin(), known.end(), method) == known.end() ? "other" : method;
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry{};
  prometheus::Family<prometheus::Counter>& requests =
      BuildCounter().Name("todo_http_requests_total").Help("Requests that were answered.").Register(registry);
  prometheus::Family<prometheus::Histogram>& durations = BuildHistogram()
                                                             .Name("todo_http_request_duration_seconds")
                                                             .Help("From the end of a request's header to its answer.")
                                                             .Register(registry);
  prometheus::Family<prometheus::Counter>& errors =
      BuildCounter()
          .Name("todo_database_errors_total")
          .Help("Pieces of work that the database did not do, by what it means: unavailable, schema, failed.")
          .Register(registry);
  prometheus::Gauge& connections =
      BuildGauge().Name("todo_http_connections").Help("Connections of clients.").Register(registry).Add({});
  prometheus::Gauge& in_flight = BuildGauge()
                                     .Name("todo_http_requests_in_flight")
                                     .Help("Requests that have no answer yet.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Gauge& waiting = BuildGauge()
                                   .Name("todo_database_waiting_requests")
                                   .Help("Requests that wait for a connection to the database.")
                                   .Register(registry)
                                   .Add({});
  prometheus::Gauge& ready = BuildGauge()
                                 .Name("todo_ready")
                                 .Help("Whether the last question of /ready was answered with yes.")
                                 .Register(registry)
                                 .Add({});
  prometheus::Family<prometheus::Gauge>& schema =
      BuildGauge()
          .Name("todo_schema_version")
          .Help("The version of the database's schema: found, as of the last /ready, and needed.")
          .Register(registry);
  prometheus::Gauge& build = BuildGauge()
                                 .Name("todo_build_info")
                                 .Help("The program's version; always 1.")
                                 .Register(registry)
                                 .Add({{"version", TODO_BACKEND_VERSION}});
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {
  families_->build.Set(1);
  for (const auto trouble : {Trouble::unavailable, Trouble::schema, Trouble::failed}) {
    families_->errors.Add({{"kind", to_string(trouble)}});
  }
}

Metrics::~Metrics() = default;

void Metrics::count_exchange(const HttpExchange& exchange) {
  const std::map<std::string, std::string> labels{{"route", label(match_path(exchange.path).route)},
                                                  {"method", method_label(exchange.method)},
                                                  {"code", std::to_string(exchange.status)}};
  families_->requests.Add(labels).Increment();
  families_->durations.Add(labels, buckets).Observe(std::chrono::duration<double>(exchange.took).count());
}

void Metrics::count_database_error(Trouble trouble) {
  families_->errors.Add({{"kind", to_string(trouble)}}).Increment();
}

void Metrics::set_readiness(bool ready, const SchemaFound& found, int needed) {
  families_->ready.Set(ready ? 1 : 0);
  families_->schema.Add({{"kind", "found"}}).Set(found.version);
  families_->schema.Add({{"kind", "needed"}}).Set(needed);
}

std::string Metrics::text(const Load& load) {
  families_->connections.Set(static_cast<double>(load.connections));
  families_->in_flight.Set(static_cast<double>(load.in_flight));
  families_->waiting.Set(static_cast<double>(load.waiting));
  auto collected = families_->registry.Collect();
  for (auto& family : process_metrics()) collected.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(collected);
}

}  // namespace todo
