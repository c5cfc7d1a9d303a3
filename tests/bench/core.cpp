// Micro-benchmarks of the pure core: what one app, one event, one comparison costs by itself. Not a test; `bench_core`
// is built by `cmake --preset release -DTODOAPP_BENCH=ON`.
#include <benchmark/benchmark.h>

#include <string>

#include "base/hash.hpp"
#include "kube/model/decode.hpp"
#include "kube/model/quantity.hpp"
#include "kube/model/subset.hpp"
#include "support/builders.hpp"
#include "todoapp/codec.hpp"
#include "todoapp/content_record.hpp"
#include "todoapp/desired/desired.hpp"
#include "unit/kube/model/deployment_text.hpp"

namespace {

using todoapp::App, todoapp::Tier;

App an_app() { return todoapp::test::an_app().with_config("LOG_LEVEL", "info").with_migration(3, 2).build(); }

const kube::Pruning pruning{.prefix = "apps.todoapp.dev/", .keep_body = true};

void hash_four_kilobytes(benchmark::State& state) {
  const std::string text(4096, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(base::sha256_hex(text));
}
BENCHMARK(hash_four_kilobytes);

void decode_spec(benchmark::State& state) {
  const std::string text =
      R"({"frontend":{"image":"a:1","replicas":2},"backend":{"image":"b:1","config":{"A":"b"}},"config":{"LOG_LEVEL":"info"},)"
      R"("secrets":[{"name":"SESSION_KEY","generate":{"bytes":32},"tiers":["frontend"]}],"upgrade":{"soakSeconds":0}})";
  for (auto _ : state) benchmark::DoNotOptimize(todoapp::decode_spec(text));
}
BENCHMARK(decode_spec);

void decode_deployment_event(benchmark::State& state) {
  const auto text = kube::text::event("MODIFIED", kube::text::deployment);
  kube::Decoder decoder;
  for (auto _ : state) benchmark::DoNotOptimize(decoder.event(text, kube::resources::deployments(), pruning));
}
BENCHMARK(decode_deployment_event);

void render_content(benchmark::State& state) {
  const App app = an_app();
  for (auto _ : state) benchmark::DoNotOptimize(render_content(app, {}));
}
BENCHMARK(render_content);

void render_deployment(benchmark::State& state) {
  const App app = an_app();
  const auto content = render_content(app, {});
  for (auto _ : state) {
    benchmark::DoNotOptimize(deployment_intent(app, Tier::backend, content.backend, 7, {}));
  }
}
BENCHMARK(render_deployment);

void record_and_read_content(benchmark::State& state) {
  const auto content = render_content(an_app(), {});
  for (auto _ : state) {
    benchmark::DoNotOptimize(todoapp::decode_content("{\"data\":" + content_text(content) + "}"));
  }
}
BENCHMARK(record_and_read_content);

void compare_deployment_with_itself(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(kube::is_subset(kube::text::deployment, kube::text::deployment));
}
BENCHMARK(compare_deployment_with_itself);

void compare_quantities(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(kube::same_quantity("0.25", "250m"));
}
BENCHMARK(compare_quantities);

}  // namespace

BENCHMARK_MAIN();
