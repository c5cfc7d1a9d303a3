#include "readiness.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "problem.hpp"

namespace todo {

Readiness::Readiness(boost::asio::io_context& loop, const DatabaseMaker& make, Dialect dialect, int needed, Told told,
                     std::chrono::milliseconds limit)
    : loop_(loop), dialect_(dialect), needed_(needed), told_(std::move(told)), limit_(limit), workers_(1, 1, make) {}

void Readiness::ask(HttpRespond respond) {
  if (draining_) return respond(unavailable("the program is about to end"));
  const auto id = ++last_id_;
  auto& waiter =
      waiters_.emplace(id, Waiter{std::move(respond), boost::asio::steady_timer(loop_, limit_)}).first->second;
  waiter.timer.async_wait([this, id](boost::system::error_code error) {
    if (!error) on_late(id);
  });
  if (!checking_) begin_check();
}

void Readiness::begin_check() {
  checking_ = workers_.submit([this](Database& database) {
    auto found = database.connect().and_then([&] { return read_schema(database); });
    boost::asio::post(loop_, [this, found = std::move(found)] { on_checked(found); });
  });
}

void Readiness::on_checked(const Result<SchemaFound>& found) {
  checking_ = false;
  told_(found);
  const auto answer = draining_ ? unavailable("the program is about to end") : answer_of(found);
  for (auto& [id, waiter] : std::exchange(waiters_, {})) waiter.respond(answer);
}

void Readiness::on_late(std::uint64_t id) {
  const auto waiter = waiters_.extract(id);
  if (waiter.empty()) return;
  waiter.mapped().respond(unavailable(fmt::format("the database has not answered within {} ms", limit_.count())));
}

HttpAnswer Readiness::answer_of(const Result<SchemaFound>& found) const {
  if (!found) return database_problem(found.error());
  if (!fits(*found, needed_)) return unavailable(explain_misfit(*found, needed_));
  const nlohmann::ordered_json json{{"status", "ready"},
                                    {"database", to_string(dialect_)},
                                    {"schema", {{"found", found->version}, {"needed", needed_}}}};
  return {.body = json.dump() + "\n"};
}

}  // namespace todo
