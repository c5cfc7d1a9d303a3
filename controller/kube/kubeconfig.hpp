// Reads kubeconfig files as kubectl does.
//
// Law: where several files speak of the same cluster, user, context or current context, the first one counts; relative
// paths are relative to the file they stand in; unknown keys are ignored. What we will not do is refused with a reason
// and a way out, never ignored: skipping the server's verification, passwords, auth providers, proxies.
// Nothing secret gets into an error. Limits: 4 MiB a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/credentials.hpp"

namespace kube {

/// The files to look at: `explicit_path` alone where given, else those of KUBECONFIG, else ~/.kube/config.
[[nodiscard]] std::vector<std::string> kubeconfig_files(std::string_view explicit_path);

/// What a context says, the current one when `context` is empty. A file that is not there is skipped; that none is
/// there is an error. Errors: not_found (no file, no such context), invalid.
[[nodiscard]] base::Result<ClusterAccess> read_kubeconfig(const std::vector<std::string>& files,
                                                          std::string_view context);

/// The way in that is given: `explicit_path`; else KUBECONFIG; else, without a `context`, the pod's service account;
/// else
/// ~/.kube/config.
[[nodiscard]] base::Result<ClusterAccess> find_access(std::string_view explicit_path, std::string_view context);

}  // namespace kube
