#include "operator/settings.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>

#include "operator/settings.table.hpp"

namespace shell {
namespace {

using namespace std::chrono_literals;
using Arguments = std::vector<std::string>;

constexpr const char* header = "apiVersion: config.todoapp.dev/v1alpha1\nkind: OperatorConfiguration\n";

Settings settings_of(const Arguments& arguments) {
  const auto read = read_invocation(arguments);
  if (!read) {
    ADD_FAILURE() << to_string(read.error());
    return {};
  }
  return std::get<Settings>(*read);
}

std::string error_of(const Arguments& arguments) {
  const auto read = read_invocation(arguments);
  if (read) return "no error";
  EXPECT_EQ(read.error().code, base::ErrorCode::invalid);
  return to_string(read.error());
}

std::string text_of(const Arguments& arguments) {
  const auto read = read_invocation(arguments);
  return read && std::holds_alternative<ShowText>(*read) ? std::get<ShowText>(*read).text : "no text";
}

/// A file that goes away with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(testing::TempDir() + "settings_test." + std::to_string(getpid()) + ".yaml") {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A value for each row that is not its default, and that agrees with the other defaults.
std::string other_value(const SettingRow& row) {
  static const std::map<std::string_view, std::string> values{
      {"--leader-elect", "true"},
      {"--leader-election-namespace", "todoapp-system"},
      {"--leader-election-id", "other.todoapp.dev"},
      {"--leader-election-lease-duration", "1m30s"},
      {"--leader-election-renew-deadline", "12s500ms"},
      {"--leader-election-retry-period", "1s"},
      {"--metrics-bind-address", "[::1]:9090"},
      {"--metrics-tls-cert-file", "/tls/tls.crt"},
      {"--metrics-tls-key-file", "/tls/tls.key"},
      {"--metrics-require-authorization", "true"},
      {"--health-probe-bind-address", "0"},
      {"--kubeconfig", "/home/me/.kube/config"},
      {"--context", "kind"},
      {"--api-client", "cpprestsdk"},
      {"--watch-namespace", "shop"},
      {"--max-concurrent-reconciles", "32"},
      {"--once", "true"},
      {"--log-level", "debug"},
      {"--log-format", "json"},
  };
  const auto value = values.find(row.flag);
  if (value == values.end()) ADD_FAILURE() << "give " << row.flag << " a value in this test";
  return value == values.end() ? "" : value->second;
}

/// What the flag's name is as a key: camelCase, and a plural for a list.
std::string key_of(const SettingRow& row) {
  std::string key;
  bool upper = false;
  for (const char letter : std::string_view(row.flag).substr(2)) {
    if (letter != '-') key += static_cast<char>(upper ? std::toupper(letter) : letter);
    upper = letter == '-';
  }
  return key + (row.is_list() ? "s" : "");
}

TEST(SettingRows, EachSaysTheSameAsFlagAndAsKey) {
  for (const auto& row : setting_rows()) {
    SCOPED_TRACE(row.flag);
    const auto value = other_value(row);
    Settings expected;
    ASSERT_EQ(assign(row, expected, {value}), std::nullopt);
    EXPECT_NE(expected, Settings{}) << "the value is the default";
    EXPECT_EQ(show(row, expected), value);
    if (*row.key == '\0') continue;
    EXPECT_EQ(row.key, key_of(row));
    const auto in_file = row.is_list() ? "[" + value + "]" : "\"" + value + "\"";
    const auto read = read_config(std::string(header) + row.key + ": " + in_file + "\n", "f", {});
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(*read, expected);
  }
}

TEST(SettingRows, AllTogetherGiveTheSameByFlagsAsByFile) {
  Arguments arguments;
  std::string file = header;
  for (const auto& row : setting_rows()) {
    if (*row.key == '\0') continue;
    const auto value = other_value(row);
    arguments.push_back(std::string(row.flag) + "=" + value);
    file += std::string(row.key) + ": " + (row.is_list() ? "[" + value + "]" : "\"" + value + "\"") + "\n";
  }
  const TemporaryFile config(file);
  EXPECT_EQ(settings_of(arguments), settings_of({"--config", config.path()}));
}

TEST(SettingRows, HelpNamesEachFlagWithItsDefault) {
  const auto help = text_of({"--help"});
  for (const auto& row : setting_rows()) {
    EXPECT_NE(help.find(row.flag), std::string::npos) << row.flag;
    EXPECT_NE(help.find(row.help), std::string::npos) << row.flag;
    const auto fallback = show(row, {});
    if (!fallback.empty()) {
      EXPECT_NE(help.find(row.help + (" (default " + fallback + ")")), std::string::npos) << row.flag;
    }
  }
  EXPECT_NE(help.find("--config FILE"), std::string::npos);
}

TEST(ReadInvocation, VersionIsOneLine) {
  const auto text = text_of({"--version"});
  EXPECT_TRUE(text.starts_with("todoapp-operator " + version())) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST(ReadInvocation, NothingGivenMeansTheDefaults) { EXPECT_EQ(settings_of({}), Settings{}); }

TEST(ReadInvocation, TakesAValueAfterABlankOrAnEqualsSign) {
  EXPECT_EQ(settings_of({"--log-level", "debug"}), settings_of({"--log-level=debug"}));
  EXPECT_EQ(settings_of({"--metrics-bind-address", ":0"}).metrics_bind_address, (BindAddress{true, "", 0}));
  EXPECT_FALSE(settings_of({"--leader-elect=false"}).leader_elect);
  EXPECT_TRUE(settings_of({"--leader-elect"}).leader_elect);
}

TEST(ReadInvocation, AnEmptyValueDoesNotSwallowTheNextFlag) {
  const auto settings = settings_of({"--context=", "--once", "--leader-election-namespace="});
  EXPECT_EQ(settings.context, "");
  EXPECT_TRUE(settings.once);
}

TEST(ReadInvocation, TheLastOfAFlagCountsAndListsCollect) {
  EXPECT_EQ(settings_of({"--log-level=debug", "--log-level=warn"}).log_level, LogLevel::warn);
  EXPECT_FALSE(settings_of({"--leader-elect", "--leader-elect=false"}).leader_elect);
  EXPECT_EQ(settings_of({"--watch-namespace=a", "--watch-namespace", "b"}).watch_namespaces, (Arguments{"a", "b"}));
}

TEST(ReadInvocation, AFlagWinsOverTheFile) {
  const TemporaryFile config(std::string(header) + "logLevel: debug\nlogFormat: json\nwatchNamespaces: [a, b]\n");
  const auto settings = settings_of({"--log-level=warn", "--config=" + config.path(), "--watch-namespace=c"});
  EXPECT_EQ(settings.log_level, LogLevel::warn);
  EXPECT_EQ(settings.log_format, LogFormat::json);
  EXPECT_EQ(settings.watch_namespaces, Arguments{"c"});
}

struct Wrong {
  Arguments arguments;
  std::string error;  ///< begins so
};

TEST(ReadInvocation, SaysWhatIsWrongAndWhatToDo) {
  const Wrong table[] = {
      {{"--leader-elcet"}, "read the flags: unknown flag --leader-elcet; did you mean --leader-elect?"},
      {{"--log-levle=debug"}, "read the flags: unknown flag --log-levle; did you mean --log-level?"},
      {{"--zzzzzzzzzzzzzzzzzz"}, "read the flags: unknown flag --zzzzzzzzzzzzzzzzzz; known are --config, --help"},
      {{"run"}, "read the flags: unexpected argument \"run\""},
      {{"--leader-elect", "false"}, "read the flags: unexpected argument \"false\"; a flag's value is written"},
      {{"--leader-elect=maybe"}, "read the flags: --leader-elect: \"maybe\" is neither true nor false"},
      {{"--log-level"}, "read the flags: --log-level lacks its value; write --log-level=VALUE"},
      {{"--log-level", "--once"}, "read the flags: --log-level: \"--once\" is not one of trace"},
      {{"--log-level=loud"}, "read the flags: --log-level: \"loud\" is not one of trace, debug, info, warn, error"},
      {{"--log-format=xml"}, "read the flags: --log-format: \"xml\" is not one of text, json"},
      {{"--api-client=curl"}, "read the flags: --api-client: \"curl\" is not one of asio, cpprestsdk"},
      {{"--max-concurrent-reconciles=-1"}, "read the flags: --max-concurrent-reconciles: \"-1\" is not a number"},
      {{"--max-concurrent-reconciles=9999999999"}, "read the flags: --max-concurrent-reconciles: \"9999999999\" is"},
      {{"--max-concurrent-reconciles=0"}, "check the settings: --max-concurrent-reconciles must be from 1 to 1000"},
      {{"--leader-election-retry-period=2"},
       "read the flags: --leader-election-retry-period: read the duration \"2\": write it as 15s, 1m30s or 250ms"},
      {{"--leader-election-retry-period=0"}, "check the settings: --leader-election-retry-period (0s) must be above 0"},
      {{"--leader-election-retry-period=9s"}, "check the settings: --leader-election-retry-period (9s) must be above"},
      {{"--leader-election-lease-duration=10s"},
       "check the settings: --leader-election-renew-deadline (10s) must be below --leader-election-lease-duration "
       "(10s)"},
      {{"--leader-election-lease-duration=15500ms"},
       "check the settings: --leader-election-lease-duration must be whole"},
      {{"--leader-election-id=Not_A_Name"}, "check the settings: --leader-election-id must be the name"},
      {{"--leader-election-id="}, "check the settings: --leader-election-id must be the name"},
      {{"--leader-election-namespace=a.b"}, "check the settings: --leader-election-namespace must be the name"},
      {{"--metrics-bind-address=8080"},
       "read the flags: --metrics-bind-address: read the address \"8080\": there is no"},
      {{"--metrics-bind-address=:8081"},
       "check the settings: --metrics-bind-address and --health-probe-bind-address are"},
      {{"--metrics-tls-cert-file=/x"}, "check the settings: --metrics-tls-cert-file and --metrics-tls-key-file go"},
      {{"--watch-namespace=a,b"},
       "check the settings: --watch-namespace: \"a,b\" is not the name of a namespace; give"},
      {{"--watch-namespace="}, "check the settings: --watch-namespace: \"\" is not the name of a namespace"},
      {{"--watch-namespace=a", "--watch-namespace=a"}, "check the settings: --watch-namespace: a is there twice"},
      {{"--config=/nowhere.yaml"}, "read the configuration file /nowhere.yaml: No such file or directory"},
      {{"--config=/tmp"}, "read the configuration file /tmp: "},
  };
  for (const auto& [arguments, error] : table) {
    const auto seen = error_of(arguments);
    EXPECT_TRUE(seen.starts_with(error)) << "expected: " << error << "\n    seen: " << seen;
  }
}

TEST(ReadInvocation, NothingOnTheCommandLineCanBeASecret) {
  for (const auto& row : setting_rows()) {
    const std::string_view flag = row.flag;
    for (const auto* word : {"token", "password", "secret"}) EXPECT_EQ(flag.find(word), std::string_view::npos) << flag;
  }
}

struct WrongFile {
  std::string text;   ///< after the header, unless it has one of its own
  std::string error;  ///< what follows "read the configuration file f: "; begins so
};

TEST(ReadConfig, SaysWhichKeyOnWhichLineIsWrong) {
  const WrongFile table[] = {
      {"leaderElct: true\n", "line 3: unknown key \"leaderElct\"; did you mean leaderElect?"},
      {"# a comment\n\nLogLevel: info\n", "line 5: unknown key \"LogLevel\"; did you mean logLevel?"},
      {"somethingElse: 1\n", "line 3: unknown key \"somethingElse\"; known are apiVersion, kind, leaderElect"},
      {"once: true\n", "line 3: unknown key \"once\"; "},
      {"\"\": true\n", "line 3: unknown key \"\"; "},
      {"[a, b]: true\n", "line 3: a key must be a word"},
      {"logLevel: info\nlogLevel: debug\n", "line 4: logLevel is there twice"},
      {"logLevel: loud\n", "line 3: logLevel: \"loud\" is not one of trace, debug, info, warn, error"},
      {"logLevel:\n", "line 3: logLevel has no value; give it one or leave the key out"},
      {"logLevel:\n\n\nlogFormat: json\n", "line 3: logLevel has no value"},
      {"watchNamespaces:\nlogFormat: json\n", "line 3: watchNamespaces must be a list"},
      {"logLevel: ~\n", "line 3: logLevel has no value"},
      {"logLevel: [info]\n", "line 3: logLevel must be a single value"},
      {"leaderElect: yes\n", "line 3: leaderElect: \"yes\" is neither true nor false"},
      {"maxConcurrentReconciles: many\n", "line 3: maxConcurrentReconciles: \"many\" is not a number"},
      {"leaderElectionRetryPeriod: 2\n", "line 3: leaderElectionRetryPeriod: read the duration \"2\": write it as"},
      {"metricsBindAddress: 8080\n", "line 3: metricsBindAddress: read the address \"8080\": there is no port"},
      {"watchNamespaces: shop\n", "line 3: watchNamespaces must be a list"},
      {"watchNamespaces:\n- shop\n- {a: b}\n", "line 5: watchNamespaces must be a single value"},
      {"watchNamespaces: &a [*a]\n", "line 3: watchNamespaces"},
      {"logLevel: \"info\n", "line "},
      {"logLevel: info\n---\nlogLevel: info\n", "it holds more than one YAML document"},
      {"context: \"a\\0b\"\n", "line 3: context: it holds a zero byte"},
      {std::string(70'000, '#'), "it is larger than 64 KiB"},
      {"context: " + std::string(3'000, '['), "line "},
      {"context: " + std::string(3'000, '{'), "line "},
  };
  for (const auto& [text, error] : table) {
    const auto read = read_config(header + text, "f", {});
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, base::ErrorCode::invalid);
    EXPECT_EQ(read.error().act, "read the configuration file f");
    EXPECT_TRUE(read.error().detail.starts_with(error))
        << "expected: " << error << "\n    seen: " << read.error().detail;
  }
}

TEST(ReadConfig, JudgesTheHeaderFirst) {
  const WrongFile table[] = {
      {"", "it must be a mapping of settings"},
      {",apiVersion: config.todoapp.dev/v1alpha1\n", "it holds more than one YAML document"},
      {"- a\n", "line 1: it must be a mapping of settings"},
      {"kind: OperatorConfiguration\n", "line 1: apiVersion is missing; it must be config.todoapp.dev/v1alpha1"},
      {"nonsense: 1\napiVersion: config.todoapp.dev/v2\n", "line 2: apiVersion is \"config.todoapp.dev/v2\"; this"},
      {"apiVersion: config.todoapp.dev/v1alpha1\n", "line 1: kind is missing; it must be OperatorConfiguration"},
      {"apiVersion: config.todoapp.dev/v1alpha1\nkind: ConfigMap\n",
       "line 2: kind is \"ConfigMap\"; this operator reads"},
      {"apiVersion:\nkind: OperatorConfiguration\n", "line 1: apiVersion has no value"},
      {"apiVersion: {a: b}\nkind: OperatorConfiguration\n", "line 1: apiVersion must be a single value"},
  };
  for (const auto& [text, error] : table) {
    const auto read = read_config(text, "f", {});
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().detail.starts_with(error))
        << "expected: " << error << "\n    seen: " << read.error().detail;
  }
}

TEST(ReadConfig, LeavesWhatItDoesNotName) {
  Settings before;
  before.context = "kept";
  const auto read = read_config(std::string(header) + "watchNamespaces: [a, b]\nleaderElect: true\n", "f", before);
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->context, "kept");
  EXPECT_EQ(read->watch_namespaces, (Arguments{"a", "b"}));
  EXPECT_TRUE(read->leader_elect);
}

TEST(ReadConfig, SurvivesEveryTruncationOfAFile) {
  const auto whole = std::string(header) + "watchNamespaces: [\"a\", b]\nleaderElect: true # so\nlogLevel: |\n  info\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto read = read_config(whole.substr(0, length), "f", {});
    EXPECT_TRUE(read || read.error().code == base::ErrorCode::invalid) << length;
  }
}

TEST(ParseDuration, ReadsWhatGoWrites) {
  const std::pair<const char*, std::chrono::milliseconds> table[] = {
      {"15s", 15s}, {"1m30s", 90s}, {"250ms", 250ms}, {"1h", 1h},          {"1h0m0s", 1h},
      {"0", 0ms},   {"0s", 0ms},    {"1.5s", 1500ms}, {"1m0.5s", 60500ms}, {"999h", 999h},
  };
  for (const auto& [text, expected] : table) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, expected) << text;
  }
  for (const auto* text :
       {"", "15", "s", "-1s", "1 s", "1S", "1d", "1us", "1..5s", ".", "1s1", "1001h", "1e3s", "nans"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(ParseDuration, ReadsWhatFormatDurationWrites) {
  for (const auto duration : {0ms, 1ms, 999ms, 1000ms, 61'001ms, 3'600'000ms, 5'025'678ms}) {
    const auto read = parse_duration(format_duration(duration));
    ASSERT_TRUE(read) << format_duration(duration);
    EXPECT_EQ(*read, duration);
  }
  EXPECT_EQ(format_duration(90s), "1m30s");
}

}  // namespace
}  // namespace shell
