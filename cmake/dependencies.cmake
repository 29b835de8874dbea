# Every library the project uses, in one place. All come from Debian 12.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing>=2.3)
find_package(absl 20220623 REQUIRED CONFIG)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
find_package(RocksDB REQUIRED CONFIG)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
find_package(CURL REQUIRED)

# BLAKE3: the distribution's library where there is one, else the official C
# sources that Debian ships inside librust-blake3-dev.
pkg_check_modules(BLAKE3 QUIET IMPORTED_TARGET libblake3)
if(BLAKE3_FOUND)
  add_library(tidemark_blake3 INTERFACE)
  target_link_libraries(tidemark_blake3 INTERFACE PkgConfig::BLAKE3)
else()
  file(GLOB _blake3_hints /usr/share/cargo/registry/blake3-*/c)
  find_path(BLAKE3_SOURCE_DIR blake3_dispatch.c HINTS ${_blake3_hints} REQUIRED NO_DEFAULT_PATH)
  add_library(tidemark_blake3 STATIC
    ${BLAKE3_SOURCE_DIR}/blake3.c
    ${BLAKE3_SOURCE_DIR}/blake3_dispatch.c
    ${BLAKE3_SOURCE_DIR}/blake3_portable.c)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_sources(tidemark_blake3 PRIVATE
      ${BLAKE3_SOURCE_DIR}/blake3_sse2_x86-64_unix.S
      ${BLAKE3_SOURCE_DIR}/blake3_sse41_x86-64_unix.S
      ${BLAKE3_SOURCE_DIR}/blake3_avx2_x86-64_unix.S
      ${BLAKE3_SOURCE_DIR}/blake3_avx512_x86-64_unix.S)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    target_sources(tidemark_blake3 PRIVATE ${BLAKE3_SOURCE_DIR}/blake3_neon.c)
    target_compile_definitions(tidemark_blake3 PRIVATE BLAKE3_USE_NEON=1)
  endif()
  target_include_directories(tidemark_blake3 SYSTEM PUBLIC ${BLAKE3_SOURCE_DIR})
endif()
