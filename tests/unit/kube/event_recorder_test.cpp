#include "kube/event_recorder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "unit/kube/scripted_transport.hpp"

namespace kube {
namespace {

using namespace std::chrono_literals;
using base::MonoTime;
using Lines = std::vector<std::string>;
using nlohmann::json;

const MonoTime start{1h};
const base::WallTime noon = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 12h;
const std::string post_line = "POST /apis/events.k8s.io/v1/namespaces/shop/events?fieldManager=todoapp-operator";

Event make_event(const std::string& note = "rolled out revision 2", const std::string& uid = "u1") {
  return {.regarding = {"apps.todoapp.dev/v1", "TodoAppDeployment", "shop", "todo", uid},
          .type = EventType::normal,
          .reason = "RolledOut",
          .action = "RollOut",
          .note = note};
}

/// What an Event's series says, or "new Event", or "nothing".
std::string said(const std::optional<EventWrite>& write) {
  if (!write) return "nothing";
  if (write->series_of.empty()) return "new Event";
  return "count " + json::parse(write->body).at("series").at("count").dump();
}

TEST(EventJournal, TheFirstTimeIsAWholeEvent) {
  EventJournal journal("pod-1");
  const auto write = journal.record(make_event(), noon + 5ms, start);
  ASSERT_TRUE(write);
  EXPECT_EQ(write->namespace_, "shop");
  EXPECT_EQ(write->series_of, "");
  EXPECT_EQ(json::parse(write->body), json::parse(R"({
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "todo.188fcf053e2fcb40", "namespace": "shop"},
    "eventTime": "2026-01-31T12:00:00.005000Z",
    "type": "Normal",
    "reason": "RolledOut",
    "action": "RollOut",
    "note": "rolled out revision 2",
    "regarding": {"apiVersion": "apps.todoapp.dev/v1", "kind": "TodoAppDeployment", "namespace": "shop",
                  "name": "todo", "uid": "u1"},
    "reportingController": "todoapp.dev/todoapp-operator",
    "reportingInstance": "pod-1"
  })"));
}

TEST(EventJournal, ARepeatIsASeriesOfTheSameEvent) {
  EventJournal journal("pod-1");
  const auto first = journal.record(make_event(), noon, start);
  const auto second = journal.record(make_event(), noon + 10s, start + 10s);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*second, (EventWrite{.namespace_ = "shop",
                                 .series_of = json::parse(first->body).at("metadata").at("name"),
                                 .body = R"({"series":{"count":2,"lastObservedTime":"2026-01-31T12:00:10.000000Z"}})",
                                 .news = first->news}));
}

TEST(EventJournal, ASeriesIsWrittenAtMostEveryFiveMinutesAndEndsAfterSixOfSilence) {
  EventJournal journal("pod-1");
  const std::vector<std::pair<std::chrono::seconds, std::string>> transcript{
      {0s, "new Event"}, {10s, "count 2"},  {20s, "nothing"},     {300s, "nothing"},
      {309s, "nothing"}, {310s, "count 6"}, {311s, "nothing"},    {609s, "nothing"},
      {968s, "count 9"}, {969s, "nothing"}, {1329s, "new Event"}, {1330s, "count 2"},
  };
  for (const auto& [at, expected] : transcript) {
    EXPECT_EQ(said(journal.record(make_event(), noon + at, start + at)), expected) << at.count();
  }
}

TEST(EventJournal, OtherNewsIsAnotherEvent) {
  EventJournal journal("pod-1");
  auto warning = make_event();
  warning.type = EventType::warning;
  auto other_reason = make_event();
  other_reason.reason = "RolledBack";
  auto shifted = make_event();  // the same letters, cut elsewhere
  shifted.reason += shifted.note.substr(0, 1);
  shifted.note.erase(0, 1);
  std::set<std::string> names;
  for (const auto& event : {make_event(), warning, other_reason, shifted, make_event("other"), make_event("", "u2")}) {
    const auto write = journal.record(event, noon, start);
    ASSERT_EQ(said(write), "new Event");
    names.insert(json::parse(write->body).at("metadata").at("name").get<std::string>());
  }
  EXPECT_EQ(names.size(), 6U) << "made in the same millisecond";
}

TEST(EventJournal, OneObjectMayBurstAndThenGetsOneWriteInFiveMinutes) {
  EventJournal journal("pod-1");
  int number = 0;
  const auto news = [&](MonoTime now) { return said(journal.record(make_event(std::to_string(++number)), noon, now)); };
  for (int i = 0; i < 25; ++i) ASSERT_EQ(news(start), "new Event") << i;
  EXPECT_EQ(news(start), "nothing");
  EXPECT_EQ(said(journal.record(make_event("1"), noon, start)), "nothing") << "a series is a write too";
  EXPECT_EQ(said(journal.record(make_event("x", "u2"), noon, start)), "new Event") << "another object has its own";
  EXPECT_EQ(news(start + 299s), "nothing");
  EXPECT_EQ(news(start + 300s), "new Event");
  EXPECT_EQ(news(start + 300s), "nothing");
}

TEST(EventJournal, AWriteThatFailedWasNoNews) {
  EventJournal journal("pod-1");
  const auto write = journal.record(make_event(), noon, start);
  journal.failed(*write);
  EXPECT_EQ(said(journal.record(make_event(), noon, start + 1s)), "new Event");
}

TEST(EventJournal, RemembersABoundedNumberOfThings) {
  EventJournal journal("pod-1", {.remembered_most = 2});
  const auto news = [&](const std::string& uid, MonoTime now) {
    return said(journal.record(make_event("n", uid), noon, now));
  };
  EXPECT_EQ(news("u1", start), "new Event");
  EXPECT_EQ(news("u2", start + 100s), "new Event");
  EXPECT_EQ(news("u3", start + 400s), "new Event");
  EXPECT_EQ(news("u2", start + 400s), "count 2") << "what is over went first";
  EXPECT_EQ(news("u4", start + 400s), "new Event");
  EXPECT_EQ(news("u2", start + 400s), "new Event") << "then everything";
}

TEST(EventJournal, CutsANoteAtAWholeCharacter) {
  EventJournal journal("pod-1");
  const auto note_of = [&](const std::string& note) {
    return json::parse(journal.record(make_event(note), noon, start)->body).at("note").get<std::string>();
  };
  EXPECT_EQ(note_of(std::string(1024, 'a')), std::string(1024, 'a'));
  EXPECT_EQ(note_of(std::string(1025, 'a')), std::string(1024, 'a'));
  EXPECT_EQ(note_of(std::string(1023, 'a') + "\u00e9"), std::string(1023, 'a'));
  EXPECT_EQ(note_of("no UTF-8: \xff"), "no UTF-8: \uFFFD");
}

TEST(EventJournal, OneNoteOfReplacedBytesIsStillWithinTheLimit) {
  EventJournal journal("pod-1");
  const auto body = json::parse(journal.record(make_event(std::string(1024, '\xff')), noon, start)->body);
  EXPECT_LE(body.at("note").get<std::string>().size(), 1024U);
}

TEST(EventJournal, NamesAreDnsNamesOfAtMost253Bytes) {
  EventJournal journal("pod-1");
  auto event = make_event();
  event.regarding.name = std::string(235, 'a') + "-" + std::string(17, 'b');
  const std::string name = json::parse(journal.record(event, noon, start)->body).at("metadata").at("name");
  EXPECT_EQ(name, std::string(235, 'a') + ".188fcf053de38000") << "the hyphen at the cut goes too";
}

TEST(EventJournal, WhatLiesInNoNamespaceGoesToDefault) {
  EventJournal journal("pod-1");
  auto event = make_event();
  event.regarding.namespace_ = "";
  const auto write = journal.record(event, noon, start);
  EXPECT_EQ(write->namespace_, "default");
  EXPECT_FALSE(json::parse(write->body).at("regarding").contains("namespace"));
}

TEST(CutUtf8, NeverEndsInsideACharacter) {
  EXPECT_EQ(cut_utf8("abc", 3), "abc");
  EXPECT_EQ(cut_utf8("abc", 2), "ab");
  EXPECT_EQ(cut_utf8("a\u20acb", 4), "a\u20ac");
  EXPECT_EQ(cut_utf8("a\u20acb", 3), "a");
  EXPECT_EQ(cut_utf8("a\u20acb", 2), "a");
  EXPECT_EQ(cut_utf8("\u20ac", 0), "");
}

class EventRecorderTest : public testing::Test {
 protected:
  EventRecorder& make(std::size_t queued_most = 256) {
    recorder = std::make_unique<EventRecorder>(
        loop, transport,
        EventRecorderSettings{
            .reporting_instance = "pod-1", .queued_most = queued_most, .backoff = {1ms, 1ms, 1.0, 0.0}},
        [this] { return may_write; });
    return *recorder;
  }
  bool counts_become(const EventCounts& counts) {
    return run_until(loop, [&] { return recorder->counts() == counts; });
  }

  boost::asio::io_context loop;
  ScriptedTransport transport{loop};
  std::unique_ptr<EventRecorder> recorder;
  bool may_write{true};
};

TEST_F(EventRecorderTest, WritesOneAfterTheOther) {
  make();
  for (const auto* note : {"1", "2", "1"}) recorder->record(make_event(note));
  EXPECT_EQ(transport.requests.size(), 1U);
  run_ready(loop);
  EXPECT_EQ(transport.requests.size(), 1U) << "the first is still under way";
  transport.finish_all(201);
  transport.finish_all(201);
  transport.finish_all(200);
  EXPECT_EQ(recorder->counts(), (EventCounts{.written = 3, .failed = 0, .dropped = 0}));
  const auto name = json::parse(transport.requests.at(0).body).at("metadata").at("name").get<std::string>();
  EXPECT_EQ(transport.lines(),
            (Lines{post_line, post_line,
                   "PATCH /apis/events.k8s.io/v1/namespaces/shop/events/" + name + "?fieldManager=todoapp-operator"}));
  EXPECT_EQ(transport.requests.at(2).content_type, "application/merge-patch+json");
  EXPECT_EQ(transport.requests.at(0).deadline, 10s);
}

TEST_F(EventRecorderTest, TriesThreeTimesAndGoesOn) {
  for (int i = 0; i < 3; ++i) transport.will_fail();
  transport.will_answer(201);
  make().record(make_event("1"));
  recorder->record(make_event("2"));
  EXPECT_TRUE(counts_become({.written = 1, .failed = 1, .dropped = 0}));
  EXPECT_EQ(transport.requests.size(), 4U);
}

TEST_F(EventRecorderTest, WhatFailedIsANewEventTheNextTime) {
  transport.will_answer(422);
  transport.will_answer(201);
  make().record(make_event());
  ASSERT_TRUE(counts_become({.written = 0, .failed = 1, .dropped = 0}));
  recorder->record(make_event());
  ASSERT_TRUE(counts_become({.written = 1, .failed = 1, .dropped = 0}));
  EXPECT_EQ(transport.lines(), (Lines{post_line, post_line}));
}

TEST_F(EventRecorderTest, ARefusalIsNotTriedAgain) {
  for (const int status : {403, 404, 422}) {
    transport.will_answer(status);
    make().record(make_event());
    EXPECT_TRUE(counts_become({.written = 0, .failed = 1, .dropped = 0})) << status;
  }
  EXPECT_EQ(transport.requests.size(), 3U);
}

TEST_F(EventRecorderTest, AlreadyExistsIsATryWhoseAnswerWasLost) {
  transport.will_fail();
  transport.will_answer(409, R"({"kind":"Status","code":409,"reason":"AlreadyExists"})");
  make().record(make_event());
  EXPECT_TRUE(counts_become({.written = 1, .failed = 0, .dropped = 0}));
}

TEST_F(EventRecorderTest, AFullQueueDropsAndCounts) {
  make(2);
  for (const auto* note : {"1", "2", "3", "4"}) recorder->record(make_event(note));
  EXPECT_EQ(recorder->counts(), (EventCounts{.written = 0, .failed = 0, .dropped = 2}));
}

TEST_F(EventRecorderTest, WritesNothingWithoutTheFence) {
  make();
  may_write = false;
  recorder->record(make_event());
  EXPECT_EQ(transport.requests.size(), 0U);
  EXPECT_EQ(recorder->counts(), (EventCounts{.written = 0, .failed = 0, .dropped = 1}));
}

TEST_F(EventRecorderTest, StopCancelsAndSendsNothingMore) {
  make();
  for (const auto* note : {"1", "2"}) recorder->record(make_event(note));
  recorder->stop();
  recorder->record(make_event("3"));
  EXPECT_EQ(transport.under_way(), 0U);
  EXPECT_EQ(transport.requests.size(), 1U);
  EXPECT_EQ(recorder->counts(), (EventCounts{.written = 0, .failed = 0, .dropped = 2}));
  run_ready(loop);
}

TEST_F(EventRecorderTest, AFlushWaitsForWhatIsQueued) {
  bool flushed = false;
  make();
  for (const auto* note : {"1", "2"}) recorder->record(make_event(note));
  recorder->flush(10s, [&] {
    flushed = true;
    recorder->stop();
  });
  transport.finish_all(201);
  run_ready(loop);
  EXPECT_FALSE(flushed) << "the second is under way";
  transport.finish_all(201);
  EXPECT_TRUE(run_until(loop, [&] { return flushed; }));
  EXPECT_EQ(recorder->counts(), (EventCounts{.written = 2, .failed = 0, .dropped = 0}));
}

TEST_F(EventRecorderTest, AFlushOfNothingIsToldAtOnceButNotFromInside) {
  bool flushed = false;
  make().flush(10s, [&] { flushed = true; });
  EXPECT_FALSE(flushed);
  EXPECT_TRUE(run_until(loop, [&] { return flushed; }));
}

TEST_F(EventRecorderTest, AFlushWaitsNoLongerThanItIsTold) {
  bool flushed = false;
  make().record(make_event());
  recorder->flush(1ms, [&] { flushed = true; });
  EXPECT_TRUE(run_until(loop, [&] { return flushed; }));
  EXPECT_EQ(transport.under_way(), 1U);
}

TEST_F(EventRecorderTest, AStoppedFlushIsNeverTold) {
  make().record(make_event());
  recorder->flush(1ms, [&] { ADD_FAILURE() << "told"; });
  recorder->stop();
  run_ready(loop);
}

TEST_F(EventRecorderTest, DestroyingItWhileItWaitsToTryAgainIsQuiet) {
  transport.will_fail();
  make().record(make_event());
  run_ready(loop);
  recorder.reset();
  loop.restart();
  loop.run();
  EXPECT_EQ(transport.requests.size(), 1U);
}

}  // namespace
}  // namespace kube
