#include "operator/memory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shell {
namespace {

TEST(Memory, IsGivenBackWithoutAnythingBeingLost) {
  static int written = 1;  // lies in a segment of the program's file that is written to
  written = 42;
  const std::vector<std::string> kept(1000, std::string(100, 'x'));
  {
    const std::vector<std::string> freed(10'000, std::string(100, 'y'));
  }
  give_back_memory();
  EXPECT_EQ(written, 42);
  EXPECT_EQ(kept, std::vector<std::string>(1000, std::string(100, 'x')));
  EXPECT_EQ(std::to_string(1234), "1234");  // code that was let go is read again
}

}  // namespace
}  // namespace shell
