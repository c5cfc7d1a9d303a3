// Reads what an answer means: success, or an error that says what its receiver is to do.
//
// Law: pure; the server's own message is what a user reads, bounded to `max_detail` bytes and cut at a whole character.
// Every status maps onto a code, also those nobody has seen yet: unknown 4xx are `invalid`, unknown others `retry`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "kube/transport.hpp"

namespace kube {

inline constexpr std::size_t max_detail = 1024;

/// The answer itself where its status is 2xx. `act` names what was asked for: "create Deployment shop/todo-backend".
[[nodiscard]] base::Result<Response> require_success(Response response, std::string act);

/// The error of an answer that is not a success; `body` may hold a Status object, or anything at all.
[[nodiscard]] base::Error error_of(const ResponseHead& head, std::string_view body, std::string act);

/// The error that a watch reports in an ERROR event, whose object is a Status that holds its own code.
[[nodiscard]] base::Error error_of_status(std::string_view status_object, std::string act);

}  // namespace kube
