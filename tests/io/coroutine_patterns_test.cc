// Goal: the co_await patterns that the five rules of task.h allow are compiled right, each object
// destroyed exactly once. Method: objects that count themselves and strings that live on the heap
// (a double free ends the test); run it under ASan too.
//
// g++ 12.2 compiles these wrongly, so they are forbidden and not tried here: an aggregate temporary
// as a coroutine's argument (freed twice), one within ?: (freed wrongly), a capturing lambda
// temporary beside co_await (destroyed twice).
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "agent/io/sync.h"
#include "agent/io/task.h"

namespace tidemark {
namespace {

constexpr const char* kLong = "a string that is long enough to live on the heap, surely";

class BareIo : public Io {
 public:
  void Submit(Op*) override {}
  void Cancel(Op*) override {}
  absl::Time Now() const override { return absl::UnixEpoch(); }
  absl::Duration Monotonic() const override { return absl::ZeroDuration(); }
  void Fill(MutableByteSpan) override {}
  uint16_t BoundPort(Fd) const override { return 0; }

 protected:
  bool Poll(bool) override { return has_ready(); }
};

struct Tracked {
  Tracked() { ++live; }
  Tracked(const Tracked&) { ++live; }
  Tracked(Tracked&&) noexcept { ++live; }
  Tracked& operator=(const Tracked&) = default;
  ~Tracked() { --live; }
  static inline int live = 0;
};
struct Options {
  std::string text;
  Tracked tracked;
};
struct Small {
  uint64_t a = 0;
  uint32_t b = 0;
};

Task<size_t> TakesOptions(Io*, Options options) { co_return options.text.size(); }
Task<size_t> TakesString(Io*, std::string text) { co_return text.size(); }
Task<uint64_t> TakesSmall(Io*, Small small) { co_return small.a + small.b; }
Task<std::string> GivesString(Io*, size_t times) {
  std::string made;
  for (size_t i = 0; i < times; ++i) made += kLong;
  co_return made;
}
template <class Function>
Task<size_t> Calls(Io*, Function function) {
  co_return function();
}

Task<size_t> NamedAndMoved(Io* io) {
  Options options{kLong, {}};
  const size_t got = co_await TakesOptions(io, std::move(options));
  co_return got;
}

Task<size_t> NamedAndCopied(Io* io) {
  Options options{kLong, {}};
  const size_t first = co_await TakesOptions(io, options);
  const size_t second = co_await TakesOptions(io, options);
  EXPECT_EQ(first, second);
  co_return options.text.size();
}

Task<size_t> NamedString(Io* io) {
  std::string text = kLong;
  const size_t got = co_await TakesString(io, text);
  EXPECT_EQ(got, text.size());
  const size_t moved = co_await TakesString(io, std::move(text));
  co_return moved;
}

Task<size_t> TrivialTemporary(Io* io) {
  const uint64_t got = co_await TakesSmall(io, Small{40, 2});
  co_return got == 42 ? std::string(kLong).size() : 0;
}

Task<size_t> NamedLambda(Io* io) {
  Tracked tracked;
  std::string text = kLong;
  auto function = [tracked, text] { return text.size(); };
  const size_t got = co_await Calls(io, std::move(function));
  co_return got;
}

Task<size_t> BranchesAroundAwaits(Io* io) {
  size_t total = 0;
  for (int i = 0; i < 4; ++i) {
    std::string text = kLong;
    if (i % 2 == 0) {
      const size_t got = co_await TakesString(io, text);
      total += got;
    } else {
      Options options{text, {}};
      const size_t got = co_await TakesOptions(io, std::move(options));
      total += got;
    }
  }
  co_return total / 4;
}

Task<size_t> ResultsWithDestructors(Io* io) {
  std::string made = co_await GivesString(io, 3);
  made = co_await GivesString(io, 2);
  co_await GivesString(io, 5);  // dropped
  co_return made.size() / 2;
}

Task<size_t> NamedTask(Io* io) {
  std::string text = kLong;
  Task<size_t> first = TakesString(io, text);
  Task<size_t> second = TakesString(io, text);
  first.Start();
  const size_t b = co_await second;
  const size_t a = co_await first;
  EXPECT_EQ(a, b);
  co_return a;
}

Task<size_t> LeavesEarly(Io* io) {
  Options options{kLong, {}};
  for (int i = 0;; ++i) {
    Tracked inner;
    const size_t got = co_await TakesOptions(io, options);
    if (i == 3) co_return got;
  }
}

Task<size_t> EventInALoop(Io* io) {
  Event event(io);
  Semaphore semaphore(io, 1);
  Tracked tracked;
  std::string text = kLong;
  for (int i = 0; i < 3; ++i) {
    co_await semaphore.Acquire(1);
    semaphore.Release(1);
  }
  co_return text.size();
}

class SafePatterns : public testing::TestWithParam<Task<size_t> (*)(Io*)> {};

TEST_P(SafePatterns, DestroyEachObjectOnce) {
  Tracked::live = 0;
  {
    BareIo io;
    Task<size_t> task = GetParam()(&io);
    task.Start();
    io.Run();
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.result(), std::string(kLong).size());
  }
  EXPECT_EQ(Tracked::live, 0);
}

TEST_P(SafePatterns, FreeAllWhenDestroyedHalfway) {
  Tracked::live = 0;
  {
    BareIo io;
    Task<size_t> first = GetParam()(&io);
    first.Start();
    Task<size_t> never_started = GetParam()(&io);
  }
  EXPECT_EQ(Tracked::live, 0);
}

INSTANTIATE_TEST_SUITE_P(All, SafePatterns,
                         testing::Values(&NamedAndMoved, &NamedAndCopied, &NamedString,
                                         &TrivialTemporary, &NamedLambda, &BranchesAroundAwaits,
                                         &ResultsWithDestructors, &NamedTask, &LeavesEarly,
                                         &EventInALoop));

}  // namespace
}  // namespace tidemark
