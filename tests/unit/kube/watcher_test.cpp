#include "kube/watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <tuple>

#include "unit/kube/model/object_printing.hpp"

namespace kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A transport whose calls the test answers by hand, always the one that is open.
class HandTransport : public Transport {
 public:
  CallId send(Request request, ResponseHandler handler) override {
    requests.push_back(std::move(request));
    sends_[++last_] = std::move(handler);
    return last_;
  }
  CallId stream(Request request, StreamHandler handler) override {
    requests.push_back(std::move(request));
    streams_[++last_] = std::make_shared<StreamHandler>(std::move(handler));
    return last_;
  }
  void cancel(CallId call) override {
    sends_.erase(call);
    streams_.erase(call);
    ++cancelled;
  }
  void close(std::function<void()>) override {}

  void open(int status = 200, std::optional<std::chrono::seconds> retry_after = {}) {
    current()->on_head({status, "application/json", retry_after});
  }
  void data(std::string_view bytes) { current()->on_data(bytes); }
  void end(base::Result<void> result = {}) {
    const auto handler = current();
    streams_.clear();
    handler->on_end(std::move(result));
  }
  void answer(int status, std::string body) {
    const auto handler = std::move(sends_.at(last_));
    sends_.clear();
    handler(Response{{status, "application/json", {}}, std::move(body)});
  }
  [[nodiscard]] std::size_t open_calls() const { return sends_.size() + streams_.size(); }
  [[nodiscard]] std::string last_target() const { return requests.empty() ? "" : requests.back().target; }

  std::vector<Request> requests;
  int cancelled{0};

 private:
  std::shared_ptr<StreamHandler> current() { return streams_.at(last_); }

  std::map<CallId, ResponseHandler> sends_;
  std::map<CallId, std::shared_ptr<StreamHandler>> streams_;
  CallId last_{0};
};

std::string object(const std::string& name, const std::string& version) {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"shop","uid":"uid-)" + name + R"(","resourceVersion":")" +
         version + R"(","ownerReferences":[{"uid":"app","controller":true}]}})";
}
std::string line(const std::string& type, const std::string& body) {
  return R"({"type":")" + type + R"(","object":)" + body + "}\n";
}
std::string added(const std::string& name, const std::string& version) { return line("ADDED", object(name, version)); }
std::string deleted(const std::string& name, const std::string& version) {
  return line("DELETED", object(name, version));
}
std::string initial_end(const std::string& version) {
  return line("BOOKMARK", R"({"metadata":{"resourceVersion":")" + version +
                              R"(","annotations":{"k8s.io/initial-events-end":"true"}}})");
}
std::string error(int code) {
  return line("ERROR", R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"message":"so it is"})");
}

class WatcherTest : public testing::Test {
 protected:
  void start(WatchMachineOptions machine = {}) {
    machine.backoff.first = std::chrono::milliseconds{1};
    WatcherOptions options;
    options.resource = resources::config_maps();
    options.namespace_ = "shop";
    options.label_selector = "a=b";
    options.accept = Accept::metadata;
    options.machine = machine;
    WatcherEvents events;
    events.on_change = [this](const Change& change, Origin origin) {
      told.push_back(to_string(change.key) + " of " + change.controller_uid +
                     (origin == Origin::list ? " listed" : ""));
      if (stop_at_change) watcher->stop();
    };
    events.on_synced = [this] { told.emplace_back("synced"); };
    events.on_error = [this](const base::Error& failed) { told.push_back(to_string(failed)); };
    watcher.emplace(loop.get_executor(), transport, decoder, store, options, events, [] { return 0.0; });
    watcher->start();
  }
  void start_filled() {
    start();
    transport.open();
    transport.data(added("a", "5") + initial_end("10"));
    told.clear();
  }
  void run_timer() {
    loop.restart();
    loop.run_for(std::chrono::milliseconds{200});
  }

  boost::asio::io_context loop;
  HandTransport transport;
  Decoder decoder;
  Store store;
  std::vector<std::string> told;
  bool stop_at_change{false};
  std::optional<Watcher> watcher;
};

TEST_F(WatcherTest, FillsTheStoreAndKeepsItUpToDate) {
  start();
  EXPECT_THAT(transport.last_target(), HasSubstr("/api/v1/namespaces/shop/configmaps?"));
  EXPECT_THAT(transport.last_target(), HasSubstr("sendInitialEvents=true"));
  EXPECT_THAT(transport.last_target(), HasSubstr("labelSelector=a%3Db"));
  EXPECT_THAT(transport.requests.back().accept, HasSubstr("PartialObjectMetadata"));
  EXPECT_EQ(transport.requests.back().idle, std::chrono::milliseconds{150'000});
  transport.open();
  transport.data(added("a", "5"));
  EXPECT_THAT(told, IsEmpty());
  EXPECT_FALSE(watcher->synced());
  transport.data(initial_end("10"));
  EXPECT_THAT(told, ElementsAre("shop/a of app listed", "synced"));
  EXPECT_TRUE(watcher->synced());
  ASSERT_NE(store.find({"shop", "a"}), nullptr);

  told.clear();
  transport.data(added("b", "11") + deleted("a", "12"));
  EXPECT_THAT(told, ElementsAre("shop/b of app", "shop/a of app"));
  EXPECT_EQ(store.find({"shop", "a"}), nullptr);
  EXPECT_EQ(watcher->counters(), (WatcherCounters{0, 1, 4, 1, 0}));
}

TEST_F(WatcherTest, RenewedItIsSyncedWithASetThatWasReadAfterwards) {
  start_filled();
  watcher->renew();
  EXPECT_FALSE(watcher->synced());
  EXPECT_THAT(transport.last_target(), HasSubstr("sendInitialEvents=true"));
  transport.open();
  transport.data(added("b", "90"));
  EXPECT_THAT(told, IsEmpty());
  transport.data(initial_end("99"));
  EXPECT_THAT(told, ElementsAre("shop/b of app listed", "shop/a of app listed", "synced"));
  EXPECT_EQ(watcher->counters().renewals, 1U);
}

TEST(WatchMachineRenewal, BeginsAWholeSetFromWhereverItIs) {
  WatchMachine machine;
  const auto renewed = [&] { return machine.step(watching::Renew{}, base::MonoTime{}, 0.0); };
  const watching::Action fill = watching::StartWatch{"", true, std::chrono::seconds{300}};
  EXPECT_THAT(renewed(), IsEmpty()) << "it was not started";
  EXPECT_THAT(machine.step(watching::Start{}, base::MonoTime{}, 0.0), ElementsAre(fill));
  EXPECT_THAT(renewed(), ElementsAre(watching::Action{watching::Cancel{}}, fill));
  std::ignore = machine.step(watching::Ended{}, base::MonoTime{}, 0.0);
  EXPECT_THAT(renewed(), ElementsAre(fill)) << "it waited, and no call was open";
  EXPECT_THAT(machine.step(watching::Timer{}, base::MonoTime{}, 0.0), IsEmpty()) << "the wait is of no use any more";
}

TEST_F(WatcherTest, ReadsEventsHoweverTheyAreCutUp) {
  start();
  transport.open();
  for (const char byte : added("ä", "5") + initial_end("10")) transport.data(std::string_view(&byte, 1));
  EXPECT_THAT(told, ElementsAre("shop/ä of app listed", "synced"));
}

TEST_F(WatcherTest, GoesOnFromTheLastVersionWhenTheWatchEnds) {
  start_filled();
  transport.data(added("b", "11"));
  transport.end();
  EXPECT_THAT(transport.last_target(), HasSubstr("resourceVersion=11"));
  EXPECT_THAT(transport.last_target(), testing::Not(HasSubstr("sendInitialEvents")));
  EXPECT_EQ(transport.open_calls(), 1U);
}

TEST_F(WatcherTest, ReadsAWholeSetAgainFromWithinTheLineThatSaysSo) {
  start_filled();
  transport.data(error(410) + added("never", "11"));
  EXPECT_THAT(told, ElementsAre("watch configmaps in shop: so it is"));
  EXPECT_EQ(transport.cancelled, 1);
  EXPECT_EQ(transport.open_calls(), 1U);
  EXPECT_THAT(transport.last_target(), HasSubstr("sendInitialEvents=true"));
  EXPECT_EQ(store.find({"shop", "never"}), nullptr) << "what came behind it belongs to the old watch";
  EXPECT_NE(store.find({"shop", "a"}), nullptr) << "the old set serves until the new one is whole";

  told.clear();
  transport.open();
  transport.data(added("c", "20") + initial_end("30"));
  EXPECT_THAT(told, ElementsAre("shop/c of app listed", "shop/a of app listed"));
}

TEST_F(WatcherTest, WaitsAndGoesOnAfterALineThatCannotBeRead) {
  start_filled();
  transport.data("garbage\n" + added("never", "11"));
  EXPECT_THAT(told, ElementsAre(HasSubstr("decode a watch event of ConfigMap: not JSON")));
  EXPECT_EQ(transport.open_calls(), 0U);
  run_timer();
  EXPECT_THAT(transport.last_target(), HasSubstr("resourceVersion=10"));
  EXPECT_EQ(transport.open_calls(), 1U);
}

TEST_F(WatcherTest, ReportsARefusalInTheServersWords) {
  start_filled();
  transport.data(added("b", "11"));
  transport.end();
  transport.open(403);
  transport.data(R"({"kind":"Status","code":403,)");
  transport.data(R"("message":"configmaps is forbidden"})");
  EXPECT_THAT(told, ElementsAre("shop/b of app"));
  transport.end();
  EXPECT_THAT(told, ElementsAre("shop/b of app", "watch configmaps in shop: configmaps is forbidden"));
  EXPECT_EQ(watcher->counters().errors, 1U);
}

TEST_F(WatcherTest, BoundsTheRefusalItReads) {
  start();
  transport.open(500);
  for (int i = 0; i < 100; ++i) transport.data(std::string(1000, 'x'));
  transport.end(base::fail(base::ErrorCode::retry, "read", "cut"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_LT(told[0].size(), 2000U);
}

TEST_F(WatcherTest, ListsInPages) {
  WatchMachineOptions machine;
  machine.watch_list = false;
  start(machine);
  EXPECT_THAT(transport.last_target(), HasSubstr("limit=100"));
  transport.answer(200, R"({"metadata":{"resourceVersion":"10","continue":"x"},"items":[)" + object("a", "5") + "]}");
  EXPECT_THAT(transport.last_target(), HasSubstr("continue=x"));
  transport.answer(410, R"({"kind":"Status","code":410,"message":"expired"})");
  EXPECT_THAT(transport.last_target(), testing::Not(HasSubstr("limit=")));
  transport.answer(200, R"({"metadata":{"resourceVersion":"20"},"items":[)" + object("b", "15") + "]}");
  EXPECT_THAT(told, ElementsAre("list configmaps in shop: expired", "shop/b of app listed", "synced"));
  EXPECT_THAT(transport.last_target(), HasSubstr("watch=true"));
  EXPECT_EQ(watcher->counters(), (WatcherCounters{3, 1, 0, 1, 1, 0}));
}

TEST_F(WatcherTest, TriesAgainWhenAListCannotBeRead) {
  WatchMachineOptions machine;
  machine.watch_list = false;
  start(machine);
  transport.answer(200, "{}");
  EXPECT_THAT(told, ElementsAre("decode a list of ConfigMap: items is missing"));
  run_timer();
  EXPECT_EQ(transport.open_calls(), 1U);
}

TEST_F(WatcherTest, IsSilentAfterStop) {
  start_filled();
  watcher->stop();
  EXPECT_EQ(transport.open_calls(), 0U);
  EXPECT_EQ(transport.cancelled, 1);
  run_timer();
  EXPECT_THAT(told, IsEmpty());
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST_F(WatcherTest, IsSilentAfterAStopWhileItWaits) {
  start_filled();
  transport.data("garbage\n");
  told.clear();
  watcher->stop();
  watcher.reset();
  run_timer();
  EXPECT_THAT(told, IsEmpty());
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST_F(WatcherTest, MayBeStoppedFromItsOwnCallback) {
  start_filled();
  stop_at_change = true;
  transport.data(added("b", "11") + added("c", "12"));
  EXPECT_THAT(told, ElementsAre("shop/b of app"));
  EXPECT_EQ(transport.open_calls(), 0U);

  stop_at_change = false;
  told.clear();
}

}  // namespace
}  // namespace kube
