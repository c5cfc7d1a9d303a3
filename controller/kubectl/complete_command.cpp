#include "kubectl/complete_command.hpp"

#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "kube/kubeconfig.hpp"
#include "kubectl/client.hpp"
#include "kubectl/manifest.hpp"

namespace kubectl {
namespace {

using Words = std::vector<std::string>;

class Knowledge {
 public:
  explicit Knowledge(const Words& words)
      : kubeconfig_(typed(words, {"--kubeconfig"})),
        context_(typed(words, {"--context"})),
        namespace_(typed(words, {"-n", "--namespace"})) {}

  Words apps() { return names_in(list(false), "name"); }
  Words namespaces() { return names_in(list(true), "namespace"); }

  Words revisions(const std::string& name) {
    if (client() == nullptr) return {};
    auto app = name;
    if (app.empty()) {
      const auto all = apps();
      if (all.size() != 1) return {};
      app = all.front();
    }
    const auto text = client_->get_app({where(), app});
    const auto view = text ? read_view(*text) : base::Result<AppView>(base::Failure(text.error()));
    if (!view) return {};
    Words numbers;
    for (const auto& revision : view->revisions) numbers.push_back(std::to_string(revision.number));
    return numbers;
  }

  [[nodiscard]] Words contexts() const {
    std::set<std::string> names;
    for (const auto& file : kube::kubeconfig_files(kubeconfig_)) {
      std::ifstream stream(file, std::ios::binary);
      const auto read = read_manifests(std::string(std::istreambuf_iterator<char>(stream), {}), "kubeconfig");
      for (const auto& config : read ? *read : std::vector<Manifest>{}) {
        for (const auto& context : nlohmann::json::parse(config.json).value("contexts", nlohmann::json::array())) {
          names.insert(context.value("name", ""));
        }
      }
    }
    return {names.begin(), names.end()};
  }

 private:
  Client* client() {
    if (client_ != nullptr) return client_.get();
    auto access = kube::find_access(kubeconfig_, context_);
    if (access) client_ = std::make_unique<Client>(*std::move(access));
    return client_.get();
  }

  [[nodiscard]] std::string where() const { return namespace_.empty() ? client_->default_namespace() : namespace_; }

  std::string list(bool everywhere) {
    if (client() == nullptr) return {};
    const auto text = client_->list_apps(everywhere ? std::string() : where());
    return text ? *text : std::string();
  }

  static Words names_in(const std::string& list, const char* key) {
    const auto json = nlohmann::json::parse(list, nullptr, false);
    std::set<std::string> names;
    if (!json.is_object()) return {};
    for (const auto& item : json.value("items", nlohmann::json::array())) names.insert(item["metadata"].value(key, ""));
    return {names.begin(), names.end()};
  }

  std::string kubeconfig_;
  std::string context_;
  std::string namespace_;
  std::unique_ptr<Client> client_;
};

}  // namespace

std::string complete(const CompleteWords& asked) {
  Knowledge knowledge(asked.words);
  return completions(asked.words, asked.commands,
                     {.apps = [&] { return knowledge.apps(); },
                      .revisions = [&](const std::string& app) { return knowledge.revisions(app); },
                      .namespaces = [&] { return knowledge.namespaces(); },
                      .contexts = [&] { return knowledge.contexts(); }});
}

}  // namespace kubectl
