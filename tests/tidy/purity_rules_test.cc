// Goal: the purity rules refuse what they must, and nothing that merely has the name. Method: one
// line each.
#include "tests/tidy/snippets.h"

namespace tidemark {
namespace {

TEST(PurityRules, PureRoomsHaveNoWorldOfTheirOwn) {
  for (const char* line : {"absl::Time t = absl::Now();",
                           "auto t = std::chrono::steady_clock::now();",
                           "time_t t = time(nullptr);",
                           "return time(nullptr);",
                           "clock_gettime(CLOCK_REALTIME, &t);",
                           "int r = rand();",
                           "std::random_device seed;",
                           "std::mt19937 random;",
                           "std::uniform_int_distribution<int> d;",
                           "const char* home = getenv(name);",
                           "std::thread worker(Run);",
                           "std::mutex mutex_;",
                           "int fd = open(path, 0);",
                           "if (::read(fd, p, n) < 0) return;",
                           "int s = socket(1, 2, 3);",
                           "std::cerr << 1;",
                           "printf(format);",
                           "fprintf(stderr, format);",
                           "std::unordered_map<int, int> rows_;",
                           "absl::flat_hash_map<int, int> rows_;",
                           "std::ifstream in(path);",
                           "RAND_bytes(p, 32);",
                           "absl::Mutex mutex_;",
                           "co_await sleep;"}) {
    ExpectCaught(PureRooms, "replicator/a.cc", "int a;\n" + std::string(line) + "\n", 2);
  }
  ExpectCaught(PureRooms, "crypto/a.cc", "#include \"absl/time/clock.h\"\n", 1);
  ExpectCaught(PureRooms, "chunker/a.h", "int a;\nint b = rand();\n", 2);
}

TEST(PurityRules, NamesAndWordsAreNotCalls) {
  for (const char* line : {"// absl::Now() is for others", "Say(\"std::mutex\");",
                           "record.time(now);", "cursor->read(8);", "absl::Time time(int a);",
                           "Reader::read(8);", "bool open = true;", "uint64_t random_bytes;"}) {
    ExpectClean(PureRooms, "replicator/a.cc", std::string(line) + "\n");
  }
  ExpectClean(PureRooms, "agent/io/uring_io.cc", "absl::Now();\n");
}

TEST(PurityRules, TheAgentAboveTheWaistCanBeRepeated) {
  for (const char* path : {"agent/agent.cc", "agent/site/a.cc", "agent/source/a.h",
                           "tests/sim/a.cc", "agent/io/pool.cc"}) {
    ExpectCaught(Determinism, path, "absl::Time t = absl::Now();\n", 1);
    ExpectCaught(Determinism, path, "std::unordered_set<int> open_;\n", 1);
    ExpectCaught(Determinism, path, "std::normal_distribution<> d;\n", 1);
  }
  ExpectClean(Determinism, "agent/io/workers.h", "std::mutex mutex_;\n");
  ExpectClean(Determinism, "agent/cli/output.cc", "absl::Now();\n");
}

TEST(PurityRules, DecisionsHaveNoPoint) {
  ExpectCaught(FloatingPoint, "replicator/a.cc", "double lag;\n", 1);
  ExpectCaught(FloatingPoint, "chunker/a.cc", "const auto share = 0.5;\n", 1);
  ExpectClean(FloatingPoint, "chunker/a.cc", "int a = 1'000;  // 0.5 of it\nSay(\"0.5\");\n");
  ExpectClean(FloatingPoint, "agent/service.h", "double lag_seconds;\n");
}

}  // namespace
}  // namespace tidemark
