// Goal: the rules about files' shape refuse what they must. Method: small
// trees.
#include <algorithm>

#include "tests/tidy/snippets.h"

namespace tidemark {
namespace {

std::string Lines(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "int a;\n";
  return text;
}

TEST(ShapeRules, LongFilesAreNamed) {
  ExpectCaught(FileLengths, "crypto/a.cc", Lines(301), 301);
  ExpectCaught(FileLengths, "crypto/a.h", Lines(151), 151);
  ExpectCaught(FileLengths, "scripts/lab", "#!/bin/sh\n" + Lines(300), 301);
  ExpectClean(FileLengths, "crypto/a.cc", Lines(300));
  ExpectClean(FileLengths, "crypto/a.h", Lines(150));
  ExpectClean(FileLengths, "replicator/FORMAT.md", Lines(1000));
}

TEST(ShapeRules, CappedFilesMayShrinkOnly) {
  ExpectClean(FileLengths, "agent/io/task.h", Lines(154));
  ExpectCaught(FileLengths, "agent/io/task.h", Lines(155), 155);
  for (const size_t lines : {150, 151}) {
    const Findings stale = StaleCaps(TreeOf({{"agent/io/task.h", Lines(lines)}}));
    const auto names_it = [](const Finding& finding) { return finding.path == "agent/io/task.h"; };
    EXPECT_EQ(std::any_of(stale.begin(), stale.end(), names_it), lines == 150);
  }
}

TEST(ShapeRules, LongFunctionsAreNamed) {
  const std::string around =
      "namespace tidemark {\nstruct A {\n  int b{1};\n};\nconstexpr int kTable[] = {\n" +
      Lines(100) + "};\n";
  const std::string head = "template <class T>\nA::A(T b) : b_{b} {\n";
  ExpectCaught(FunctionLengths, "crypto/a.cc", "int A() {\n" + Lines(89) + "}\n", 1);
  ExpectCaught(FunctionLengths, "crypto/a.cc", around + "int A() {\n" + Lines(89) + "}\n}\n", 107);
  ExpectCaught(FunctionLengths, "crypto/a.h",
               "class A {\n public:\n  int B() {\n if (b) {\n" + Lines(90) + "}\n}\n};\n", 3);
  ExpectCaught(FunctionLengths, "crypto/a.cc", head + Lines(90) + "}\n", 2);
  ExpectClean(FunctionLengths, "crypto/a.cc",
              around + "int A() {\n" + Lines(88) + "}\nint B() {\n" + Lines(88) + "}\n}\n");
}

TEST(ShapeRules, LongLinesAreNamed) {
  ExpectCaught(LineLengths, "crypto/a.cc", "int a;\n// " + std::string(98, 'x') + "\n", 2);
  ExpectClean(LineLengths, "crypto/a.cc", std::string(100, 'x') + "\n");
}

TEST(ShapeRules, GuardsAreThePathInCapitals) {
  const std::string good =
      "// A.\n#ifndef TIDEMARK_AGENT_IO_A_H_\n#define TIDEMARK_AGENT_IO_A_H_\nint a;\n#endif  // "
      "TIDEMARK_AGENT_IO_A_H_\n";
  ExpectClean(IncludeGuards, "agent/io/a.h", good);
  EXPECT_EQ(IncludeGuards(TreeOf({{"agent/a.h", good}})).size(), 2u);
  ExpectCaught(IncludeGuards, "agent/io/a.h", good + "int b;\n", 6);
  ExpectCaught(FileNames, "agent/a.h", "#pragma once\n", 0);
}

TEST(ShapeRules, FilesSayWhatTheyAre) {
  ExpectCaught(FirstComments, "crypto/a.h", "#ifndef A\n", 1);
  ExpectCaught(FirstComments, "scripts/lab", "#!/bin/bash\nset -e\n", 2);
  ExpectClean(FirstComments, "crypto/a.h", "// What it is.\n");
  ExpectClean(FirstComments, "scripts/lab", "#!/bin/bash\n# What it does.\n");
}

TEST(ShapeRules, RoomsAreNotNamedForNothing) {
  ExpectCaught(FileNames, "agent/string_util.h", "int a;\n", 0);
  ExpectCaught(FileNames, "agent/common/a.h", "int a;\n", 0);
  ExpectCaught(FileNames, "agent/a.h", "using namespace std;\n", 0);
  ExpectClean(FileNames, "agent/commonplace.cc", "using namespace std;\n");
}

TEST(ShapeRules, LooseEndsAndMachinesAreNamed) {
  ExpectCaught(UnfinishedWork, "docs/a.md",
               "a\nTO"
               "DO: b\n",
               2);
  ExpectCaught(UnfinishedWork, "crypto/a.cc",
               "// FIX"
               "ME\n",
               1);
  ExpectCaught(UnfinishedWork, "crypto/a.cc",
               "// XX"
               "X\n",
               1);
  ExpectClean(UnfinishedWork, "scripts/lab", "mktemp lab.XXXXXX\n");
  ExpectCaught(MachineNames, "scripts/lab",
               "cd /wo"
               "rk/main\n",
               1);
  ExpectCaught(MachineNames, "docs/a.md",
               "a\nls /fa"
               "rm\n",
               2);
  ExpectCaught(MachineNames, "docs/a.md",
               "see .lib"
               "rary\n",
               1);
  ExpectClean(MachineNames, "docs/a.md",
              "home/wo"
              "rk/main\n");
}

}  // namespace
}  // namespace tidemark
