#include "kube/exec_plugin.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace kube {
namespace {

using base::ErrorCode;
using Clock = std::chrono::steady_clock;

constexpr std::size_t max_output = 1U << 20U;
/// How often we ask whether a plugin that closed its output is gone: most are by the first time.
constexpr std::chrono::milliseconds poll_period{5};

std::string act_of(const ExecPlugin& plugin) { return "run the credential plugin \"" + plugin.command + "\""; }

base::Failure failed(const ExecPlugin& plugin, std::string detail) {
  if (!plugin.install_hint.empty()) detail += "; " + plugin.install_hint;
  return base::fail(ErrorCode::retry, act_of(plugin), std::move(detail));
}

std::string text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Our environment with the plugin's on top, and what it is to know of us.
std::vector<std::string> make_environment(const ExecPlugin& plugin) {
  nlohmann::json spec{{"interactive", false}};
  if (!plugin.cluster_info.empty()) spec["cluster"] = nlohmann::json::parse(plugin.cluster_info, nullptr, false);
  const nlohmann::json info{{"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", spec}};

  std::vector<std::pair<std::string, std::string>> ours = plugin.environment;
  ours.emplace_back("KUBERNETES_EXEC_INFO", info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::ranges::any_of(ours, [&](const auto& one) { return one.first == name; });
    if (!replaced) result.emplace_back(text);
  }
  for (const auto& [name, value] : ours) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& one : strings) result.push_back(one.data());
  result.push_back(nullptr);
  return result;
}

/// Starts the command in a process group of its own, with `output` as its stdout. Returns errno's value, 0 for success.
int spawn(const ExecPlugin& plugin, int output, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // Asio opens its sockets without close-on-exec; a plugin has no business with our connections.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);

  std::vector<std::string> arguments{plugin.command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  std::vector<std::string> environment = make_environment(plugin);
  const int error = posix_spawnp(&pid, plugin.command.c_str(), &actions, &attributes, pointers(arguments).data(),
                                 pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// One plugin process. It keeps itself alive while a handler of it is pending.
class Process : public std::enable_shared_from_this<Process> {
 public:
  using Handler = std::function<void(base::Result<ExecCredential>)>;

  Process(boost::asio::io_context& loop, const ExecPlugin& plugin, Handler handler)
      : plugin_(plugin), handler_(std::move(handler)), output_(loop), poll_(loop), deadline_(loop), loop_(loop) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { kill_group(); }

  void start(std::chrono::milliseconds timeout) {
    if (plugin_.needs_terminal) {
      return report(base::fail(ErrorCode::invalid, act_of(plugin_),
                               "it wants a terminal (interactiveMode: Always), which it cannot have here; log in with "
                               "it by hand, or use another user of the kubeconfig"));
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return report(failed(plugin_, std::strerror(errno)));
    const int error = spawn(plugin_, ends[1], pid_);
    ::close(ends[1]);
    if (error != 0) {
      ::close(ends[0]);
      pid_ = -1;
      return report(failed(plugin_, std::string(std::strerror(error)) + "; is it installed and in the PATH?"));
    }
    output_.assign(ends[0]);
    deadline_.expires_after(timeout);
    deadline_.async_wait([self = shared_from_this(), timeout](const boost::system::error_code& cancelled) {
      if (!cancelled)
        self->end(failed(self->plugin_, "it did not end within " + std::to_string(timeout.count()) + " ms"));
    });
    read();
  }

  void abandon() {
    handler_ = nullptr;
    end(base::fail(ErrorCode::stopped, {}, {}));
  }

 private:
  void read() {
    output_.async_read_some(boost::asio::buffer(chunk_),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                              self->on_read(error, size);
                            });
  }

  void on_read(const boost::system::error_code& error, std::size_t size) {
    if (ended_) return;
    if (error) return await_exit();
    text_.append(chunk_.data(), size);
    if (text_.size() > max_output) return end(failed(plugin_, "its output is longer than 1 MiB"));
    read();
  }

  void await_exit() {
    if (ended_) return;
    int status = 0;
    const pid_t done = ::waitpid(pid_, &status, WNOHANG);
    if (done == 0) {
      poll_.expires_after(poll_period);
      return poll_.async_wait([self = shared_from_this()](const boost::system::error_code&) { self->await_exit(); });
    }
    pid_ = -1;
    if (done > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return end(parse_exec_credential(text_, plugin_));
    end(failed(plugin_, done > 0 && WIFEXITED(status)
                            ? "exit code " + std::to_string(WEXITSTATUS(status)) + "; run it by hand to see why"
                            : "it was ended by a signal"));
  }

  void end(base::Result<ExecCredential> result) {
    if (std::exchange(ended_, true)) return;
    boost::system::error_code ignored;
    output_.close(ignored);
    poll_.cancel();
    deadline_.cancel();
    kill_group();
    report(std::move(result));
  }

  void report(base::Result<ExecCredential> result) {
    ended_ = true;
    boost::asio::post(loop_, [self = shared_from_this(), result = std::move(result)]() mutable {
      if (const Handler handler = std::exchange(self->handler_, nullptr)) handler(std::move(result));
    });
  }

  void kill_group() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    // A killed process is gone in microseconds unless the kernel itself hangs on a device; reaped here, no zombie
    // stays.
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  ExecPlugin plugin_;
  Handler handler_;
  boost::asio::posix::stream_descriptor output_;
  boost::asio::steady_timer poll_;
  boost::asio::steady_timer deadline_;
  boost::asio::io_context& loop_;
  std::array<char, 4096> chunk_{};
  std::string text_;
  pid_t pid_{-1};
  bool ended_{false};
};

class Run final : public ExecRun {
 public:
  explicit Run(std::shared_ptr<Process> process) : process_(std::move(process)) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() override { process_->abandon(); }

 private:
  std::shared_ptr<Process> process_;
};

}  // namespace

base::Result<ExecCredential> parse_exec_credential(std::string_view output, const ExecPlugin& plugin) {
  const nlohmann::json root = nlohmann::json::parse(output, nullptr, false);
  if (!root.is_object() || text_at(root, "kind") != "ExecCredential") {
    return failed(plugin, "its output is no ExecCredential object");
  }
  if (text_at(root, "apiVersion") != plugin.api_version) {
    return failed(plugin, "its answer is not of the apiVersion that the kubeconfig names, " + plugin.api_version);
  }
  const auto status = root.find("status");
  if (status == root.end() || !status->is_object()) return failed(plugin, "its answer holds no status");

  ExecCredential credential;
  credential.token = text_at(*status, "token");
  credential.certificate_pem = text_at(*status, "clientCertificateData");
  credential.key_pem = text_at(*status, "clientKeyData");
  if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
    return failed(plugin, "its answer holds a client certificate without its key, or a key without its certificate");
  }
  if (credential.token.empty() && credential.key_pem.empty()) {
    return failed(plugin, "its answer holds neither a token nor a client certificate");
  }
  if (const std::string text = text_at(*status, "expirationTimestamp"); !text.empty()) {
    const base::Result<base::WallTime> time = base::parse_time(text);
    if (!time) return failed(plugin, "its answer's expirationTimestamp is no RFC 3339 time in UTC");
    credential.expires = *time;
  }
  return credential;
}

std::unique_ptr<ExecRun> run_exec_plugin(boost::asio::io_context& loop, const ExecPlugin& plugin,
                                         std::chrono::milliseconds timeout,
                                         std::function<void(base::Result<ExecCredential>)> handler) {
  auto process = std::make_shared<Process>(loop, plugin, std::move(handler));
  process->start(timeout);
  return std::make_unique<Run>(std::move(process));
}

}  // namespace kube
