#include "operator/scrape_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "kube/request.hpp"
#include "kube/response.hpp"
#include "operator/logging.hpp"

namespace shell {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr std::size_t most_open = 8;
constexpr seconds review_deadline{5};
constexpr seconds user_kept{60};
constexpr seconds yes_kept{300};
constexpr seconds no_kept{30};

HttpAnswer refusal(unsigned status, std::string words) { return {.status = status, .body = std::move(words) + "\n"}; }

HttpAnswer unknown_token() {
  return refusal(401, "a bearer token is needed that the API server knows; see docs/metrics.md");
}

/// The token of "Bearer TOKEN"; empty where it is something else.
std::string bearer_of(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  const bool fits = authorization.size() > scheme.size() &&
                    std::equal(scheme.begin(), scheme.end(), authorization.begin(), [](char wanted, char given) {
                      return wanted == (given >= 'A' && given <= 'Z' ? static_cast<char>(given - 'A' + 'a') : given);
                    });
  return fits ? std::string(authorization.substr(authorization.find_first_not_of(' ', scheme.size() - 1))) : "";
}

/// Answers are read as they come: what is of another type than it should be counts as not there.
bool is_true(const Json& status, const char* member) {
  const auto at = status.find(member);
  return at != status.end() && at->is_boolean() && at->get<bool>();
}

std::string name_of(const Json& user) {
  const auto at = user.find("username");
  return at != user.end() && at->is_string() ? at->get<std::string>() : "";
}

Json access_spec(const std::string& user, const std::string& path) {
  auto spec = Json::parse(user);
  spec["user"] = name_of(spec);
  spec.erase("username");
  spec["nonResourceAttributes"] = {{"path", path}, {"verb", "get"}};
  return spec;
}

}  // namespace

void Remembered::put(std::string key, std::string value, base::MonoTime until) {
  entries_.remove_if([&](const Entry& entry) { return entry.key == key; });
  entries_.push_front({std::move(key), std::move(value), until});
  if (entries_.size() > most) entries_.pop_back();
}

std::optional<std::string> Remembered::get(const std::string& key, base::MonoTime now) {
  entries_.remove_if([&](const Entry& entry) { return entry.until <= now; });
  for (const auto& entry : entries_) {
    if (entry.key == key) return entry.value;
  }
  return std::nullopt;
}

ScrapeGuard::ScrapeGuard(kube::Transport& transport, std::string key, std::function<base::MonoTime()> clock)
    : transport_(transport), key_(std::move(key)), clock_(std::move(clock)) {}

HttpHandler ScrapeGuard::protect(HttpHandler inner) {
  return [this, inner = std::move(inner)](const HttpQuestion& question, HttpRespond respond) {
    const auto token = bearer_of(question.authorization);
    if (token.empty()) return respond(unknown_token());
    identify(std::make_shared<Visit>(Visit{question, inner, std::move(respond)}), token);
  };
}

void ScrapeGuard::identify(const std::shared_ptr<Visit>& visit, const std::string& token) {
  auto key = base::hmac_sha256_hex(key_, token);
  if (const auto user = users_.get(key, clock_())) return identified(visit, *user);
  ask(visit, "authentication.k8s.io", "tokenreviews", "TokenReview", {{"token", token}},
      [this, visit, key = std::move(key)](const Json& status) {
        std::string user;
        const auto at = status.find("user");
        if (is_true(status, "authenticated") && at != status.end() && !name_of(*at).empty()) user = at->dump();
        users_.put(key, user, clock_() + (user.empty() ? no_kept : user_kept));
        identified(visit, user);
      });
}

void ScrapeGuard::identified(const std::shared_ptr<Visit>& visit, const std::string& user) {
  if (user.empty()) return visit->respond(unknown_token());
  const auto& path = visit->question.path;
  auto key = path + " " + user;
  if (const auto verdict = verdicts_.get(key, clock_())) return judged(*visit, *verdict);
  ask(visit, "authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", access_spec(user, path),
      [this, visit, key = std::move(key), user](const Json& status) {
        const bool allowed = is_true(status, "allowed") && !is_true(status, "denied");
        const auto name = name_of(Json::parse(user));
        const auto verdict = allowed ? "" : fmt::format("{} may not get {}", name, visit->question.path);
        verdicts_.put(key, verdict, clock_() + (allowed ? yes_kept : no_kept));
        judged(*visit, verdict);
      });
}

void ScrapeGuard::judged(const Visit& visit, const std::string& verdict) {
  if (verdict.empty()) return visit.inner(visit.question, visit.respond);
  visit.respond(refusal(403, verdict + ": bind it to the ClusterRole todoapp-operator-metrics-reader"));
}

void ScrapeGuard::ask(const std::shared_ptr<Visit>& visit, const char* group, const char* plural, const char* kind,
                      const Json& spec, std::function<void(const Json& status)> then) {
  if (open_ >= most_open) return visit->respond(refusal(503, "too many are asked about at once; try again"));
  ++open_;
  const kube::Resource resource{group, "v1", plural, kind, false};
  const Json review{{"apiVersion", resource.api_version()}, {"kind", kind}, {"spec", spec}};
  auto request = kube::make_create(resource, "", review.dump(-1, ' ', false, Json::error_handler_t::replace));
  request.deadline = review_deadline;
  transport_.send(std::move(request), [this, visit, kind,
                                       then = std::move(then)](const base::Result<kube::Response>& answer) {
    --open_;
    const auto json = answer ? Json::parse(answer->body, nullptr, false) : Json();
    const auto status = json.is_object() ? json.find("status") : json.end();
    if (answer && answer->head.status == 201 && status != json.end() && status->is_object()) return then(*status);
    const auto why = !answer                      ? base::to_string(answer.error())
                     : answer->head.status == 201 ? std::string("the answer cannot be read")
                                                  : base::to_string(kube::error_of(answer->head, answer->body, kind));
    log(LogLevel::warn, "Failed to ask who reads the metrics", {{"review", kind}, {"error", why}});
    visit->respond(refusal(500, std::string("the API server did not answer a ") + kind + "; see the log"));
  });
}

}  // namespace shell
