#include "workers.hpp"

#include <utility>

namespace todo {

Workers::Workers(std::size_t threads, std::size_t room, const DatabaseMaker& make) : room_(room) {
  for (std::size_t count = 0; count < threads; ++count) {
    threads_.emplace_back([this, make] {
      const auto database = make();
      run(*database);
    });
  }
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool Workers::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= room_) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

std::size_t Workers::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Workers::run(Database& database) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job(database);
    lock.lock();
  }
}

}  // namespace todo
