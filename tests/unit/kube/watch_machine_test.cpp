// Transcripts: what comes in, and all that is to be done about it.
#include "kube/watch_machine.hpp"

#include <gtest/gtest.h>

#include <ostream>

#include "unit/kube/model/object_printing.hpp"

namespace kube {
namespace watching {

inline void PrintTo(const Action& action, std::ostream* out) {
  struct Print {
    std::ostream& out;
    void operator()(const StartWatch& a) const {
      out << "StartWatch from \"" << a.resource_version << "\" initial=" << a.initial_events
          << " timeout=" << a.timeout.count();
    }
    void operator()(const StartList& a) const { out << "StartList \"" << a.continue_token << "\" " << a.limit; }
    void operator()(const Cancel&) const { out << "Cancel"; }
    void operator()(const Wait& a) const { out << "Wait " << a.delay.count() << " ms"; }
    void operator()(const Upsert& a) const { PrintTo(a.object, &(out << "Upsert ")); }
    void operator()(const Remove& a) const { PrintTo(a.object, &(out << "Remove ")); }
    void operator()(const Replace& a) const {
      out << "Replace at " << a.resource_version << " with";
      for (const auto& object : a.objects) out << " " << object.name << "@" << object.resource_version;
    }
    void operator()(const Report& a) const {
      out << "Report " << base::to_string(a.error.code) << " " << to_string(a.error);
    }
    void operator()(const Synced&) const { out << "Synced"; }
  };
  std::visit(Print{*out}, action);
}

}  // namespace watching

namespace {

using namespace watching;  // NOLINT: the transcripts are made of its names
using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Actions = std::vector<Action>;

Object object(const std::string& name, const std::string& version) {
  Object made;
  made.name = name;
  made.uid = "uid-" + name;
  made.resource_version = version;
  return made;
}

Event event(WatchEventType type, const std::string& name, const std::string& version) {
  WatchEvent made;
  made.type = type;
  made.object = object(name, version);
  made.resource_version = version;
  return {made};
}
Event added(const std::string& name, const std::string& version) { return event(WatchEventType::added, name, version); }
Event modified(const std::string& name, const std::string& version) {
  return event(WatchEventType::modified, name, version);
}
Event deleted(const std::string& name, const std::string& version) {
  return event(WatchEventType::deleted, name, version);
}
Event bookmark(const std::string& version, bool end = false) {
  WatchEvent made;
  made.resource_version = version;
  made.initial_events_end = end;
  return {made};
}
Event initial_end(const std::string& version) { return bookmark(version, true); }

const Error refused_connection{ErrorCode::retry, "connect", "connection refused", {}};
const Error too_many{ErrorCode::retry, "watch", "too many requests", milliseconds{7000}};
const Error gone{ErrorCode::gone, "watch", "too old resource version", {}};
const Error too_large{ErrorCode::relist, "watch", "Too large resource version", {}};
const Error forbidden{ErrorCode::forbidden, "watch", "no", {}};
const Error not_found{ErrorCode::not_found, "watch", "no such API", {}};
const Error invalid{ErrorCode::invalid, "watch", "sendInitialEvents is forbidden", {}};
const Error internal{ErrorCode::retry, "watch", "internal error", {}};
const Error garbage{ErrorCode::invalid, "decode a watch event of Deployment", "not JSON", {}};
const Error at_once{ErrorCode::retry, "watch things", "the watch ended at once, having brought nothing", {}};
const Error incomplete{ErrorCode::retry, "watch things", "the watch ended before the first objects were complete", {}};

const StartWatch fill{"", true, seconds{300}};
StartWatch watch_from(const std::string& version) { return {version, false, seconds{300}}; }
const StartList first_page{"", 100};
Wait wait(int ms) { return {milliseconds{ms}}; }

/// A machine, its clock, and no randomness unless asked for.
class Play {
 public:
  explicit Play(WatchMachineOptions options = {}) : machine_(named(std::move(options))) {}
  Actions operator()(Input input) { return machine_.step(std::move(input), now_, random_); }
  void pass(milliseconds time) { now_ += time; }
  void random(double value) { random_ = value; }
  /// To the point where one object is known and the watch goes on, at version 10.
  Play& filled() {
    (*this)(Start{});
    (*this)(Opened{});
    (*this)(added("a", "5"));
    (*this)(initial_end("10"));
    return *this;
  }
  [[nodiscard]] const WatchMachine& machine() const { return machine_; }

 private:
  static WatchMachineOptions named(WatchMachineOptions options) {
    options.what = "things";
    return options;
  }
  WatchMachine machine_;
  base::MonoTime now_{std::chrono::hours{1}};
  double random_{0.0};
};

WatchMachineOptions lists_only() {
  WatchMachineOptions options;
  options.watch_list = false;
  return options;
}

TEST(WatchMachine, HoldsTheFirstObjectsAsideUntilTheyAreComplete) {
  Play play;
  EXPECT_EQ(play(Start{}), Actions{fill});
  EXPECT_EQ(play(Opened{}), Actions{});
  EXPECT_EQ(play(added("a", "5")), Actions{});
  EXPECT_EQ(play(added("b", "6")), Actions{});
  EXPECT_EQ(play(bookmark("7")), Actions{}) << "an ordinary bookmark ends nothing";
  EXPECT_EQ(play(modified("a", "8")), Actions{});
  EXPECT_EQ(play(deleted("b", "9")), Actions{});
  EXPECT_EQ(play(initial_end("10")), (Actions{Replace{{object("a", "5"), object("a", "8")}, "10"}, Synced{}}));
  EXPECT_EQ(play(added("c", "11")), Actions{Upsert{object("c", "11")}});
  EXPECT_EQ(play(modified("c", "12")), Actions{Upsert{object("c", "12")}});
  EXPECT_EQ(play(deleted("c", "13")), Actions{Remove{object("c", "13")}});
  EXPECT_EQ(play.machine().resource_version(), "13");
}

TEST(WatchMachine, GoesOnFromTheLastBookmarkWhenTheServerEndsTheWatch) {
  Play play;
  play.filled();
  play(bookmark("50"));
  play.pass(seconds{400});
  EXPECT_EQ(play(Ended{}), Actions{watch_from("50")});
  play(Opened{});
  play.pass(seconds{2});
  EXPECT_EQ(play(Ended{}), Actions{watch_from("50")}) << "it brought nothing, but lived for longer than a second";
}

TEST(WatchMachine, AsksForATimeoutBetweenFiveAndTenMinutes) {
  Play play;
  play.random(0.5);
  EXPECT_EQ(play(Start{}), (Actions{StartWatch{"", true, seconds{450}}}));
  play(Opened{});
  play(initial_end("10"));
  play.random(0.999);
  play.pass(seconds{5});
  EXPECT_EQ(play(Ended{}), (Actions{StartWatch{"10", false, seconds{599}}}));
}

TEST(WatchMachine, ReportsACutButGoesOnAtOnceWhereTheWatchWasOfUse) {
  Play play;
  play.filled();
  play(modified("a", "11"));
  EXPECT_EQ(play(Ended{refused_connection}), (Actions{Report{refused_connection}, watch_from("11")}));
}

TEST(WatchMachine, WaitsLongerEachTimeWhileWatchesEndAtOnce) {
  Play play;
  play.filled();
  int delay = 800;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(play(Ended{}), (Actions{Report{at_once}, wait(delay)})) << i;
    play.pass(milliseconds{delay});
    EXPECT_EQ(play(Timer{}), Actions{watch_from("10")});
    play(Opened{});
    delay = std::min(30'000, delay * 2);
  }
}

TEST(WatchMachine, BeginsItsBackOffAnewAfterTwoHealthyMinutes) {
  Play play;
  play.filled();
  EXPECT_EQ(play(Ended{}), (Actions{Report{at_once}, wait(800)}));
  play(Timer{});
  EXPECT_EQ(play(Ended{refused_connection}), (Actions{Report{refused_connection}, wait(1600)}));
  play(Timer{});
  play(Opened{});
  play.pass(seconds{119});
  play(Ended{});
  EXPECT_EQ(play(Ended{refused_connection}), (Actions{Report{refused_connection}, wait(3200)}));
  play(Timer{});
  play(Opened{});
  play.pass(seconds{121});
  play(Ended{});
  EXPECT_EQ(play(Ended{refused_connection}), (Actions{Report{refused_connection}, wait(800)}));
}

TEST(WatchMachine, AddsJitterOfUpToTheWholeDelay) {
  Play play;
  play.filled();
  play.random(0.5);
  EXPECT_EQ(play(Ended{}), (Actions{Report{at_once}, wait(1200)}));
}

TEST(WatchMachine, WatchesAgainWithoutListingWhenTheServerIsAwayOrBusy) {
  struct Row {
    const char* name;
    Input input;
    Actions actions;
  };
  const Row rows[] = {
      {"refused", Ended{refused_connection}, {Report{refused_connection}, wait(800)}},
      {"429, honouring Retry-After", Refused{429, too_many}, {Report{too_many}, wait(7000)}},
      {"500", Refused{500, internal}, {Report{internal}, wait(800)}},
      {"403", Refused{403, forbidden}, {Report{forbidden}, wait(800)}},
      {"404", Refused{404, not_found}, {Report{not_found}, wait(800)}},
      {"an error in-band", Broken{internal}, {Cancel{}, Report{internal}, wait(800)}},
      {"429 in-band", Broken{too_many}, {Cancel{}, Report{too_many}, wait(7000)}},
      {"a line that cannot be read", Broken{garbage}, {Cancel{}, Report{garbage}, wait(800)}},
  };
  for (const auto& row : rows) {
    Play play;
    play.filled();
    play.pass(seconds{400});
    ASSERT_EQ(play(Ended{}), Actions{watch_from("10")});
    EXPECT_EQ(play(row.input), row.actions) << row.name;
    EXPECT_EQ(play(Timer{}), Actions{watch_from("10")}) << row.name;
  }
}

TEST(WatchMachine, ReadsAWholeSetAgainWhenItsVersionIsTooOldOrTooNew) {
  struct Row {
    const char* name;
    Input input;
    Actions actions;
  };
  const Row rows[] = {
      {"410", Refused{410, gone}, {Report{gone}, fill}},
      {"410 in-band", Broken{gone}, {Cancel{}, Report{gone}, fill}},
      {"too large", Refused{504, too_large}, {Report{too_large}, fill}},
      {"too large in-band", Broken{too_large}, {Cancel{}, Report{too_large}, fill}},
  };
  for (const auto& row : rows) {
    Play play;
    play.filled();
    EXPECT_EQ(play(row.input), row.actions) << row.name;
    play(Opened{});
    EXPECT_EQ(play(added("b", "90")), Actions{});
    EXPECT_EQ(play(initial_end("99")), (Actions{Replace{{object("b", "90")}, "99"}})) << "a is gone; synced only once";
  }
}

TEST(WatchMachine, DoesNotRaceWhenOneVersionAfterTheOtherIsTooOld) {
  Play play(lists_only());
  play(Start{});
  play(Page{{{}, "", "10"}});
  EXPECT_EQ(play(Refused{410, gone}), (Actions{Report{gone}, first_page}));
  EXPECT_EQ(play(Page{{{}, "", "10"}}), (Actions{Replace{{}, "10"}, watch_from("10")}));
  EXPECT_EQ(play(Refused{410, gone}), (Actions{Report{gone}, wait(800)}));
  EXPECT_EQ(play(Timer{}), Actions{first_page});
  play(Page{{{}, "", "20"}});
  play(Opened{});
  play(bookmark("21"));
  EXPECT_EQ(play(Broken{gone}), (Actions{Cancel{}, Report{gone}, first_page})) << "something came between";
}

TEST(WatchMachine, ReadsAWholeSetWhenGoingOnFailsThreeTimesInARow) {
  Play play;
  play.filled();
  EXPECT_EQ(play(Broken{garbage}), (Actions{Cancel{}, Report{garbage}, wait(800)}));
  EXPECT_EQ(play(Timer{}), Actions{watch_from("10")});
  EXPECT_EQ(play(Refused{500, internal}), (Actions{Report{internal}, wait(1600)}));
  EXPECT_EQ(play(Timer{}), Actions{watch_from("10")});
  EXPECT_EQ(play(Broken{internal}), (Actions{Cancel{}, Report{internal}, wait(3200)}));
  EXPECT_EQ(play(Timer{}), Actions{fill});
}

TEST(WatchMachine, StartsTheFirstSetAnewAfterAnyFailure) {
  struct Row {
    const char* name;
    Input input;
    Actions actions;
  };
  const Row rows[] = {
      {"refused", Ended{refused_connection}, {Report{refused_connection}, wait(800)}},
      {"ended", Ended{}, {Report{incomplete}, wait(800)}},
      {"429", Refused{429, too_many}, {Report{too_many}, wait(7000)}},
      {"410", Refused{410, gone}, {Report{gone}, wait(800)}},
      {"403", Refused{403, forbidden}, {Report{forbidden}, wait(800)}},
      {"404", Refused{404, not_found}, {Report{not_found}, wait(800)}},
      {"an error in-band", Broken{gone}, {Cancel{}, Report{gone}, wait(800)}},
  };
  for (const auto& row : rows) {
    Play play;
    play(Start{});
    play(Opened{});
    play(added("a", "5"));
    EXPECT_EQ(play(row.input), row.actions) << row.name;
    EXPECT_EQ(play(Timer{}), Actions{fill}) << row.name;
    play(Opened{});
    EXPECT_EQ(play(initial_end("10")), (Actions{Replace{{}, "10"}, Synced{}}))
        << row.name << ": a was of the first try";
  }
}

TEST(WatchMachine, ListsInPagesWhereTheServerDoesNotKnowWatchList) {
  Play play;
  play(Start{});
  EXPECT_EQ(play(Refused{422, invalid}), Actions{first_page});
  EXPECT_EQ(play(Page{{{object("a", "5")}, "next", "10"}}), (Actions{StartList{"next", 100}}));
  EXPECT_EQ(play(Page{{{object("b", "6")}, "", "10"}}),
            (Actions{Replace{{object("a", "5"), object("b", "6")}, "10"}, Synced{}, watch_from("10")}));
  play(Opened{});
  EXPECT_EQ(play(added("c", "11")), Actions{Upsert{object("c", "11")}});
  EXPECT_EQ(play(Refused{410, gone}), (Actions{Report{gone}, first_page})) << "and keeps to it";
}

TEST(WatchMachine, ListsOnceWhenFillingBreaksThreeTimesInARow) {
  Play play;
  play(Start{});
  EXPECT_EQ(play(Refused{500, internal}), (Actions{Report{internal}, wait(800)}));
  play(Timer{});
  play(Opened{});
  EXPECT_EQ(play(Ended{refused_connection}), (Actions{Report{refused_connection}, wait(1600)}));
  play(Timer{});
  EXPECT_EQ(play(Ended{refused_connection}), (Actions{Report{refused_connection}, wait(3200)})) << "never opened";
  EXPECT_EQ(play(Timer{}), Actions{fill});
  play(Opened{});
  EXPECT_EQ(play(Broken{garbage}), (Actions{Cancel{}, Report{garbage}, wait(6400)}));
  EXPECT_EQ(play(Timer{}), Actions{first_page});
  EXPECT_EQ(play(Page{{{}, "", "10"}}), (Actions{Replace{{}, "10"}, Synced{}, watch_from("10")}));
  EXPECT_EQ(play(Refused{410, gone}), (Actions{Report{gone}, fill})) << "the next set is tried the better way again";
}

TEST(WatchMachine, ListsAllAtOnceWhenAPageHasExpired) {
  Play play(lists_only());
  play(Start{});
  play(Page{{{object("a", "5")}, "next", "10"}});
  EXPECT_EQ(play(Refused{410, gone}), (Actions{Report{gone}, StartList{"", 0}}));
  EXPECT_EQ(play(Page{{{object("b", "15")}, "", "20"}}),
            (Actions{Replace{{object("b", "15")}, "20"}, Synced{}, watch_from("20")}));
}

TEST(WatchMachine, ListsAnewAfterAnyOtherFailure) {
  struct Row {
    const char* name;
    Input input;
    Error error;
  };
  const Row rows[] = {
      {"refused", Ended{refused_connection}, refused_connection},
      {"500", Refused{500, internal}, internal},
      {"403", Refused{403, forbidden}, forbidden},
      {"an answer that cannot be read", Ended{garbage}, garbage},
  };
  for (const auto& row : rows) {
    Play play(lists_only());
    play(Start{});
    play(Page{{{object("a", "5")}, "next", "10"}});
    EXPECT_EQ(play(row.input), (Actions{Report{row.error}, wait(800)})) << row.name;
    EXPECT_EQ(play(Timer{}), Actions{first_page}) << row.name;
    EXPECT_EQ(play(Page{{{}, "", "20"}}), (Actions{Replace{{}, "20"}, Synced{}, watch_from("20")})) << row.name;
  }
}

TEST(WatchMachine, DoesNothingMoreWhenTheTransportCloses) {
  const Error stopped{ErrorCode::stopped, "watch", "closing", {}};
  Play play;
  play.filled();
  EXPECT_EQ(play(Ended{stopped}), Actions{});
  EXPECT_TRUE(std::holds_alternative<Idle>(play.machine().state()));
  EXPECT_EQ(play(Timer{}), Actions{});
}

TEST(WatchMachine, DoesNothingWhereAnInputHasNoMeaning) {
  Play idle;
  for (const Input& input : {Input{Opened{}}, Input{added("a", "1")}, Input{Timer{}}, Input{Ended{}},
                             Input{Broken{gone}}, Input{Page{}}, Input{Refused{410, gone}}}) {
    EXPECT_EQ(idle(input), Actions{});
  }
  Play waiting;
  waiting(Start{});
  waiting(Ended{refused_connection});
  for (const Input& input : {Input{Start{}}, Input{Opened{}}, Input{added("a", "1")}, Input{Ended{}},
                             Input{Broken{gone}}, Input{Page{}}, Input{Refused{410, gone}}}) {
    EXPECT_EQ(waiting(input), Actions{});
  }
}

}  // namespace
}  // namespace kube
