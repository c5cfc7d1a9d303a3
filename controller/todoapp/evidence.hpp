// What is kept of a failure and shown to people, without the secrets that log lines may quote.
//
// Law: every value of a Secret that the app's pods were given is masked before a word leaves the core; a value that is
// not known yet is read first. Limits: values, and lines of them, of fewer than four bytes are left as they are.
#pragma once

#include <string>
#include <vector>

#include "todoapp/failure.hpp"
#include "todoapp/observed.hpp"
#include "todoapp/plan.hpp"

namespace todoapp {

struct KnownValues {
  std::vector<Action> reads;  ///< of Secrets whose values are not in memory; to be done first
  std::vector<std::string> values;
};
/// All that a pod of this app may have been given and may quote.
[[nodiscard]] KnownValues known_values(const Observed& observed);

/// What is kept of a cause in the failed revision's record, and shown as `status.failure`.
[[nodiscard]] JsonText evidence_of(const Cause& cause, base::WallTime at);

/// `text` with every occurrence of a value replaced; of its end at most `bytes` are kept.
[[nodiscard]] std::string masked(std::string text, const std::vector<std::string>& values, std::size_t bytes);

}  // namespace todoapp
