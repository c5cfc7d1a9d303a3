#include "kube/kubeconfig.hpp"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/hash.hpp"

namespace kube {
namespace {

using base::ErrorCode;

/// A named entry and the file it stands in.
struct Entry {
  YAML::Node node;
  std::string file;
};

struct Document {
  YAML::Node root;
  std::string file;
};

/// Where we are in the files, for errors.
struct Place {
  std::string context;
  std::string what;  ///< "cluster \"kind\" in /home/me/.kube/config"
};

base::Failure refuse(const Place& place, std::string detail) {
  return base::fail(ErrorCode::invalid, "read " + place.what + " for context \"" + place.context + "\"",
                    std::move(detail));
}

std::string text_at(const YAML::Node& map, const char* key) {
  if (!map.IsMap()) return {};
  const YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool flag_at(const YAML::Node& map, const char* key) { return text_at(map, key) == "true"; }

std::string resolved(const std::string& path, const std::string& file) {
  if (path.empty() || std::filesystem::path(path).is_absolute()) return path;
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

base::Result<std::vector<Document>> load(const std::vector<std::string>& files) {
  std::vector<Document> documents;
  std::string names;
  for (const std::string& file : files) {
    names += (names.empty() ? "" : ", ") + file;
    base::Result<std::string> text = read_text_file(file);
    if (!text && text.error().code == ErrorCode::not_found) continue;
    if (!text) return base::Failure(std::move(text.error()));
    try {
      YAML::Node root = YAML::Load(*text);
      if (root.IsNull()) continue;
      if (!root.IsMap()) return base::fail(ErrorCode::invalid, "read " + file, "it is no kubeconfig file");
      documents.push_back({root, file});
    } catch (const YAML::Exception& error) {
      // The position, not the text around it, which may be a token.
      return base::fail(ErrorCode::invalid, "read " + file,
                        "line " + std::to_string(error.mark.line + 1) + " is no valid YAML");
    }
  }
  if (!documents.empty()) return documents;
  return base::fail(ErrorCode::not_found, "read the kubeconfig",
                    (names.empty() ? std::string("no file is named") : names + " is not there, or is empty") +
                        "; name one with --kubeconfig or the variable KUBECONFIG");
}

std::optional<Entry> find_named(const std::vector<Document>& documents, const char* list, const char* key,
                                const std::string& name) {
  for (const Document& document : documents) {
    const YAML::Node entries = document.root[list];
    if (!entries || !entries.IsSequence()) continue;
    for (const YAML::Node& entry : entries) {
      if (text_at(entry, "name") != name) continue;
      const YAML::Node node = entry[key];
      return Entry{node && node.IsMap() ? node : YAML::Node(YAML::NodeType::Map), document.file};
    }
  }
  return std::nullopt;
}

std::string current_context(const std::vector<Document>& documents) {
  for (const Document& document : documents) {
    if (std::string name = text_at(document.root, "current-context"); !name.empty()) return name;
  }
  return {};
}

/// "X-data" in base64, which wins, or "X", a path.
base::Result<Material> material_at(const Entry& entry, const std::string& key, const Place& place) {
  Material material;
  if (const std::string encoded = text_at(entry.node, (key + "-data").c_str()); !encoded.empty()) {
    base::Result<std::string> data = base::base64_decode(encoded);
    if (!data) return refuse(place, key + "-data is no base64");
    material.data = std::move(*data);
    return material;
  }
  material.path = resolved(text_at(entry.node, key.c_str()), entry.file);
  return material;
}

base::Result<void> use_cluster(const Entry& entry, const Place& place, ClusterAccess& access) {
  if (flag_at(entry.node, "insecure-skip-tls-verify")) {
    return refuse(place,
                  "insecure-skip-tls-verify is not supported: anybody on the way could read the token; give "
                  "certificate-authority-data, or tls-server-name where only the name is wrong");
  }
  if (!text_at(entry.node, "proxy-url").empty()) {
    return refuse(place, "proxy-url is not supported; use an address that can be reached directly");
  }
  const std::string url = text_at(entry.node, "server");
  if (url.empty()) return refuse(place, "it names no server");
  base::Result<ServerAddress> server = parse_server_url(url);
  if (!server) return refuse(place, server.error().act + ": " + server.error().detail);
  access.server = std::move(*server);
  access.server.tls_name = text_at(entry.node, "tls-server-name");

  base::Result<Material> authority = material_at(entry, "certificate-authority", place);
  if (!authority) return base::Failure(std::move(authority.error()));
  if (access.server.tls && !authority->is_set()) {
    return refuse(place,
                  "it names no certificate authority, and the system's are not trusted by default; set "
                  "certificate-authority-data, or certificate-authority to a file such as "
                  "/etc/ssl/certs/ca-certificates.crt");
  }
  access.authority = std::move(*authority);
  return {};
}

/// What a plugin may know of the cluster, for spec.cluster.
std::string cluster_info(const Entry& cluster, const ClusterAccess& access) {
  nlohmann::json info{{"server", text_at(cluster.node, "server")}};
  std::string authority = access.authority.data;
  if (authority.empty()) authority = read_text_file(access.authority.path).value_or(std::string());
  if (!authority.empty()) info["certificate-authority-data"] = base::base64_encode(authority);
  if (!access.server.tls_name.empty()) info["tls-server-name"] = access.server.tls_name;
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

base::Result<void> use_exec(const Entry& user, const Entry& cluster, const Place& place, ClusterAccess& access) {
  const YAML::Node node = user.node["exec"];
  ExecPlugin plugin;
  plugin.command = text_at(node, "command");
  if (plugin.command.empty()) return refuse(place, "exec names no command");
  // As kubectl: a bare name is looked up in the PATH, a relative path starts at the file.
  if (plugin.command.find('/') != std::string::npos) plugin.command = resolved(plugin.command, user.file);
  plugin.api_version = text_at(node, "apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return refuse(place,
                  "exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1; update the plugin, then "
                  "let it write the kubeconfig anew");
  }
  plugin.needs_terminal = text_at(node, "interactiveMode") == "Always";
  plugin.install_hint = text_at(node, "installHint");
  if (const YAML::Node arguments = node["args"]; arguments && arguments.IsSequence()) {
    for (const YAML::Node& one : arguments) plugin.arguments.push_back(one.IsScalar() ? one.Scalar() : std::string());
  }
  if (const YAML::Node environment = node["env"]; environment && environment.IsSequence()) {
    for (const YAML::Node& one : environment)
      plugin.environment.emplace_back(text_at(one, "name"), text_at(one, "value"));
  }
  if (flag_at(node, "provideClusterInfo")) plugin.cluster_info = cluster_info(cluster, access);
  access.exec = std::move(plugin);
  return {};
}

base::Result<void> use_user(const Entry& user, const Entry& cluster, const Place& place, ClusterAccess& access) {
  if (!text_at(user.node, "username").empty() || !text_at(user.node, "password").empty()) {
    return refuse(place,
                  "username and password are not supported, nor are they by API servers since 1.19; use a token "
                  "or a client certificate");
  }
  if (user.node["auth-provider"]) {
    return refuse(place, "auth-provider is not supported, nor is it by kubectl since 1.26; use an exec plugin");
  }
  if (user.node["as"] || user.node["as-uid"] || user.node["as-groups"]) {
    return refuse(place, "impersonation (as, as-groups) is not supported; use credentials of that user");
  }
  base::Result<Material> certificate = material_at(user, "client-certificate", place);
  if (!certificate) return base::Failure(std::move(certificate.error()));
  base::Result<Material> key = material_at(user, "client-key", place);
  if (!key) return base::Failure(std::move(key.error()));
  if (certificate->is_set() != key->is_set()) {
    return refuse(place, "client-certificate and client-key go together; one of them is missing");
  }
  access.certificate = std::move(*certificate);
  access.key = std::move(*key);

  // A file wins over a token in place, and both over a plugin, as in kubectl.
  access.token.path = resolved(text_at(user.node, "tokenFile"), user.file);
  if (access.token.path.empty()) access.token.data = text_at(user.node, "token");
  const YAML::Node exec = user.node["exec"];
  if (access.token.is_set() || !exec || !exec.IsMap()) return {};
  return use_exec(user, cluster, place, access);
}

base::Result<ClusterAccess> read_context(const std::vector<Document>& documents, const std::string& name) {
  const std::optional<Entry> context = find_named(documents, "contexts", "context", name);
  if (!context) {
    return base::fail(ErrorCode::not_found, "find context \"" + name + "\"",
                      "no kubeconfig file has it; `kubectl config get-contexts` lists those there are");
  }
  const auto missing = [&](const char* what, const std::string& one) {
    return base::fail(ErrorCode::invalid, "read context \"" + name + "\" in " + context->file,
                      std::string("its ") + what + " \"" + one + "\" is not in the kubeconfig");
  };
  const std::string cluster_name = text_at(context->node, "cluster");
  const std::optional<Entry> cluster = find_named(documents, "clusters", "cluster", cluster_name);
  if (!cluster) return missing("cluster", cluster_name);

  ClusterAccess access;
  const Place cluster_place{name, "cluster \"" + cluster_name + "\" in " + cluster->file};
  if (base::Result<void> result = use_cluster(*cluster, cluster_place, access); !result) {
    return base::Failure(std::move(result.error()));
  }
  const std::string user_name = text_at(context->node, "user");
  if (!user_name.empty()) {
    const std::optional<Entry> user = find_named(documents, "users", "user", user_name);
    if (!user) return missing("user", user_name);
    const Place user_place{name, "user \"" + user_name + "\" in " + user->file};
    if (base::Result<void> result = use_user(*user, *cluster, user_place, access); !result) {
      return base::Failure(std::move(result.error()));
    }
  }
  if (std::string text = text_at(context->node, "namespace"); !text.empty()) access.namespace_ = std::move(text);
  return access;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::vector<std::string> kubeconfig_files(std::string_view explicit_path) {
  if (!explicit_path.empty()) return {std::string(explicit_path)};
  std::vector<std::string> files;
  std::string list = environment("KUBECONFIG");
  while (!list.empty()) {
    const std::size_t colon = list.find(':');
    if (colon != 0) files.push_back(list.substr(0, colon));
    list.erase(0, colon == std::string::npos ? colon : colon + 1);
  }
  if (files.empty()) files.push_back(environment("HOME") + "/.kube/config");
  return files;
}

base::Result<ClusterAccess> read_kubeconfig(const std::vector<std::string>& files, std::string_view context) {
  const base::Result<std::vector<Document>> documents = load(files);
  if (!documents) return base::Failure(documents.error());
  try {
    const std::string name = context.empty() ? current_context(*documents) : std::string(context);
    if (name.empty()) {
      return base::fail(ErrorCode::not_found, "find the current context",
                        "no kubeconfig file has a current-context; name a context with --context");
    }
    return read_context(*documents, name);
  } catch (const YAML::Exception& error) {
    return base::fail(ErrorCode::invalid, "read the kubeconfig",
                      (error.mark.is_null() ? std::string("it") : "line " + std::to_string(error.mark.line + 1)) +
                          " holds something of another kind than expected");
  }
}

base::Result<ClusterAccess> find_access(std::string_view explicit_path, std::string_view context) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  if (explicit_path.empty() && context.empty() && environment("KUBECONFIG").empty() && !host.empty()) {
    return in_cluster_access(host, environment("KUBERNETES_SERVICE_PORT"));
  }
  return read_kubeconfig(kubeconfig_files(explicit_path), context);
}

}  // namespace kube
