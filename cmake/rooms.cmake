# room(NAME SOURCES ... DEPS ...) declares one room of the house as a static
# library. Its DEPS are the only rooms and libraries its files may include.
add_library(tidemark_flags INTERFACE)
target_compile_options(tidemark_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -ffp-contract=off -fno-omit-frame-pointer)
target_compile_definitions(tidemark_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns falsely inside its own headers at -O2 and with sanitizers.
  target_compile_options(tidemark_flags INTERFACE
    -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict
    -Wno-stringop-overread -Wno-dangling-pointer -Wno-free-nonheap-object)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 18)
  # Since 18 clang mangles templates with enable_if parameters unlike g++ 12, which built the
  # distribution's Abseil; absl::Cord(std::string) would not link.
  target_compile_options(tidemark_flags INTERFACE -fclang-abi-compat=17)
endif()
target_include_directories(tidemark_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
if(TIDEMARK_SANITIZE)
  target_compile_options(tidemark_flags INTERFACE -fsanitize=${TIDEMARK_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tidemark_flags INTERFACE -fsanitize=${TIDEMARK_SANITIZE})
endif()
if(TIDEMARK_MUSEUM)
  target_compile_definitions(tidemark_flags INTERFACE TIDEMARK_MUSEUM=1)
endif()

function(room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(tidemark_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(tidemark_${name} PUBLIC tidemark_flags ${ROOM_DEPS} PRIVATE ${ROOM_PRIVATE_DEPS})
endfunction()

# room_test(NAME SOURCES ... DEPS ...) is one gtest binary, found by ctest.
function(room_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  if(TIDEMARK_MUSEUM)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:tidemark_museum_display>)
  endif()
  target_link_libraries(${name} PRIVATE tidemark_flags ${TEST_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TIDEMARK_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 1500)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}")
endfunction()
