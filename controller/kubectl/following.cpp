// Client::follow: the watch of one app, of its pods and of its records, until somebody has seen enough.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <random>
#include <utility>

#include "kube/watcher.hpp"
#include "kubectl/client.hpp"
#include "kubectl/forecast.hpp"
#include "todoapp/names.hpp"

namespace kubectl {

class Client::Follower {
 public:
  Follower(Client& client, const kube::ObjectKey& key, const Following& following)
      : client_(client), key_(key), following_(following), timer_(client.loop_) {}

  base::Result<bool> run() {
    const auto app = watch(todoapp::app_resource(), apps_, true);
    std::unique_ptr<kube::Watcher> pods, records;
    if (following_.with_pods) {
      pods = watch(kube::resources::pods(), pods_, false);
      records = watch(kube::resources::controller_revisions(), records_, false);
    }
    if (following_.timeout.count() > 0) {
      timer_.expires_after(following_.timeout);
      timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !end_) end_ = false;
      });
    }
    app->start();
    if (pods != nullptr) pods->start();
    if (records != nullptr) records->start();
    auto& loop = client_.loop_;
    loop.restart();
    while (!end_ && loop.run_one() > 0) {
    }
    for (auto* watcher : {app.get(), pods.get(), records.get()}) {
      if (watcher != nullptr) watcher->stop();
    }
    timer_.cancel();
    // What the handlers refer to ends with this call.
    loop.poll();
    return end_ ? *end_ : base::Result<bool>(base::fail(base::ErrorCode::stopped, "watch the app", "the watch ended"));
  }

 private:
  /// One of the three; `whole` is the one that is followed, the others only add to the picture.
  std::unique_ptr<kube::Watcher> watch(const kube::Resource& resource, kube::Store& store, bool whole) {
    kube::WatcherOptions options;
    options.resource = resource;
    options.namespace_ = key_.namespace_;
    options.machine.what = "the app";
    if (whole) {
      options.field_selector = "metadata.name=" + key_.name;
      options.pruning = app_pruning();
    } else {
      options.label_selector = selector_of(key_.name);
      const bool of_records = &store == &records_;
      options.pruning = of_records ? record_pruning() : pod_pruning();
      if (of_records) options.accept = kube::Accept::metadata;
    }
    kube::WatcherEvents events{[this](const kube::Change&, kube::Origin) { soon(); },
                               [this, whole] {
                                 synced_ = synced_ || whole;
                                 soon();
                               },
                               [this, whole](const base::Error& error) { trouble(error, whole); }};
    return std::make_unique<kube::Watcher>(client_.loop_.get_executor(), *client_.transport_, decoder_, store,
                                           std::move(options), std::move(events),
                                           [this] { return std::uniform_real_distribution<double>{}(random_); });
  }

  void trouble(const base::Error& error, bool whole) {
    if (end_) return;
    if (!whole) {
      if (error.code == base::ErrorCode::forbidden) pods_allowed_ = false;
      return;
    }
    // What time does not mend ends the watch.
    if (error.code == base::ErrorCode::retry) return following_.on_trouble(error);
    end_ = base::Failure(with_advice(error));
  }

  /// Several changes that come at once make one picture.
  void soon() {
    if (asked_) return;
    asked_ = true;
    boost::asio::post(client_.loop_, [this] {
      asked_ = false;
      look();
    });
  }

  void look() {
    if (end_ || !synced_) return;
    const auto* object = apps_.find(key_);
    if (object == nullptr) {
      end_ = base::fail(base::ErrorCode::not_found, "watch app " + kube::to_string(key_), "it is not there (any more)");
      return;
    }
    const auto view = view_of(*object);
    if (!view) {
      end_ = base::Failure(view.error());
      return;
    }
    const auto pods = pods_view();
    if (!following_.on_app(*view, following_.with_pods ? &pods : nullptr)) end_ = true;
  }

  [[nodiscard]] PodsView pods_view() const {
    PodsView view;
    view.allowed = pods_allowed_;
    view.now = present();
    records_.for_each([&](const kube::Object& record) { note_templates(view.revisions, record); });
    pods_.for_each([&](const kube::Object& object) {
      if (auto pod = pod_of(object)) view.pods.push_back(*std::move(pod));
    });
    return view;
  }

  Client& client_;
  const kube::ObjectKey& key_;
  const Following& following_;
  boost::asio::steady_timer timer_;
  kube::Decoder decoder_;
  kube::Store apps_, pods_, records_;
  std::optional<base::Result<bool>> end_;
  std::minstd_rand random_{std::random_device{}()};
  bool synced_{false};
  bool asked_{false};
  bool pods_allowed_{true};
};

base::Result<bool> Client::follow(const kube::ObjectKey& key, const Following& following) {
  return Follower(*this, key, following).run();
}

}  // namespace kubectl
