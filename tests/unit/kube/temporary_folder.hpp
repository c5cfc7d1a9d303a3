// A folder that lives as long as a test, and files in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace kube_test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "kube_test_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

  /// Writes a file whole and puts it into place in one step, as a kubelet does; returns its path.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path target = path(name);
    std::filesystem::create_directories(target.parent_path());
    const std::string draft = target.string() + ".draft";
    std::ofstream(draft) << text;
    std::filesystem::rename(draft, target);
    return target.string();
  }

  std::string write_script(const std::string& name, const std::string& text) const {
    const std::string target = write(name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(target, std::filesystem::perms::owner_all);
    return target;
  }

 private:
  std::string path_;
};

}  // namespace kube_test
