// Threads that work with a database, so that the loop of HTTP never waits for one. Each has a connection of its own,
// made in its thread. Law: jobs begin in order; what is taken is run, also while stopping. Law of room: the queue has a
// bound, and a job beyond it is refused at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "database.hpp"

namespace todo {

class Workers {
 public:
  /// Must not throw.
  using Job = std::function<void(Database&)>;

  Workers(std::size_t threads, std::size_t room, const DatabaseMaker& make);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Runs what is queued, then ends the threads.
  ~Workers();

  /// Whether the job was taken.
  [[nodiscard]] bool submit(Job job);
  [[nodiscard]] std::size_t waiting() const;

 private:
  void run(Database& database);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::size_t room_;
  bool stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace todo
