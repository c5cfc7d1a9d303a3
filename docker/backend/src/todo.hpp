// What a todo is, and what may be asked about todos, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace todo {

inline constexpr std::int64_t id_most = 9007199254740991;  ///< what a JavaScript number can hold

struct Todo {
  std::int64_t id{0};
  std::string title{};
  std::string notes{};
  bool completed{false};
  std::optional<std::string> due_date{};  ///< "2026-12-01"
  std::string created_at{};               ///< RFC 3339
  std::string updated_at{};
  std::optional<std::string> completed_at{};

  friend bool operator==(const Todo&, const Todo&) = default;
};

struct NewTodo {
  std::string title{};
  std::string notes{};
  bool completed{false};
  std::optional<std::string> due_date{};

  friend bool operator==(const NewTodo&, const NewTodo&) = default;
};

/// What is named is changed; a due date is taken away by naming it with nothing in it.
struct TodoEdit {
  std::optional<std::string> title{};
  std::optional<std::string> notes{};
  std::optional<bool> completed{};
  std::optional<std::optional<std::string>> due_date{};

  friend bool operator==(const TodoEdit&, const TodoEdit&) = default;
};

enum class SortKey : std::uint8_t { created_at, updated_at, title, due_date };

struct ListQuery {
  std::optional<bool> completed{};
  std::string search{};
  SortKey sort{SortKey::created_at};
  bool descending{true};
  std::int64_t limit{50};
  std::int64_t offset{0};

  friend bool operator==(const ListQuery&, const ListQuery&) = default;
};

struct TodoPage {
  std::vector<Todo> items{};
  std::int64_t total{0};
  std::int64_t limit{0};
  std::int64_t offset{0};
  std::int64_t active{0};  ///< of all that match the search
  std::int64_t completed{0};

  friend bool operator==(const TodoPage&, const TodoPage&) = default;
};

}  // namespace todo
