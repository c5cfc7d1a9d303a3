#include <gtest/gtest.h>

#include "postgresql.hpp"

namespace todo {
namespace {

TEST(PostgresqlUrl, IsWhatLibpqCanRead) {
  EXPECT_TRUE(check_postgresql_url("postgresql://todo:secret@db:5432/todo?sslmode=disable"));
  EXPECT_TRUE(check_postgresql_url("host=db user=todo password='a b'"));
  for (const char* bad : {"postgresql+asyncpg://todo:secret@db/todo", "mysql://todo:secret@db", "secret",
                          "postgresql://todo:secret@db/todo?nonsense=1"}) {
    const auto checked = check_postgresql_url(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error(), (Error{Trouble::invalid, "is no connection string that libpq can read"}));
  }
}

TEST(PostgresqlUrl, IsMaskedWithItsPassword) {
  const std::string url = "postgresql://todo:p%40ss@db/todo";
  EXPECT_EQ(mask_postgresql_url("could not use " + url, url), "could not use ***");
  EXPECT_EQ(mask_postgresql_url("p@ss, p%40ss and pass", url), "***, *** and pass");
  EXPECT_EQ(mask_postgresql_url("password of x y", "host=db password='x y'"), "password of ***");
  EXPECT_EQ(mask_postgresql_url("no password", "postgresql://todo@db/todo"), "no password");
}

}  // namespace
}  // namespace todo
