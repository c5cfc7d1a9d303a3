// What the HTTP server answers with: named health checks in the manner of kube-apiserver, and routes by exact path.
//
// Law: a check looks at what is known already and returns at once; it does no I/O. Its reason is shown to whoever asks,
// so it is a constant of ours, never a server's words.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/http_server.hpp"

namespace shell {

class Health {
 public:
  /// Nothing where all is well, else the reason.
  using Check = std::function<std::optional<std::string>()>;

  void add_check(std::string name, Check check) { checks_.emplace_back(std::move(name), std::move(check)); }

  /// 200 "ok", or 500 with a line for each check; the lines also with `?verbose`. It goes by the name of the path that
  /// was asked for.
  [[nodiscard]] HttpAnswer answer(const HttpQuestion& question) const;

 private:
  std::vector<std::pair<std::string, Check>> checks_;
};

/// The health must outlive the handler.
[[nodiscard]] HttpHandler make_health_handler(const Health& health);
/// A handler that has its answer at once, such as the text of the metrics.
[[nodiscard]] HttpHandler make_handler(std::function<HttpAnswer(const HttpQuestion&)> answer);
/// By exact path; 404 for all others.
[[nodiscard]] HttpHandler make_routes(std::map<std::string, HttpHandler> routes);

}  // namespace shell
