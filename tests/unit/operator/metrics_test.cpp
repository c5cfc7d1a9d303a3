#include "operator/metrics.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "operator/metrics.process.hpp"

namespace shell {
namespace {

using namespace std::chrono_literals;

const MetricsIdentity identity{.version = "0.1.0", .revision = "abc", .api_host = "10.0.0.1:443"};

/// The value of a series, written as in the text but for the labels' order.
std::string value_of(const std::string& text, const std::string& name, std::set<std::string> labels = {}) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto blank = line.rfind(' ');
    if (line.empty() || line[0] == '#' || blank == std::string::npos) continue;
    const auto brace = std::min(line.find('{'), blank);
    if (line.substr(0, brace) != name) continue;
    std::set<std::string> seen;
    if (line[brace] == '{') {
      std::istringstream inside(line.substr(brace + 1, blank - brace - 2));
      for (std::string label; std::getline(inside, label, ',');) seen.insert(label);
    }
    if (seen == labels) return line.substr(blank + 1);
  }
  return "absent";
}

void use_everything(Metrics& metrics) {
  metrics.set_max_concurrent_reconciles(8);
  metrics.reconcile_started();
  metrics.reconcile_finished(ReconcileResult::error, 3ms);
  metrics.queue_added();
  metrics.queue_retried();
  metrics.queue_waited(1ms);
  metrics.queue_worked(2ms);
  metrics.set_queue({.depth = 3, .unfinished = 2s, .longest_running = 1500ms});
  metrics.request_finished("GET", 200);
  metrics.request_finished("PATCH", 0);
  metrics.set_leader(true);
  metrics.loop_turned(7ms, std::chrono::steady_clock::now());
  metrics.set_apps(std::vector<AppCount>{{"True", "Succeeded", 2}, {"False", "RolledBack", 1}});
  metrics.drift_repaired().increment("Service");
  metrics.rollouts().increment("Succeeded");
  metrics.rollbacks().increment("automatic");
  metrics.failures().increment("CrashLoopBackOff");
  metrics.watch_restarts().increment("Deployment");
  metrics.events_dropped(4);
}

/// Every series without its value.
std::set<std::string> series_of(const std::string& text) {
  std::set<std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') series.insert(line.substr(0, line.rfind(' ')));
  }
  return series;
}

TEST(Metrics, HaveTheNamesThatDashboardsKnow) {
  Metrics metrics(identity);
  use_everything(metrics);
  const auto text = metrics.render();
  for (const auto* name : {"controller_runtime_reconcile_total",
                           "controller_runtime_reconcile_errors_total",
                           "controller_runtime_reconcile_time_seconds",
                           "controller_runtime_active_workers",
                           "controller_runtime_max_concurrent_reconciles",
                           "workqueue_depth",
                           "workqueue_adds_total",
                           "workqueue_queue_duration_seconds",
                           "workqueue_work_duration_seconds",
                           "workqueue_unfinished_work_seconds",
                           "workqueue_longest_running_processor_seconds",
                           "workqueue_retries_total",
                           "rest_client_requests_total",
                           "leader_election_master_status",
                           "process_cpu_seconds_total",
                           "process_resident_memory_bytes",
                           "process_virtual_memory_bytes",
                           "process_open_fds",
                           "process_max_fds",
                           "process_start_time_seconds",
                           "process_threads",
                           "todoapp_build_info",
                           "todoapp_apps",
                           "todoapp_drift_repaired_total",
                           "todoapp_rollouts_total",
                           "todoapp_rollbacks_total",
                           "todoapp_failures_total",
                           "todoapp_loop_turn_longest_seconds",
                           "todoapp_watch_restarts_total",
                           "todoapp_events_dropped_total"}) {
    EXPECT_NE(text.find("# TYPE " + std::string(name) + " "), std::string::npos) << name;
  }
}

TEST(Metrics, CountWhatHappened) {
  Metrics metrics(identity);
  use_everything(metrics);
  const auto text = metrics.render();
  const std::string controller = R"(controller="todoapp")", name = R"(name="todoapp")", host = R"(host="10.0.0.1:443")";
  EXPECT_EQ(value_of(text, "controller_runtime_reconcile_total", {controller, R"(result="error")"}), "1");
  EXPECT_EQ(value_of(text, "controller_runtime_reconcile_total", {controller, R"(result="success")"}), "0");
  EXPECT_EQ(value_of(text, "controller_runtime_reconcile_errors_total", {controller}), "1");
  EXPECT_EQ(value_of(text, "controller_runtime_active_workers", {controller}), "0");
  EXPECT_EQ(value_of(text, "controller_runtime_max_concurrent_reconciles", {controller}), "8");
  EXPECT_EQ(value_of(text, "controller_runtime_reconcile_time_seconds_bucket", {controller, R"(le="0.0025")"}), "0");
  EXPECT_EQ(value_of(text, "controller_runtime_reconcile_time_seconds_bucket", {controller, R"(le="0.005")"}), "1");
  EXPECT_EQ(value_of(text, "workqueue_depth", {controller, name}), "3");
  EXPECT_EQ(value_of(text, "workqueue_adds_total", {controller, name}), "1");
  EXPECT_EQ(value_of(text, "workqueue_retries_total", {controller, name}), "1");
  EXPECT_EQ(value_of(text, "workqueue_queue_duration_seconds_count", {controller, name}), "1");
  EXPECT_EQ(value_of(text, "workqueue_work_duration_seconds_count", {controller, name}), "1");
  EXPECT_EQ(value_of(text, "workqueue_unfinished_work_seconds", {controller, name}), "2");
  EXPECT_EQ(value_of(text, "workqueue_longest_running_processor_seconds", {controller, name}), "1.5");
  EXPECT_EQ(value_of(text, "rest_client_requests_total", {R"(code="200")", R"(method="GET")", host}), "1");
  EXPECT_EQ(value_of(text, "rest_client_requests_total", {R"(code="<error>")", R"(method="PATCH")", host}), "1");
  EXPECT_EQ(value_of(text, "leader_election_master_status", {R"(name="todoapp-operator")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_build_info", {R"(version="0.1.0")", R"(revision="abc")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_apps", {R"(ready="True")", R"(reason="Succeeded")"}), "2");
  EXPECT_EQ(value_of(text, "todoapp_drift_repaired_total", {R"(kind="Service")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_rollouts_total", {R"(outcome="Failed")"}), "0");
  EXPECT_EQ(value_of(text, "todoapp_rollbacks_total", {R"(trigger="automatic")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_failures_total", {R"(reason="CrashLoopBackOff")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_watch_restarts_total", {R"(kind="Deployment")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_events_dropped_total"), "4");
  EXPECT_EQ(value_of(text, "todoapp_loop_turn_longest_seconds"), "0.007");
}

TEST(Metrics, BuildInfoHasNoRevisionThatNobodyKnows) {
  Metrics metrics({.version = "0.1.0"});
  EXPECT_EQ(value_of(metrics.render(), "todoapp_build_info", {R"(version="0.1.0")"}), "1");
}

TEST(Metrics, AnAppsReasonThatIsGoneIsGone) {
  Metrics metrics(identity);
  metrics.set_apps(std::vector<AppCount>{{"False", "Progressing", 1}, {"True", "Succeeded", 4}});
  metrics.set_apps(std::vector<AppCount>{{"True", "Succeeded", 5}});
  const auto text = metrics.render();
  EXPECT_EQ(value_of(text, "todoapp_apps", {R"(ready="True")", R"(reason="Succeeded")"}), "5");
  EXPECT_EQ(value_of(text, "todoapp_apps", {R"(ready="False")", R"(reason="Progressing")"}), "absent");
}

TEST(Metrics, AnOpenLabelIsBounded) {
  Metrics metrics(identity);
  for (int number = 0; number < 1000; ++number) metrics.failures().increment("Reason" + std::to_string(number));
  const auto text = metrics.render();
  EXPECT_EQ(value_of(text, "todoapp_failures_total", {R"(reason="Reason0")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_failures_total", {R"(reason="Reason31")"}), "1");
  EXPECT_EQ(value_of(text, "todoapp_failures_total", {R"(reason="Reason32")"}), "absent");
  EXPECT_EQ(value_of(text, "todoapp_failures_total", {R"(reason="other")"}), "968");
}

TEST(Metrics, AskForTheQueueAtEachScrape) {
  Metrics metrics(identity);
  std::size_t depth = 0;
  metrics.before_scrape([&] { metrics.set_queue({.depth = ++depth}); });
  (void)metrics.render();
  EXPECT_EQ(value_of(metrics.render(), "workqueue_depth", {R"(controller="todoapp")", R"(name="todoapp")"}), "2");
}

TEST(Metrics, GrowNotWithUse) {
  Metrics metrics(identity);
  use_everything(metrics);
  const auto before = series_of(metrics.render());
  for (int round = 0; round < 1000; ++round) use_everything(metrics);
  EXPECT_EQ(series_of(metrics.render()), before);
  EXPECT_LT(before.size(), 120U);
}

TEST(Metrics, PassPromtool) {
  Metrics metrics(identity);
  use_everything(metrics);
  ASSERT_EQ(std::system("command -v promtool >/dev/null"), 0)
      << "promtool is not installed; it is in Debian's package `prometheus` (scripts/test.sh installs it)";
  const auto stem = testing::TempDir() + "metrics_test." + std::to_string(getpid());
  std::ofstream(stem + ".prom") << metrics.render();
  const int status = std::system(("promtool check metrics <" + stem + ".prom >" + stem + ".out 2>&1").c_str());
  std::stringstream said;
  said << std::ifstream(stem + ".out").rdbuf();
  EXPECT_EQ(WEXITSTATUS(status), 0) << said.str();
  for (const auto* end : {".prom", ".out"}) std::filesystem::remove(stem + end);
}

TEST(RecentMaximum, ForgetsAfterTwoWindowsAtTheLatest) {
  RecentMaximum recent(60s);
  const base::MonoTime start{1000s};
  recent.add(5, start);
  recent.add(2, start + 1s);
  EXPECT_EQ(recent.value(start + 59s), 5);
  EXPECT_EQ(recent.value(start + 59s), 5) << "a scrape takes nothing away";
  recent.add(3, start + 61s);
  EXPECT_EQ(recent.value(start + 62s), 5);
  EXPECT_EQ(recent.value(start + 122s), 3);
  EXPECT_EQ(recent.value(start + 300s), 0);
}

TEST(ParseProcessStat, ReadsPastANameWithBlanksAndBrackets) {
  const auto stat = parse_process_stat(
      "4242 (todo (x) y) S 1 4242 4242 0 -1 4194560 1000 0 0 0 150 50 0 0 20 0 3 0 987654 104857600 2560 "
      "18446744073709551615 1 1 0 0\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(*stat, (ProcessStat{.user_ticks = 150,
                                .system_ticks = 50,
                                .threads = 3,
                                .start_ticks = 987654,
                                .virtual_bytes = 104857600,
                                .resident_pages = 2560}));
  for (const auto* line : {"", "4242", "4242 (x)", "4242 (x) S 1 2"}) EXPECT_FALSE(parse_process_stat(line)) << line;
}

TEST(CollectProcess, TellsPlausibleNumbersOfThisProcess) {
  Metrics metrics(identity);
  const auto text = metrics.render();
  const auto number = [&](const char* name) { return std::stod(value_of(text, name)); };
  EXPECT_GT(number("process_resident_memory_bytes"), 1e6);
  EXPECT_GE(number("process_threads"), 1);
  EXPECT_GE(number("process_open_fds"), 3);
  EXPECT_GE(number("process_max_fds"), number("process_open_fds"));
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(number("process_start_time_seconds"), now, 24 * 3600);
}

}  // namespace
}  // namespace shell
