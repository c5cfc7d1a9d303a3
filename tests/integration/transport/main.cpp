// As a program that uses cpprestsdk must: its pool first, and no clean-up of OpenSSL under the feet of its threads.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "kube/rest_transport.hpp"

int main(int argc, char** argv) {
  kube::prepare_rest_client(2);
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  std::fflush(nullptr);
  ::_exit(result);
}
