// A database that does what a test says, for what only waits for one.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "database.hpp"

namespace todo {

class FakeDatabase final : public Database {
 public:
  using Connect = std::function<Result<void>()>;

  explicit FakeDatabase(Connect connect) : connect_(std::move(connect)) {}

  [[nodiscard]] Dialect dialect() const override { return Dialect::sqlite; }
  [[nodiscard]] Result<void> connect() override { return connect_(); }
  /// Each table is there, and each version is 2, compatible from 1.
  [[nodiscard]] Result<Rows> run(std::string_view, const Values&) override { return Rows{{"2", "1"}}; }

 private:
  Connect connect_;
};

[[nodiscard]] inline DatabaseMaker fake_maker(FakeDatabase::Connect connect) {
  return [connect = std::move(connect)] { return std::make_unique<FakeDatabase>(connect); };
}

}  // namespace todo
