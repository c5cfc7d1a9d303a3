// What would change in the cluster if an app became another one: reads what is there, and has the pure parts compare.
// Law: it only reads, Secrets not even that: whether one is there is asked for its metadata.
#pragma once

#include <set>
#include <string>

#include "base/result.hpp"
#include "kubectl/client.hpp"
#include "kubectl/text.hpp"

namespace kubectl {

struct Preview {
  std::string text;  ///< empty where there is nothing to say
  bool differs{false};
};

/// `live` is empty where there is no such app yet; `after` is what the server would make of it. Secrets of these names
/// come along, and are not missed.
[[nodiscard]] base::Result<Preview> preview_of(Client& client, const kube::ObjectKey& key, const std::string& live,
                                               const std::string& after, const std::set<std::string>& coming,
                                               const Style& style);

}  // namespace kubectl
