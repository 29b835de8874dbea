#include "tests/tidy/rules.h"

namespace tidemark {
namespace {

struct Forbidden {
  const char* word;
  const char* what;
};

// Not in crypto, chunker, replicator; nor, less the ones below, in the agent above io.
constexpr Forbidden kNeverRepeats[] = {
    {"absl::Now", "reads a clock"},
    {"absl/time/clock.h", "reads a clock"},
    {"absl::GetCurrentTimeNanos", "reads a clock"},
    {"std::chrono", "reads a clock"},
    {"clock_gettime", "reads a clock"},
    {"gettimeofday", "reads a clock"},
    {"__rdtsc", "reads a clock"},
    {"std::rand", "is chance"},
    {"srand", "is chance"},
    {"random_device", "is chance"},
    {"mt19937", "is chance"},
    {"default_random_engine", "is chance"},
    {"getrandom", "is chance"},
    {"RAND_bytes", "is chance; entropy comes in as EntropySource"},
    {"RAND_priv_bytes", "is chance; entropy comes in as EntropySource"},
    {"std::thread", "is a thread"},
    {"std::jthread", "is a thread"},
    {"std::async", "is a thread"},
    {"pthread_create", "is a thread"},
    {"std::mutex", "expects threads"},
    {"std::shared_mutex", "expects threads"},
    {"std::condition_variable", "expects threads"},
    {"absl::Mutex", "expects threads"},
    {"getenv", "reads the environment"},
    {"secure_getenv", "reads the environment"},
    {"std::hash", "has an order of its own in each library"},
};
constexpr const char* kUnordered[] = {"unordered_map",      "unordered_set", "unordered_multimap",
                                      "unordered_multiset", "flat_hash_map", "flat_hash_set",
                                      "node_hash_map",      "node_hash_set"};
constexpr Forbidden kNotPure[] = {
    {"std::cout", "logs"},
    {"std::cerr", "logs"},
    {"std::clog", "logs"},
    {"printf", "logs"},
    {"fprintf", "logs"},
    {"perror", "logs"},
    {"syslog", "logs"},
    {"spdlog", "logs"},
    {"fopen", "is a file"},
    {"std::ifstream", "is a file"},
    {"std::ofstream", "is a file"},
    {"std::filesystem", "is a file"},
    {"syscall", "calls the system"},
    {"mmap", "calls the system"},
    {"co_await", "waits"},
};
// Called as functions, not members of that name.
constexpr const char* kCalls[] = {"time",   "rand",      "random",  "open",   "read", "write",
                                  "close",  "socket",    "connect", "accept", "send", "recv",
                                  "usleep", "sleep",     "fork",    "ioctl",  "poll", "stat",
                                  "unlink", "localtime", "gmtime"};

// A free call: not a member's, not another scope's, not a declaration.
bool IsFreeCall(const std::string& code, size_t at, size_t length) {
  if (SkipBlanks(code, at + length) >= code.size() || code[SkipBlanks(code, at + length)] != '(')
    return false;
  const size_t before = LastBefore(code, at);
  if (before == std::string::npos) return true;
  if (code[before] == '.') return false;
  if (IsWordCharacter(code[before])) return code.substr(0, before + 1).ends_with("return");
  if (code[before] == '>' && before > 0) return code[before - 1] != '-' && code[before - 1] != '>';
  if (code[before] == ':')
    return before < 2 || code[before - 1] != ':' || !IsWordCharacter(code[before - 2]);
  return code[before] != '*' && code[before] != '&';
}

void AddWords(const SourceFile& file, const char* word, const std::string& what,
              Findings* findings) {
  for (size_t at = FindWord(file.code(), word); at != std::string::npos;
       at = FindWord(file.code(), word, at + 1)) {
    findings->push_back(file.At(at, std::string(word) + " " + what));
  }
}

void AddUnrepeatable(const SourceFile& file, Findings* findings) {
  for (const Forbidden& forbidden : kNeverRepeats)
    AddWords(file, forbidden.word, forbidden.what, findings);
  for (const char* word : kUnordered) AddWords(file, word, "has no order to rely on", findings);
  for (const Include& include : file.includes()) {
    if (include.target == "absl/time/clock.h")
      findings->push_back({file.path(), include.line, "includes a clock"});
  }
  const std::string& code = file.code();
  const std::string distribution = "_distribution";
  for (size_t at = code.find(distribution); at != std::string::npos;
       at = code.find(distribution, at + 1)) {
    if (at + distribution.size() < code.size() && IsWordCharacter(code[at + distribution.size()]))
      continue;
    findings->push_back(file.At(at, "std::*_distribution differs between libraries"));
  }
}

void AddCalls(const SourceFile& file, Findings* findings) {
  const std::string& code = file.code();
  for (const std::string call : kCalls) {
    for (size_t at = FindWord(code, call); at != std::string::npos;
         at = FindWord(code, call, at + 1)) {
      if (IsFreeCall(code, at, call.size()))
        findings->push_back(file.At(at, call + "() calls the system"));
    }
  }
}

bool IsPure(const SourceFile& file) {
  return file.cpp() && (file.Under("crypto") || file.Under("chunker") || file.Under("replicator"));
}

// Doors to libraries with threads of their own: given immutable snapshots, they touch no state.
constexpr const char* kThreadedDoors[] = {"agent/report/courier.cc", "agent/report/status_port.cc",
                                          "agent/report/request_stream.h",
                                          "agent/report/request_stream.cc"};

bool MustRepeat(const SourceFile& file) {
  if (!file.cpp()) return false;
  for (const char* door : kThreadedDoors) {
    if (file.path() == door) return false;
  }
  const bool agent = file.Under("agent") && !file.Under("agent/io") && !file.Under("agent/cli");
  const bool waist = file.Under("agent/io") && !file.path().starts_with("agent/io/uring") &&
                     !file.path().starts_with("agent/io/workers");
  return agent || waist || file.Under("tests/sim");
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Findings PureRooms(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!IsPure(file)) continue;
    AddUnrepeatable(file, &findings);
    for (const Forbidden& forbidden : kNotPure)
      AddWords(file, forbidden.word, forbidden.what, &findings);
    AddCalls(file, &findings);
  }
  return findings;
}

Findings Determinism(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (MustRepeat(file)) AddUnrepeatable(file, &findings);
  }
  return findings;
}

Findings FloatingPoint(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!IsPure(file) || file.Under("crypto")) continue;
    AddWords(file, "double", "is floating point", &findings);
    AddWords(file, "float", "is floating point", &findings);
    const std::string& code = file.code();
    for (size_t at = code.find('.'); at != std::string::npos; at = code.find('.', at + 1)) {
      const bool number =
          at > 0 && IsDigit(code[at - 1]) && at + 1 < code.size() && IsDigit(code[at + 1]);
      if (number) findings.push_back(file.At(at, "a number with a point is floating point"));
    }
  }
  return findings;
}

}  // namespace tidemark
