#include "kubectl/diff_command.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kubectl/manifest.hpp"
#include "kubectl/preview.hpp"
#include "todoapp/names.hpp"

namespace kubectl {
namespace {

using Json = nlohmann::json;

constexpr const char* apply_note = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::string_view manager_of_apply = "kubectl-client-side-apply";

base::Result<std::string> read_file(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream stream(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream || stream.bad()) return base::fail(base::ErrorCode::not_found, "read " + file, "it cannot be read");
  return text;
}

class Diff {
 public:
  Diff(const Options& options, Client& client, Terminal& terminal)
      : options_(options), client_(client), terminal_(terminal) {}

  base::Result<int> run() {
    std::vector<Manifest> apps;
    for (const auto& file : options_.files) {
      if (auto read = take(file, apps); !read) return base::Failure(read.error());
    }
    if (apps.empty()) {
      tell_left_out();
      return base::fail(base::ErrorCode::invalid, "compare", "there is no TodoAppDeployment in what -f names");
    }
    tell_left_out();
    bool differs = false;
    for (const auto& app : apps) {
      const auto preview = compare(app);
      if (!preview) return base::Failure(preview.error());
      terminal_.print(preview->text);
      differs = differs || preview->differs;
    }
    return differs ? exit_differs : exit_same;
  }

 private:
  base::Result<void> take(const std::string& file, std::vector<Manifest>& apps) {
    const auto text = read_file(file);
    if (!text) return base::Failure(text.error());
    auto manifests = read_manifests(*text, file);
    if (!manifests) return base::Failure(manifests.error());
    for (auto& manifest : *manifests) {
      const auto& kind = todoapp::app_resource();
      if (manifest.kind == kind.kind && manifest.api_version == kind.api_version()) {
        apps.push_back(std::move(manifest));
        continue;
      }
      if (manifest.api_version == "v1" && manifest.kind == "Secret") coming_.insert(manifest.name);
      auto words = manifest.kind.empty() ? "an object without a kind" : manifest.kind + " " + manifest.name;
      if (manifest.kind == kind.kind)
        words += fmt::format(" (of {}, not {})", manifest.api_version, kind.api_version());
      left_out_ += (left_out_.empty() ? "" : ", ") + plain(words);
    }
    return {};
  }

  void tell_left_out() {
    if (left_out_.empty()) return;
    terminal_.complain(fmt::format("kubectl-todoapp: left out (no {}): {}; see kubectl diff\n",
                                   todoapp::app_resource().kind, left_out_));
  }

  /// Where the app of the file lies. Error: invalid.
  [[nodiscard]] base::Result<kube::ObjectKey> key_of(const Manifest& app) const {
    const auto refuse = [&](std::string why) {
      return base::fail(base::ErrorCode::invalid, "compare app " + app.name, std::move(why));
    };
    if (app.name.empty()) return refuse("its metadata.name is missing");
    if (!options_.namespace_.empty() && !app.namespace_.empty() && app.namespace_ != options_.namespace_) {
      return refuse(fmt::format("the file says namespace {}, and -n says {}", app.namespace_, options_.namespace_));
    }
    if (!app.namespace_.empty()) return kube::ObjectKey{app.namespace_, app.name};
    return kube::ObjectKey{options_.namespace_.empty() ? client_.default_namespace() : options_.namespace_, app.name};
  }

  base::Result<Preview> compare(const Manifest& app) {
    const auto key = key_of(app);
    if (!key) return base::Failure(key.error());
    const auto live = client_.find(todoapp::app_resource(), *key);
    if (!live) return base::Failure(live.error());
    auto wanted = Json::parse(app.json);
    wanted["metadata"]["namespace"] = key->namespace_;
    const auto after =
        *live ? try_over(*key, **live, wanted.dump()) : client_.try_apply(*key, wanted.dump(), options_.field_manager);
    if (!after) return base::Failure(after.error());
    return preview_of(client_, *key, live->value_or(""), *after, coming_, terminal_.style());
  }

  /// As the app was applied before: what `kubectl apply` noted on it tells what it would take away again.
  base::Result<std::string> try_over(const kube::ObjectKey& key, const std::string& live, const std::string& wanted) {
    const auto notes = Json::parse(live)["metadata"].value("annotations", Json::object());
    const auto before = notes.value(apply_note, "");
    if (before.empty()) return client_.try_apply(key, wanted, options_.field_manager);
    auto tried = client_.try_patch(key, apply_patch(before, wanted, live), manager_of_apply);
    if (tried || tried.error().code != base::ErrorCode::invalid) return tried;
    // Of an unknown field in a patch the server says it behind the whole object; of one in an apply it says that alone.
    auto said = client_.try_apply(key, wanted, options_.field_manager);
    return !said && said.error().detail.ends_with(unknown_field) ? std::move(said) : std::move(tried);
  }

  const Options& options_;
  Client& client_;
  Terminal& terminal_;
  std::string left_out_;
  std::set<std::string> coming_;  ///< Secrets that the files bring along
};

}  // namespace

int run_diff(const Options& options, Client& client, Terminal& terminal) {
  const auto code = Diff(options, client, terminal).run();
  if (code) return *code;
  terminal.complain(fmt::format("kubectl-todoapp: {}\n", plain(base::to_string(code.error()))));
  return exit_trouble;
}

}  // namespace kubectl
