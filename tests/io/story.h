// Runs one coroutine on an Io, for tests.
#ifndef TIDEMARK_TESTS_IO_STORY_H_
#define TIDEMARK_TESTS_IO_STORY_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <type_traits>

#include "agent/io/task.h"

namespace tidemark {

// Runs a story to its end and gives what it returns.
template <class T>
T Finish(Io* io, Task<T> story) {
  story.Start();
  io->Run();
  EXPECT_TRUE(story.done()) << "the story waits for something that never comes";
  if (!story.done()) std::abort();
  if constexpr (!std::is_void_v<T>) return story.result();
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_STORY_H_
