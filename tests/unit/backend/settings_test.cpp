#include "settings.hpp"

#include <gtest/gtest.h>

#include <map>

#include "store_rig.hpp"

namespace todo {
namespace {

using Variables = std::map<std::string, std::string>;
using Arguments = std::vector<std::string>;

Environment environment(const Variables& variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

Settings settings_of(const Variables& variables, bool has_data = true) {
  const auto read = read_settings(environment(variables), has_data);
  EXPECT_TRUE(read) << words_of(read);
  return read.value_or(Settings{});
}

std::string refusal(const Variables& variables) { return words_of(read_settings(environment(variables), true)); }

TEST(Settings, HaveDefaults) {
  const auto settings = settings_of({});
  EXPECT_EQ(settings.host, "");
  EXPECT_EQ(settings.port, 8000);
  EXPECT_EQ(settings.database_path, "/data/todos.db");
  EXPECT_EQ(settings.dialect(), Dialect::sqlite);
  EXPECT_EQ(settings.schema, 2);
  EXPECT_EQ(settings.connections, 4);
  EXPECT_TRUE(settings.migrate_self);
  EXPECT_FALSE(settings.path_is_fallback);
  EXPECT_EQ(settings.log_level, LogLevel::info);
}

TEST(Settings, AreTakenFromTheEnvironment) {
  const auto settings = settings_of({{"HOST", "127.0.0.1"},
                                     {"PORT", "9000"},
                                     {"DATABASE_PATH", "/tmp/x.db"},
                                     {"DATABASE_CONNECTIONS", "2"},
                                     {"SCHEMA_VERSION", "1"},
                                     {"AUTO_MIGRATE", "false"},
                                     {"DRAIN_SECONDS", "3"},
                                     {"LOG_LEVEL", "Warning"}});
  EXPECT_EQ(settings.host, "127.0.0.1");
  EXPECT_EQ(settings.port, 9000);
  EXPECT_EQ(settings.database_path, "/tmp/x.db");
  EXPECT_EQ(settings.connections, 2);
  EXPECT_EQ(settings.schema, 1);
  EXPECT_FALSE(settings.migrate_self);
  EXPECT_EQ(settings.drain.count(), 3);
  EXPECT_EQ(settings.log_level, LogLevel::warn);
}

TEST(Settings, AnEmptyVariableIsNotSet) {
  EXPECT_EQ(settings_of({{"SCHEMA_VERSION", ""}, {"DATABASE_URL", ""}, {"PORT", ""}}).port, 8000);
}

TEST(Settings, AUrlMeansPostgresqlWhichWaitsForMigrate) {
  const auto settings = settings_of({{"DATABASE_URL", "postgresql://todo:secret@db/todo"}}, false);
  EXPECT_EQ(settings.dialect(), Dialect::postgresql);
  EXPECT_EQ(settings.database_name(), "postgresql");
  EXPECT_FALSE(settings.migrate_self);
  EXPECT_FALSE(settings.path_is_fallback);
  EXPECT_TRUE(settings_of({{"DATABASE_URL", "postgresql://db/todo"}, {"AUTO_MIGRATE", "true"}}).migrate_self);
}

TEST(Settings, WithoutAFolderForDataTheTemporaryOneIsUsedUnlessAPathIsNamed) {
  EXPECT_EQ(settings_of({}, false).database_path, "/tmp/todos.db");
  EXPECT_TRUE(settings_of({}, false).path_is_fallback);
  EXPECT_FALSE(settings_of({{"DATABASE_PATH", "/var/x.db"}}, false).path_is_fallback);
}

TEST(Settings, AllThatIsWrongIsSaidAtOnceWithoutTheSecret) {
  EXPECT_EQ(
      refusal({{"PORT", "http"},
               {"HOST", "localhost"},
               {"DATABASE_URL", "mysql://u:secret@db"},
               {"LOG_LEVEL", "loud"},
               {"AUTO_MIGRATE", "yes"},
               {"SCHEMA_VERSION", "3"}}),
      "invalid: HOST must be an IP address; PORT must be a whole number from 0 to 65535, not \"http\"; DATABASE_URL "
      "is no connection string that libpq can read; SCHEMA_VERSION must be a whole number from 1 to 2, not \"3\"; "
      "AUTO_MIGRATE must be true or false, not \"yes\"; LOG_LEVEL must be trace, debug, info, warn or error, not "
      "\"loud\"");
}

Result<std::variant<Invocation, ShowText>> invocation(const Arguments& arguments, const Variables& variables = {}) {
  return read_invocation(arguments, environment(variables), true);
}

TEST(Invocations, ServingIsTheDefault) {
  for (const Arguments& arguments : {Arguments{}, Arguments{"serve"}}) {
    const auto read = invocation(arguments);
    ASSERT_TRUE(read) << words_of(read);
    EXPECT_TRUE(std::holds_alternative<ServeCommand>(std::get<Invocation>(*read).command));
  }
}

TEST(Invocations, MigrateGoesToTheVersionThatTheProgramWorksAsOrToTheOneNamed) {
  const auto target = [](const Arguments& arguments, const Variables& variables = {}) {
    const auto read = invocation(arguments, variables);
    EXPECT_TRUE(read) << words_of(read);
    return std::get<MigrateCommand>(std::get<Invocation>(*read).command).target;
  };
  EXPECT_EQ(target({"migrate"}), 2);
  EXPECT_EQ(target({"migrate", "--to", "1"}), 1);
  EXPECT_EQ(target({"migrate"}, {{"SCHEMA_VERSION", "1"}}), 1);
  EXPECT_EQ(target({"migrate", "--to", "2"}, {{"SCHEMA_VERSION", "1"}}), 2);
}

TEST(Invocations, WhatIsWrongIsRefused) {
  for (const Arguments& bad : {Arguments{"migrate", "--to", "3"}, Arguments{"migrate", "--to", "0"}, Arguments{"dance"},
                               Arguments{"serve", "migrate"}, Arguments{"--url", "postgresql://x"}}) {
    const auto read = invocation(bad);
    ASSERT_FALSE(read) << bad.front();
    EXPECT_NE(read.error().detail.find("see todo-backend --help"), std::string::npos);
  }
}

TEST(Invocations, HelpAndVersionAreTexts) {
  const auto text = [](const char* flag) {
    const auto read = invocation({flag});
    EXPECT_TRUE(read) << words_of(read);
    return std::get<ShowText>(*read).text;
  };
  EXPECT_EQ(text("--version"), "todo-backend 1.0.0 (schema version 2)\n");
  EXPECT_NE(text("--help").find("DATABASE_URL"), std::string::npos);
}

}  // namespace
}  // namespace todo
