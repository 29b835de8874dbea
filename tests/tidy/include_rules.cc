#include <algorithm>

#include "tests/tidy/rules.h"

namespace tidemark {
namespace {

struct RoomLaw {
  const char* room;
  std::vector<const char*> may_include;  // besides itself
};

// agent -> {chunker, replicator} -> crypto, and inside the agent the same idea.
const std::vector<RoomLaw>& House() {
  static const std::vector<RoomLaw> house = {
      {"crypto", {}},
      {"chunker", {"crypto"}},
      {"replicator", {"crypto"}},
      {"agent/io", {"crypto"}},
      {"agent/link", {"agent/io", "replicator", "crypto"}},
      {"agent/proof", {"agent/io", "replicator", "crypto"}},
      {"agent/site", {"agent/link", "agent/io", "replicator", "crypto"}},
      {"agent/recover", {"agent/link", "agent/io", "chunker", "replicator", "crypto"}},
      {"agent/source",
       {"agent/recover", "agent/link", "agent/io", "chunker", "replicator", "crypto"}},
      {"agent/report", {"crypto"}},
      {"agent",
       {"agent/report", "agent/proof", "agent/source", "agent/recover", "agent/site", "agent/link",
        "agent/io", "chunker", "replicator", "crypto"}},
      {"agent/cli",
       {"agent", "agent/report", "agent/proof", "agent/source", "agent/recover", "agent/site",
        "agent/link", "agent/io", "chunker", "replicator", "crypto"}},
  };
  return house;
}

struct Door {
  const char* header;              // how its headers' names begin
  std::vector<const char*> files;  // files, or directories with '/' at the end
};

// Where each library comes in. A new library is a new row here, and a reason where it is included.
const std::vector<Door>& Doors() {
  static const std::vector<Door> doors = {
      {"liburing", {"agent/io/"}},
      {"linux/io_uring", {"agent/io/"}},
      {"openssl/",
       {"crypto/", "tests/crypto/", "agent/report/request_stream.h",
        "agent/report/request_stream.cc"}},
      {"blake3", {"crypto/"}},
      {"rocksdb/", {"agent/source/rocks_index.cc", "tests/agent/source/rocks_index_test.cc"}},
      {"zstd", {"agent/source/new_chunks.cc", "agent/recover/open_run.cc", "tests/agent/"}},
      {"nlohmann/",
       {"agent/call_format.cc", "agent/report/", "agent/recover/kit.cc", "agent/cli/",
        "tests/agent/"}},
      {"httplib.h", {"agent/report/status_port.cc", "agent/report/request_stream.h"}},
      {"curl/", {"agent/report/courier.cc"}},
      {"toml++/", {"agent/config_section.h"}},
      {"CLI/", {"agent/cli/arguments.cc"}},
      {"replicator/wire.pb.h", {"replicator/wire.h", "replicator/wire.cc"}},
      {"google/protobuf/", {"replicator/"}},
      {"gtest/", {"tests/"}},
      {"gmock/", {"tests/"}},
      {"benchmark/", {"bench/"}},
      // Debian's Abseil has no log, and its Mutex upsets ThreadSanitizer.
      {"absl/log/", {}},
      {"absl/synchronization/", {}},
  };
  return doors;
}

struct Exception {
  const char* path;
  const char* header;
  const char* reason;
};

constexpr Exception kSystemExceptions[] = {
    {"agent/config_section.cc", "filesystem",
     "std::filesystem::path as text only: relative to the file's directory"},
    {"agent/report/courier.cc", "condition_variable", "its thread waits for a message"},
    {"agent/report/courier.cc", "mutex", "a message and its outcome change hands"},
    {"agent/report/courier.cc", "thread", "libcurl blocks while a receiver thinks"},
    {"agent/report/request_stream.h", "chrono", "a bound on what a thread of cpp-httplib waits"},
    {"agent/report/request_stream.cc", "fcntl.h", "its socket must not block past the bound"},
    {"agent/report/request_stream.cc", "poll.h", "the thread of cpp-httplib waits here"},
    {"agent/report/request_stream.cc", "sys/socket.h", "cpp-httplib hands it a socket"},
    {"agent/report/request_stream.cc", "unistd.h", "close(2) of that socket"},
    {"agent/report/status_port.cc", "chrono", "the threads of cpp-httplib need a clock of theirs"},
    {"agent/report/status_port.cc", "condition_variable", "its bounded queue"},
    {"agent/report/status_port.cc", "mutex", "the newest snapshot changes hands"},
    {"agent/report/status_port.cc", "thread", "cpp-httplib is a thread per connection"},
    {"agent/unix_peer.cc", "sys/socket.h", "getsockopt(SO_PEERCRED) for the log; it never waits"},
    {"agent/log_journal.cc", "sys/socket.h", "a datagram to journald; it never waits"},
    {"agent/log_journal.cc", "sys/un.h", "journald's address"},
    {"agent/log_journal.cc", "unistd.h", "close(2) of that socket"},
    {"agent/log.cc", "unistd.h",
     "one write(2) a line to standard error; a daemon's log cannot wait for its loop"},
};

// Standard headers that reach files, clocks, threads or chance.
constexpr const char* kReachingHeaders[] = {
    "chrono", "condition_variable", "cstdio", "csignal", "ctime",     "filesystem",   "fstream",
    "future", "iostream",           "mutex",  "random",  "semaphore", "shared_mutex", "stop_token",
    "thread"};
constexpr const char* kHarmlessHeaders[] = {"errno.h", "stddef.h", "stdint.h", "immintrin.h"};

const Door* DoorOf(const Include& include) {
  for (const Door& door : Doors()) {
    if (include.target.starts_with(door.header)) return &door;
  }
  return nullptr;
}

bool ReachesTheSystem(const Include& include) {
  if (include.quoted || DoorOf(include) != nullptr) return false;
  const auto same = [&include](const char* name) { return include.target == name; };
  if (std::any_of(std::begin(kReachingHeaders), std::end(kReachingHeaders), same)) return true;
  if (std::any_of(std::begin(kHarmlessHeaders), std::end(kHarmlessHeaders), same)) return false;
  return include.target.ends_with(".h");
}

bool MayReachTheSystem(const SourceFile& file) {
  return file.Under("agent/io") || file.Under("agent/cli") || file.Under("tests") ||
         file.Under("bench");
}

bool MayInclude(const SourceFile& file, const std::string& room) {
  if (file.Under("tests") || room == file.room()) return true;
  if (file.Under("bench")) return !room.starts_with("tests");
  for (const RoomLaw& law : House()) {
    if (file.room() != law.room) continue;
    return std::any_of(law.may_include.begin(), law.may_include.end(),
                       [&room](const char* lower) { return room == lower; });
  }
  return false;
}

}  // namespace

Findings IncludeDirections(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const Include& include : file.includes()) {
      if (!include.quoted || include.target.starts_with("absl/") || DoorOf(include) != nullptr)
        continue;
      const SourceFile* target = tree.Find(include.target);
      if (target == nullptr) {
        findings.push_back(
            {file.path(), include.line, "includes \"" + include.target + "\", which is not there"});
      } else if (!MayInclude(file, target->room())) {
        findings.push_back(
            {file.path(), include.line, file.room() + " may not include " + include.target});
      }
    }
  }
  return findings;
}

Findings LibraryDoors(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const Include& include : file.includes()) {
      const Door* door = DoorOf(include);
      const auto here = [&file](const std::string& place) {
        return place.ends_with('/') ? file.path().starts_with(place) : file.path() == place;
      };
      if (door != nullptr && std::none_of(door->files.begin(), door->files.end(), here)) {
        findings.push_back(
            {file.path(), include.line, include.target + " does not come in through this file"});
      }
      // A library that no door names: a standard header has no directory.
      const size_t slash = include.target.find('/');
      if (door == nullptr && !include.quoted && slash != std::string::npos &&
          !ReachesTheSystem(include)) {
        findings.push_back(
            {file.path(), include.line, include.target + " is of a library without a door"});
      }
    }
  }
  return findings;
}

Findings SystemHeaders(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (MayReachTheSystem(file)) continue;
    for (const Include& include : file.includes()) {
      const auto excepted = [&](const Exception& exception) {
        return file.path() == exception.path && include.target == exception.header;
      };
      if (!ReachesTheSystem(include)) continue;
      if (std::any_of(std::begin(kSystemExceptions), std::end(kSystemExceptions), excepted))
        continue;
      findings.push_back(
          {file.path(), include.line, "<" + include.target + "> reaches the system"});
    }
  }
  return findings;
}

Findings StaleExceptions(const SourceTree& tree) {
  Findings findings;
  for (const Exception& exception : kSystemExceptions) {
    const SourceFile* file = tree.Find(exception.path);
    const auto still = [&exception](const Include& include) {
      return include.target == exception.header;
    };
    if (file != nullptr && std::any_of(file->includes().begin(), file->includes().end(), still))
      continue;
    findings.push_back(
        {exception.path, 0, std::string("no longer includes <") + exception.header + ">"});
  }
  for (const Door& door : Doors()) {
    for (const char* place : door.files) {
      if (!tree.Has(place))
        findings.push_back({place, 0, std::string("is not there for ") + door.header});
    }
  }
  return findings;
}

}  // namespace tidemark
