// As a program that uses cpprestsdk must: its pool first, and no clean-up of OpenSSL under the feet of its threads.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "kube/rest_transport.hpp"

/// ThreadSanitizer asks for this. The distribution's libcpprest is not instrumented: it sees our inlined halves of that
/// library's destructors, and not the reference count on its side which says that nobody else is there any more. Only
/// destructors are named here; a race about a value, between pool and loop, is still told.
extern "C" const char* __tsan_default_suppressions() {
  return "race:~event_impl\n"
         "race:*::_M_destroy\n"
         "race:*::_M_dispose\n"
         "race:~http_exception\n"
         "race:~asio_context\n"
         "race:exception_ptr::_M_release\n"
         "race:_CancellationTokenCallback\n";
}

int main(int argc, char** argv) {
  kube::prepare_rest_client(2);
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  std::fflush(nullptr);
  ::_exit(result);
}
