# Two precompiled headers, shared by all targets: parsing Asio, Beast, spdlog and nlohmann_json anew in each file would
# cost more than everything else. `core` holds nothing that does I/O, so that the pure targets cannot lean on it by accident.
file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cpp "")

add_library(pch_core STATIC ${CMAKE_BINARY_DIR}/pch/empty.cpp)
target_link_libraries(pch_core PUBLIC nlohmann_json::nlohmann_json tl::expected fmt::fmt)
target_precompile_headers(pch_core PRIVATE
  <algorithm> <chrono> <cstdint> <functional> <map> <memory> <optional> <set> <span> <string> <string_view>
  <unordered_map> <utility> <variant> <vector> <nlohmann/json.hpp> <tl/expected.hpp> <fmt/format.h>)

add_library(pch_io STATIC ${CMAKE_BINARY_DIR}/pch/empty.cpp)
target_link_libraries(pch_io PUBLIC pch_core Boost::boost OpenSSL::SSL OpenSSL::Crypto spdlog::spdlog Threads::Threads)
# Asio's own header-only build, and the same view of it in every file.
# Without Boost's own assertions: Beast 1.74 has a wrong one, which ends a debug build where an empty chunked answer comes
# in pieces (basic_parser::parse_chunk_header asks for 5 bytes and has 4).
target_compile_definitions(pch_io PUBLIC BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW BOOST_DISABLE_ASSERTS)
target_precompile_headers(pch_io PRIVATE
  <algorithm> <chrono> <cstdint> <functional> <map> <memory> <optional> <set> <span> <string> <string_view>
  <unordered_map> <utility> <variant> <vector> <nlohmann/json.hpp> <tl/expected.hpp> <spdlog/spdlog.h>
  <boost/asio.hpp> <boost/asio/ssl.hpp> <boost/beast/core.hpp> <boost/beast/http.hpp>)

# todoapp_library(NAME PCH SOURCES...): one static library for one folder; includes are written from `controller/`.
function(todoapp_library name pch)
  add_library(${name} STATIC ${ARGN})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/controller)
  target_link_libraries(${name} PUBLIC ${pch})
  target_precompile_headers(${name} REUSE_FROM ${pch})
endfunction()
