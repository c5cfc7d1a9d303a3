#include "kube/watch_machine.hpp"

#include <algorithm>

#include "base/overloaded.hpp"

namespace kube {
namespace {

using base::Error;
using base::ErrorCode;
using base::Overloaded;

/// So many failures of one sort in a row, and the other way of reading is tried.
constexpr std::uint32_t patience = 3;

bool too_old(const Error& error) { return error.code == ErrorCode::gone || error.code == ErrorCode::relist; }

/// A list made of what it is given: `{...}` would copy the objects.
template <class... Each>
std::vector<watching::Action> list_of(Each&&... each) {
  std::vector<watching::Action> actions;
  actions.reserve(sizeof...(each) + 1);
  (actions.emplace_back(std::forward<Each>(each)), ...);
  return actions;
}

std::vector<watching::Action> prepend(watching::Action first, std::vector<watching::Action> rest) {
  rest.insert(rest.begin(), std::move(first));
  return rest;
}

}  // namespace

using watching::Filling;
using watching::Idle;
using watching::Listing;
using watching::Next;
using watching::Waiting;
using watching::Watching;

std::vector<watching::Action> WatchMachine::step(watching::Input input, base::MonoTime now, double random) {
  const Moment at{now, random};
  return std::visit([&](auto& each) { return on(each, at); }, input);
}

WatchMachine::Actions WatchMachine::on(watching::Start&, Moment at) {
  return std::holds_alternative<Idle>(state_) ? begin(Next::fill, at) : Actions{};
}

WatchMachine::Actions WatchMachine::on(watching::Renew&, Moment at) {
  if (std::holds_alternative<Idle>(state_)) return {};
  synced_ = false;
  const bool open = !std::holds_alternative<Waiting>(state_);
  auto actions = begin(Next::fill, at);
  return open ? prepend(watching::Cancel{}, std::move(actions)) : actions;
}

WatchMachine::Actions WatchMachine::on(watching::Opened&, Moment at) {
  std::visit(Overloaded{[](Idle&) {}, [](Filling& filling) { filling.opened = true; }, [](Listing&) {},
                        [&](Watching& watching) {
                          watching.opened = true;
                          watching.opened_at = at.now;
                        },
                        [](Waiting&) {}},
             state_);
  return {};
}

WatchMachine::Actions WatchMachine::on(watching::Refused& input, Moment at) {
  return std::visit(
      Overloaded{[](Idle&) { return Actions{}; }, [&](Filling& filling) { return refused_in(filling, input, at); },
                 [&](Listing& listing) { return refused_in(listing, input, at); },
                 [&](Watching& watching) { return refused_in(watching, input, at); },
                 [](Waiting&) { return Actions{}; }},
      state_);
}

WatchMachine::Actions WatchMachine::on(watching::Event& input, Moment at) {
  return std::visit(
      Overloaded{[](Idle&) { return Actions{}; }, [&](Filling& filling) { return event_in(filling, input.event, at); },
                 [](Listing&) { return Actions{}; },
                 [&](Watching& watching) { return event_in(watching, input.event); },
                 [](Waiting&) { return Actions{}; }},
      state_);
}

WatchMachine::Actions WatchMachine::on(watching::Broken& input, Moment at) {
  return std::visit(Overloaded{[](Idle&) { return Actions{}; },
                               [&](Filling&) {
                                 ++broken_fills_;
                                 return prepend(watching::Cancel{}, fail(Next::fill, std::move(input.error), at));
                               },
                               [](Listing&) { return Actions{}; },
                               [&](Watching&) {
                                 return prepend(watching::Cancel{}, too_old(input.error)
                                                                        ? expired(std::move(input.error), at)
                                                                        : broke_watch(std::move(input.error), at));
                               },
                               [](Waiting&) { return Actions{}; }},
                    state_);
}

WatchMachine::Actions WatchMachine::on(watching::Page& input, Moment at) {
  auto* listing = std::get_if<Listing>(&state_);
  if (listing == nullptr) return {};
  ListPage& page = input.page;
  std::move(page.objects.begin(), page.objects.end(), std::back_inserter(listing->fresh));
  if (!page.continue_token.empty()) {
    listing->continued = true;
    return list_of(watching::StartList{std::move(page.continue_token), options_.page_size});
  }
  Actions actions = complete(std::move(listing->fresh), std::move(page.resource_version));
  Actions watch = begin(Next::watch, at);
  std::move(watch.begin(), watch.end(), std::back_inserter(actions));
  return actions;
}

WatchMachine::Actions WatchMachine::on(watching::Ended& input, Moment at) {
  if (input.error && input.error->code == ErrorCode::stopped) {
    state_ = Idle{};
    return {};
  }
  return std::visit(
      Overloaded{[](Idle&) { return Actions{}; }, [&](Filling& filling) { return ended_in(filling, input, at); },
                 [&](Listing&) {
                   Error error = input.error.value_or(
                       Error{ErrorCode::retry, "list " + options_.what, "the answer did not come", {}});
                   return fail(Next::fill, std::move(error), at);
                 },
                 [&](Watching& watching) { return ended_in(watching, input, at); }, [](Waiting&) { return Actions{}; }},
      state_);
}

WatchMachine::Actions WatchMachine::on(watching::Timer&, Moment at) {
  const auto* waiting = std::get_if<Waiting>(&state_);
  return waiting == nullptr ? Actions{} : begin(waiting->next, at);
}

WatchMachine::Actions WatchMachine::event_in(Filling& filling, WatchEvent& event, Moment at) {
  switch (event.type) {
    case WatchEventType::added:
    case WatchEventType::modified:
      filling.fresh.push_back(std::move(event.object));
      return {};
    case WatchEventType::deleted:
      // Rare while the set is sent, so the set needs no index.
      std::erase_if(filling.fresh, [&](const Object& object) { return object.uid == event.object.uid; });
      return {};
    case WatchEventType::bookmark: {
      if (!event.initial_events_end) return {};
      Actions actions = complete(std::move(filling.fresh), std::move(event.resource_version));
      state_ = Watching{true, at.now, version_};
      return actions;
    }
    case WatchEventType::error:
      return {};
  }
  return {};
}

WatchMachine::Actions WatchMachine::event_in(Watching& watching, WatchEvent& event) {
  version_ = event.resource_version;
  if (version_ != watching.from) {
    broken_watches_ = 0;
    expired_ = false;
  }
  switch (event.type) {
    case WatchEventType::added:
    case WatchEventType::modified:
      return list_of(watching::Upsert{std::move(event.object)});
    case WatchEventType::deleted:
      return list_of(watching::Remove{std::move(event.object)});
    case WatchEventType::bookmark:
    case WatchEventType::error:
      return {};
  }
  return {};
}

WatchMachine::Actions WatchMachine::refused_in(const Filling&, watching::Refused& refused, Moment at) {
  if (refused.error.code == ErrorCode::invalid) {
    // A server without WatchList calls its parameters forbidden; asking again would change nothing.
    lists_only_ = true;
    return begin(Next::fill, at);
  }
  if (refused.status >= 500) ++broken_fills_;
  return fail(Next::fill, std::move(refused.error), at);
}

WatchMachine::Actions WatchMachine::refused_in(const Listing& listing, watching::Refused& refused, Moment at) {
  // The pages took longer than the server keeps their snapshot; all at once takes no second page.
  if (refused.error.code == ErrorCode::gone && listing.continued) {
    return prepend(watching::Report{std::move(refused.error)}, begin_list(0));
  }
  return fail(Next::fill, std::move(refused.error), at);
}

WatchMachine::Actions WatchMachine::refused_in(const Watching&, watching::Refused& refused, Moment at) {
  if (too_old(refused.error)) return expired(std::move(refused.error), at);
  if (refused.error.code == ErrorCode::invalid) return fail(Next::fill, std::move(refused.error), at);
  if (refused.status >= 500) return broke_watch(std::move(refused.error), at);
  return fail(Next::watch, std::move(refused.error), at);
}

WatchMachine::Actions WatchMachine::ended_in(const Filling& filling, watching::Ended& ended, Moment at) {
  if (filling.opened) ++broken_fills_;
  Error error = ended.error.value_or(
      Error{ErrorCode::retry, "watch " + options_.what, "the watch ended before the first objects were complete", {}});
  return fail(Next::fill, std::move(error), at);
}

WatchMachine::Actions WatchMachine::ended_in(const Watching& watching, watching::Ended& ended, Moment at) {
  const bool of_use =
      watching.opened && (version_ != watching.from || at.now - watching.opened_at >= options_.short_lived);
  if (!of_use) {
    Error error = ended.error.value_or(
        Error{ErrorCode::retry, "watch " + options_.what, "the watch ended at once, having brought nothing", {}});
    return fail(Next::watch, std::move(error), at);
  }
  Actions again = begin(Next::watch, at);
  return ended.error ? prepend(watching::Report{std::move(*ended.error)}, std::move(again)) : again;
}

WatchMachine::Actions WatchMachine::begin(Next next, Moment at) {
  const auto least = static_cast<double>(options_.least_timeout.count());
  const std::chrono::seconds timeout{static_cast<std::int64_t>(least * (1.0 + at.random))};
  if (next == Next::watch) {
    state_ = Watching{false, at.now, version_};
    return list_of(watching::StartWatch{version_, false, timeout});
  }
  if (lists_only_ || !options_.watch_list || broken_fills_ >= patience) return begin_list(options_.page_size);
  state_ = Filling{};
  return list_of(watching::StartWatch{"", true, timeout});
}

WatchMachine::Actions WatchMachine::begin_list(std::int32_t limit) {
  state_ = Listing{};
  return list_of(watching::StartList{"", limit});
}

WatchMachine::Actions WatchMachine::fail(Next next, Error error, Moment at) {
  if (last_failure_ && at.now - *last_failure_ >= options_.healthy) backoff_.reset();
  last_failure_ = at.now;
  auto delay = backoff_.next(at.random);
  if (error.retry_after) delay = std::max(delay, *error.retry_after);
  state_ = Waiting{next};
  return list_of(watching::Report{std::move(error)}, watching::Wait{delay});
}

/// The version to go on from is no longer (or not yet) known to the server: a new set, at once. Where that was just
/// done and brought nothing, waiting is all that is left.
WatchMachine::Actions WatchMachine::expired(Error error, Moment at) {
  if (std::exchange(expired_, true)) return fail(Next::fill, std::move(error), at);
  return prepend(watching::Report{std::move(error)}, begin(Next::fill, at));
}

/// Goes on from the last version, for nothing was missed; where that keeps failing, from a new set.
WatchMachine::Actions WatchMachine::broke_watch(Error error, Moment at) {
  ++broken_watches_;
  return fail(broken_watches_ >= patience ? Next::fill : Next::watch, std::move(error), at);
}

WatchMachine::Actions WatchMachine::complete(std::vector<Object> objects, std::string version) {
  version_ = std::move(version);
  broken_fills_ = 0;
  broken_watches_ = 0;
  Actions actions = list_of(watching::Replace{std::move(objects), version_});
  if (!std::exchange(synced_, true)) actions.emplace_back(watching::Synced{});
  return actions;
}

}  // namespace kube
