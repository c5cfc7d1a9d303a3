#include "kube/watcher.hpp"

#include <utility>

#include "kube/response.hpp"

namespace kube {
namespace {

constexpr std::size_t most_refusal_bytes = 16UL * 1024UL;

bool is_success(int status) { return status >= 200 && status < 300; }

WatchMachineOptions named(WatchMachineOptions options, const Resource& resource) {
  options.what = resource.plural;
  return options;
}

}  // namespace

Watcher::Watcher(boost::asio::any_io_executor loop, Transport& transport, Decoder& decoder, Store& store,
                 WatcherOptions options, WatcherEvents events, std::function<double()> random)
    : transport_(transport),
      decoder_(decoder),
      store_(store),
      options_(std::move(options)),
      events_(std::move(events)),
      random_(std::move(random)),
      machine_(named(options_.machine, options_.resource)),
      timer_(loop) {}

Watcher::~Watcher() { stop(); }

void Watcher::start() {
  stopped_ = false;
  feed(watching::Start{});
}

void Watcher::renew() {
  synced_ = false;
  ++counters_.renewals;
  feed(watching::Renew{});
}

void Watcher::stop() {
  stopped_ = true;
  wait_.reset();
  timer_.cancel();
  if (call_) transport_.cancel(*std::exchange(call_, std::nullopt));
}

void Watcher::feed(watching::Input input) {
  auto actions = machine_.step(std::move(input), std::chrono::steady_clock::now(), random_());
  for (auto& action : actions) {
    std::visit([this](auto& each) { act(each); }, action);
    if (stopped_) return;
  }
}

void Watcher::act(watching::StartWatch& action) {
  ++counters_.watches;
  WatchOptions watch;
  watch.resource_version = std::move(action.resource_version);
  watch.send_initial_events = action.initial_events;
  watch.timeout = action.timeout;
  watch.label_selector = options_.label_selector;
  watch.field_selector = options_.field_selector;
  watch.idle = options_.idle;
  // A new one, not a reset: the old one may be on the stack below us, handing out its last line.
  splitter_ = std::make_shared<LineSplitter>();
  refusal_.reset();
  refusal_body_.clear();
  StreamHandler handler;
  handler.on_head = [this](const ResponseHead& head) { on_head(head); };
  handler.on_data = [this](std::string_view bytes) { on_data(bytes); };
  handler.on_end = [this](const base::Result<void>& result) { on_end(result); };
  call_ =
      transport_.stream(make_watch(options_.resource, options_.namespace_, watch, options_.accept), std::move(handler));
}

void Watcher::act(watching::StartList& action) {
  ++counters_.lists;
  ListOptions list;
  list.limit = action.limit;
  list.continue_token = std::move(action.continue_token);
  list.label_selector = options_.label_selector;
  list.field_selector = options_.field_selector;
  call_ = transport_.send(make_list(options_.resource, options_.namespace_, list, options_.accept),
                          [this](base::Result<Response> answer) { on_list(std::move(answer)); });
}

void Watcher::act(watching::Cancel&) {
  if (call_) transport_.cancel(*std::exchange(call_, std::nullopt));
}

void Watcher::act(watching::Wait& action) {
  wait_ = std::make_shared<int>();
  timer_.expires_after(action.delay);
  timer_.async_wait([this, waiting = std::weak_ptr<int>(wait_)](const boost::system::error_code&) {
    if (waiting.expired()) return;
    wait_.reset();
    feed(watching::Timer{});
  });
}

void Watcher::act(watching::Upsert& action) { tell(store_.upsert(std::move(action.object)), Origin::event); }

void Watcher::act(watching::Remove& action) { tell(store_.remove(action.object), Origin::event); }

void Watcher::act(watching::Replace& action) {
  ++counters_.sets;
  tell(store_.replace(std::move(action.objects), action.resource_version), Origin::list);
}

void Watcher::act(watching::Report& action) {
  ++counters_.errors;
  events_.on_error(action.error);
}

void Watcher::act(watching::Synced&) {
  synced_ = true;
  events_.on_synced();
}

void Watcher::on_head(const ResponseHead& head) {
  if (is_success(head.status)) return feed(watching::Opened{});
  refusal_ = head;
}

void Watcher::on_data(std::string_view bytes) {
  if (refusal_) {
    refusal_body_ += bytes.substr(0, most_refusal_bytes - refusal_body_.size());
    return;
  }
  const auto splitter = splitter_;
  const auto call = call_;
  const auto fed = splitter->feed(bytes, [this, call](std::string_view line) {
    on_line(line);
    return !stopped_ && call_ == call;
  });
  if (!fed) feed(watching::Broken{fed.error()});
}

void Watcher::on_line(std::string_view line) {
  auto event = decoder_.event(line, options_.resource, options_.pruning);
  if (!event) return feed(watching::Broken{std::move(event.error())});
  ++counters_.events;
  if (event->type == WatchEventType::error) {
    return feed(watching::Broken{error_of_status(event->status, act_name("watch "))});
  }
  store_.drop_known_body(event->object);
  feed(watching::Event{std::move(*event)});
}

void Watcher::on_end(const base::Result<void>& result) {
  call_.reset();
  if (refusal_) {
    const ResponseHead head = *std::exchange(refusal_, std::nullopt);
    return feed(watching::Refused{head.status, error_of(head, refusal_body_, act_name("watch "))});
  }
  feed(watching::Ended{result ? std::nullopt : std::optional(result.error())});
}

void Watcher::on_list(base::Result<Response> answer) {
  call_.reset();
  if (!answer) return feed(watching::Ended{std::move(answer.error())});
  const Response& response = *answer;
  if (!is_success(response.head.status)) {
    return feed(watching::Refused{response.head.status, error_of(response.head, response.body, act_name("list "))});
  }
  auto page = decoder_.page(response.body, options_.resource, options_.pruning);
  if (!page) return feed(watching::Ended{std::move(page.error())});
  for (Object& object : page->objects) store_.drop_known_body(object);
  feed(watching::Page{std::move(*page)});
}

void Watcher::tell(const std::vector<Change>& changes, Origin origin) {
  for (const Change& change : changes) {
    events_.on_change(change, origin);
    if (stopped_) return;
  }
}

std::string Watcher::act_name(const char* verb) const {
  std::string name = verb + options_.resource.plural;
  if (!options_.namespace_.empty()) name += " in " + options_.namespace_;
  return name;
}

}  // namespace kube
