// Who may read /metrics: whoever shows a bearer token that the API server knows (TokenReview) and whom it allows to get
// that path (SubjectAccessReview), as kube-rbac-proxy asks it.
//
// Law: no answer of the API server, no metrics. A token is kept only as its hash, keyed for the life of the process,
// and never logged. Answers are remembered: who a token is for one minute, "yes" for five, "no" for thirty seconds.
// Limits: 64 tokens and 64 users are remembered, the oldest go first; 8 questions are open at a time, more get 503.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "kube/transport.hpp"
#include "operator/http_server.hpp"

namespace shell {

/// What was learnt a moment ago, by a key; what is too old or too much is forgotten.
class Remembered {
 public:
  void put(std::string key, std::string value, base::MonoTime until);
  [[nodiscard]] std::optional<std::string> get(const std::string& key, base::MonoTime now);

 private:
  static constexpr std::size_t most = 64;
  struct Entry {
    std::string key;
    std::string value;
    base::MonoTime until;
  };
  std::list<Entry> entries_;  ///< the newest first
};

class ScrapeGuard {
 public:
  /// `clock` is monotonic; the transport outlives the guard.
  ScrapeGuard(kube::Transport& transport, std::string key, std::function<base::MonoTime()> clock);
  ScrapeGuard(const ScrapeGuard&) = delete;
  ScrapeGuard& operator=(const ScrapeGuard&) = delete;

  /// Lets through to `inner` who may `get` the path that was asked for; 401, 403, 500 or 503 for others. The guard
  /// outlives the handler.
  [[nodiscard]] HttpHandler protect(HttpHandler inner);

 private:
  struct Visit {
    HttpQuestion question;
    HttpHandler inner;
    HttpRespond respond;
  };

  void identify(const std::shared_ptr<Visit>& visit, const std::string& token);
  void identified(const std::shared_ptr<Visit>& visit, const std::string& user);
  void judged(const Visit& visit, const std::string& verdict);
  /// Posts a review; its status as JSON, or nothing, and then the visitor was told.
  void ask(const std::shared_ptr<Visit>& visit, const char* group, const char* plural, const char* kind,
           const nlohmann::json& spec, std::function<void(const nlohmann::json& status)> then);

  kube::Transport& transport_;
  std::string key_;
  std::function<base::MonoTime()> clock_;
  Remembered users_;     ///< by the hash of a token: a user as JSON, or empty where nobody knows the token
  Remembered verdicts_;  ///< by the user and the path: empty for yes, else why not
  std::size_t open_{0};
};

}  // namespace shell
