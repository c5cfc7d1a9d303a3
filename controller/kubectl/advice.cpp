#include "kubectl/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kubectl/status_text.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

constexpr std::string_view guide = "docs/deployment/troubleshooting.md";

constexpr Deed look_at_pods{"Look at its pods:", "kubectl get pods -l app.kubernetes.io/instance={app} -n {ns}"};
constexpr Deed watch{"Watch it:", "kubectl todoapp status {app} -n {ns} --watch"};
constexpr Deed correct{"Correct the spec: a change is tried at once.", ""};
constexpr Deed retry{"Or, where something else is mended by now, try the same again:",
                     "kubectl todoapp retry {app} -n {ns}"};
constexpr Deed history{"See which revisions there are:", "kubectl todoapp history {app} -n {ns}"};
constexpr Deed undo{"Or follow the spec again:", "kubectl todoapp rollback {app} -n {ns} --undo"};

Advice advice_for_failure(todoapp::Reason reason) {
  using todoapp::Reason;
  if (reason == Reason::install_failed) {
    return {
        "The very first rollout failed, so there is nothing to go back to. Its pods stay as they are and are watched.",
        {correct, retry, look_at_pods}};
  }
  if (reason == Reason::rolled_back) {
    return {
        "An upgrade failed, and the last good content was rolled out again. What failed is not tried again by itself.",
        {correct, retry, history}};
  }
  if (reason == Reason::rollout_failed) {
    return {"An upgrade failed and stays where it is: spec.upgrade.onFailure is Hold, or its migration failed.",
            {correct, retry, {"Or go back:", "kubectl todoapp rollback {app} -n {ns}"}}};
  }
  return {"The way back failed as well, so something outside the revision is likely gone. There is no second way back.",
          {{"Mend what the evidence names.", ""},
           {"Then try again:", "kubectl todoapp retry {app} -n {ns}"},
           look_at_pods}};
}

/// Of a rollback that was asked for; trying the same again helps least.
Advice advice_for_asked_rollback() {
  return {"The revision that was asked for failed, and the rollback holds: changes of the spec wait while it is set.",
          {{"Follow the spec again:", undo.command},
           {"Or go to another revision:", "kubectl todoapp rollback {app} -n {ns} --to-revision N"},
           retry,
           look_at_pods}};
}

Advice advice_of(const AppView& app) {
  const auto reason = reason_of(app);
  if (!reason || unseen(app)) return advice_without_reason();
  if (*reason == todoapp::Reason::rollback_failed && app.pinned > 0) return advice_for_asked_rollback();
  return advice_for(*reason);
}

std::string filled(std::string_view text, const AppView& app) {
  std::string result(text);
  const auto put = [&](std::string_view place, const std::string& value) {
    for (auto at = result.find(place); at != std::string::npos; at = result.find(place, at + value.size())) {
      result.replace(at, place.size(), value);
    }
  };
  put("{app}", app.name);
  put("{ns}", app.namespace_);
  return result;
}

/// What the status says. Since when it is ready, or not, is of that alone: the reason may have become another one.
std::string said_of(const AppView& app, const Style& style) {
  auto text = fmt::format("{} in namespace {}", painted(style, Ink::bold, app.name), app.namespace_);
  if (app.observed_generation > 0 && unseen(app)) {
    return text + fmt::format(": {}\n  Before that: {}: {}\n", painted(style, Ink::bad, unseen_words),
                              plain(app.ready.reason), plain(app.ready.message));
  }
  const bool well = state_of(app) == State::ready;
  const auto reason =
      painted(style, well ? Ink::good : Ink::bad, app.ready.reason.empty() ? "Unknown" : plain(app.ready.reason));
  text += well ? " is ready" : " is not ready";
  text += app.ready.since.empty() ? ": " + reason : fmt::format(" since {}; now: {}", plain(app.ready.since), reason);
  text += "\n";
  if (!app.ready.message.empty()) text += fmt::format("  {}\n", plain(app.ready.message));
  if (!app.step.empty() && app.step != app.ready.reason) text += fmt::format("  It waits for: {}\n", plain(app.step));
  return text;
}

void add_evidence(std::string& text, const AppView& app, const Style& style) {
  if (!app.failure) return;
  const auto& failure = *app.failure;
  if (!failure_matters(app)) {
    text += fmt::format("\nEarlier, and not what is told above: revision {} failed: {}\n", failure.revision,
                        plain(failure.reason));
    return;
  }
  text += "\n" + painted(style, Ink::bold, fmt::format("Evidence of revision {}", failure.revision)) + "\n";
  const auto line = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<10} {}\n", key, plain(value));
  };
  line("reason", failure.reason);
  line("tier", failure.tier);
  line("pod", failure.pod);
  line("container", failure.container);
  line("exit code", failure.exit_code ? std::to_string(*failure.exit_code) : "");
  line("restarts", failure.restarts > 0 ? std::to_string(failure.restarts) : "");
  line("at", failure.at);
  for (const auto& said : plain_lines(failure.message)) text += fmt::format("  | {}\n", said);
}

}  // namespace

Advice advice_for(todoapp::Reason reason) {
  using todoapp::Reason;
  switch (reason) {
    case Reason::succeeded:
      return {"All is as the spec asks.", {}};
    case Reason::rolled_back_on_request:
      return {"An older content serves, as asked. What else you change in the spec waits.", {undo}};
    case Reason::progressing:
      return {
          "A rollout is under way. It fails within seconds where a pod cannot run, and after 60 s where an image or "
          "config is not found. What only time or an administrator can mend is waited for, up to "
          "spec.upgrade.timeoutSeconds.",
          {watch, look_at_pods}};
    case Reason::install_failed:
    case Reason::rolled_back:
    case Reason::rollout_failed:
    case Reason::rollback_failed:
      return advice_for_failure(reason);
    case Reason::degraded:
      return {
          "It is installed, and pods that served do not serve now, or new ones do not come up. It ends by itself when "
          "they do.",
          {look_at_pods}};
    case Reason::awaiting_approval:
      return {"spec.upgrade.approval is Manual, and an upgrade waits for you.",
              {{"See what it would change, value by value:", "kubectl todoapp status {app} -n {ns} -o wide"},
               {"Approve it:", "kubectl todoapp approve {app} -n {ns}"}}};
    case Reason::suspended:
      return {"It is paused (spec.suspend): nothing is written, and drift is not repaired.",
              {{"Let it go on:", "kubectl todoapp resume {app} -n {ns}"}}};
    case Reason::invalid_spec:
      return {"The spec asks for what cannot be. What runs, stays.",
              {{"Correct the field that the message names.", ""}}};
    case Reason::foreign_object:
      return {"An object with the name of one of its children does not belong to it, and is left alone.",
              {{"Delete or rename the object that the message names, or give the app another name.", ""}}};
    case Reason::rejected:
      return {"The API server, or an admission webhook, does not accept an object; the message has its own words.",
              {{"Change the spec, or end what is in the way: it is tried again by itself.", ""}}};
    case Reason::secret_not_found:
      return {"A Secret that the spec names, or a key in it, is not there.",
              {{"Create it, as the message says: it is noticed at once.", ""}}};
    case Reason::schema_barrier:
      return {"The database is too new for that code, or a sealed Secret is gone: nothing is moved to it.",
              {{"Go forward with an image for the present schema.", ""}, history, undo}};
    case Reason::revision_not_found:
      return {"spec.rollback.toRevision names no revision that is kept. Nothing was moved.", {history, undo}};
    case Reason::forbidden:
      return {"The operator lacks a right.",
              {{"Apply its role again:",
                "kubectl apply --server-side --force-conflicts -f manifests/overlays/cluster-wide/role.yaml"}}};
    case Reason::quota_exceeded:
      return {"A ResourceQuota of the namespace is used up. It waits, and goes on by itself.",
              {{"Raise it, or ask for less:", "kubectl describe quota -n {ns}"}}};
    case Reason::environment_failing:
      return {"Pods of the old content fail in the same way as the new ones, so it is not the upgrade.",
              {{"Mend what both need; it goes on by itself.", ""}, look_at_pods}};
  }
  return advice_without_reason();
}

Advice advice_without_reason() {
  return {"No operator has said how it is: none runs, none leads, or it watches other namespaces.",
          {{"See whether one leads, and since when:",
            "kubectl get leases -A --field-selector metadata.name=todoapp-operator"}}};
}

std::string link_for(const AppView& app) {
  const auto reason = unseen(app) ? std::nullopt : reason_of(app);
  auto anchor = std::string(reason ? todoapp::to_string(*reason) : "no-reason-at-all");
  std::transform(anchor.begin(), anchor.end(), anchor.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return fmt::format("{}#{}", guide, anchor);
}

std::string explanation(const AppView& app, const Style& style, const PodsView* pods) {
  const auto advice = advice_of(app);
  const auto state = state_of(app);
  const bool well = state == State::ready;
  auto text = said_of(app, style);
  text += "\n" + painted(style, Ink::bold, "What it means") + fmt::format("\n  {}\n", advice.meaning);
  if (pods != nullptr && state == State::under_way) {
    const auto waiting = unready_pods(*pods, style);
    if (!waiting.empty()) text += "\n" + painted(style, Ink::bold, "Pods that are not ready") + "\n";
    for (const auto& pod : waiting) text += "  " + pod + "\n";
  }
  if (!well) add_evidence(text, app, style);
  if (!advice.deeds.empty()) text += "\n" + painted(style, Ink::bold, "What to do") + "\n";
  for (const auto& deed : advice.deeds) {
    if (deed.command == undo.command && app.pinned == 0) continue;  // It would be refused.
    text += fmt::format("  {}\n", deed.words);
    if (!deed.command.empty()) text += fmt::format("    {}\n", filled(deed.command, app));
  }
  return text + fmt::format("\nMore: {}\n", link_for(app));
}

}  // namespace kubectl
