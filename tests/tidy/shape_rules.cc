#include <algorithm>
#include <cctype>

#include "tests/tidy/blocks.h"
#include "tests/tidy/rules.h"

namespace tidemark {
namespace {

constexpr size_t kFileLinesMax = 500;
constexpr size_t kSourceLinesMax = 300;
constexpr size_t kHeaderLinesMax = 150;
constexpr size_t kFunctionLinesMax = 90;
constexpr size_t kColumnsMax = 100;

// Files beyond the usual length, each with the length it may keep: they may shrink, not grow.
struct Cap {
  const char* path;
  size_t lines;
};
constexpr Cap kCaps[] = {
    {"agent/cli/bare.cc", 335},
    {"agent/control_socket.cc", 315},
    {"agent/io/task.h", 154},
    {"agent/io/uring_loop.h", 151},
    {"agent/source/log_writer.h", 180},
    {"agent/source/site_link.cc", 460},
    {"agent/source/site_link.h", 230},
    {"tests/agent/recover/restore_test.cc", 330},
    {"tests/agent/cli/control_socket_test.cc", 425},
    {"tests/agent/site/test_agent.h", 230},
    {"tests/crypto/channel_test.cc", 315},
    {"tests/io/conformance_files.h", 254},
    {"tests/io/conformance_names.h", 155},
    {"tests/io/conformance_sockets.h", 208},
    {"tests/io/conformance_time.h", 200},
    {"tests/io/conformance_waiting.h", 191},
    {"tests/replicator/lag_book_oracle_test.cc", 303},
    {"tests/replicator/promise_book_test.cc", 323},
    {"tests/sim/sim_disk_test.cc", 302},
    {"tests/sim/sim_net_test.cc", 321},
    {"tests/sim/sim_world_test.cc", 464},
};

size_t UsualLinesMax(const SourceFile& file) {
  return file.header() ? kHeaderLinesMax : kSourceLinesMax;
}

size_t LinesMax(const SourceFile& file) {
  for (const Cap& cap : kCaps) {
    if (file.path() == cap.path) return cap.lines;
  }
  return UsualLinesMax(file);
}

std::string GuardOf(const std::string& path) {
  std::string guard = "TIDEMARK_";
  for (const char c : path) {
    guard += std::isalnum(static_cast<unsigned char>(c))
                 ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                 : '_';
  }
  return guard + "_";
}

bool IsScript(const SourceFile& file) { return file.text().starts_with("#!"); }

}  // namespace

Findings FileLengths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.cpp() && !file.proto() && !IsScript(file)) continue;
    const size_t lines_max = std::min(LinesMax(file), kFileLinesMax);
    if (file.line_count() > lines_max) {
      findings.push_back(
          {file.path(), file.line_count(), "longer than " + std::to_string(lines_max) + " lines"});
    }
  }
  return findings;
}

Findings StaleCaps(const SourceTree& tree) {
  Findings findings;
  for (const Cap& cap : kCaps) {
    const SourceFile* file = tree.Find(cap.path);
    if (file == nullptr || file->line_count() <= UsualLinesMax(*file)) {
      findings.push_back({cap.path, 0, "needs no cap of " + std::to_string(cap.lines) + " lines"});
    }
  }
  return findings;
}

Findings FunctionLengths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const Block& block : FunctionBodies(file.body())) {
      const size_t lines =
          file.LineAt(block.close) - file.LineAt(SkipBlanks(file.body(), block.head)) + 1;
      if (lines > kFunctionLinesMax) {
        findings.push_back(
            file.At(block.open, "a function of " + std::to_string(lines) + " lines"));
      }
    }
  }
  return findings;
}

Findings LineLengths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.cpp() && !file.proto()) continue;
    const std::string& text = file.text();
    for (size_t start = 0; start < text.size();) {
      const size_t end = std::min(text.find('\n', start), text.size());
      const auto columns = std::count_if(
          text.begin() + static_cast<ptrdiff_t>(start), text.begin() + static_cast<ptrdiff_t>(end),
          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
      if (static_cast<size_t>(columns) > kColumnsMax)
        findings.push_back(file.At(start, std::to_string(columns) + " columns"));
      start = end + 1;
    }
  }
  return findings;
}

Findings IncludeGuards(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.header()) continue;
    const std::string guard = GuardOf(file.path());
    const std::string opening = "#ifndef " + guard + "\n#define " + guard + "\n";
    const size_t first = file.uncommented().find('#');
    if (first == std::string::npos ||
        file.uncommented().compare(first, opening.size(), opening) != 0) {
      findings.push_back({file.path(), 0, "its guard is not " + guard});
    }
    if (!file.text().ends_with("#endif  // " + guard + "\n")) {
      findings.push_back({file.path(), file.line_count(), "does not end with its guard"});
    }
  }
  return findings;
}

Findings FirstComments(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (file.header() && !file.text().starts_with("// "))
      findings.push_back({file.path(), 1, "does not say first what it is"});
    if (IsScript(file)) {
      const size_t second = file.text().find('\n');
      if (file.text().compare(second + 1, 2, "# ") != 0)
        findings.push_back({file.path(), 2, "does not say what it does"});
    }
  }
  return findings;
}

Findings FileNames(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const char* word : {"util", "utils", "common", "helper", "helpers", "misc"}) {
      std::string name = file.path();
      std::replace(name.begin(), name.end(), '_', '/');
      if (FindWord(name, word) != std::string::npos)
        findings.push_back({file.path(), 0, "has no room of its own"});
    }
    if (file.cpp() && file.code().find("#pragma once") != std::string::npos)
      findings.push_back({file.path(), 0, "#pragma once"});
    if (file.header() && file.code().find("using namespace") != std::string::npos) {
      findings.push_back({file.path(), 0, "using namespace in a header"});
    }
  }
  return findings;
}

Findings UnfinishedWork(const SourceTree& tree) {
  Findings findings;
  // Spelled in two halves, so that this file may be read too.
  for (const std::string& word :
       {std::string("TO") + "DO", std::string("FIX") + "ME", std::string("XX") + "X"}) {
    for (const SourceFile& file : tree.files()) {
      for (size_t at = FindWord(file.text(), word); at != std::string::npos;
           at = FindWord(file.text(), word, at + 1)) {
        findings.push_back(file.At(at, "unfinished: " + word));
      }
    }
  }
  return findings;
}

Findings MachineNames(const SourceTree& tree) {
  Findings findings;
  for (const std::string& name :
       {std::string("/wo") + "rk/", std::string("/fa") + "rm", std::string(".lib") + "rary"}) {
    for (const SourceFile& file : tree.files()) {
      for (size_t at = file.text().find(name); at != std::string::npos;
           at = file.text().find(name, at + 1)) {
        if (at > 0 && IsWordCharacter(file.text()[at - 1])) continue;
        findings.push_back(file.At(at, "names a machine it was built on: " + name));
      }
    }
  }
  return findings;
}

}  // namespace tidemark
