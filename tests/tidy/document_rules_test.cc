// Goal: the rules about the build and the pages refuse what they must. Method: small trees.
#include "tests/tidy/snippets.h"

namespace tidemark {
namespace {

TEST(DocumentRules, SourcesAreBuilt) {
  const std::pair<std::string, std::string> root = {"CMakeLists.txt", "add_subdirectory(tests)\n"};
  EXPECT_TRUE(BuiltSources(TreeOf({root,
                                   {"tests/CMakeLists.txt", "a_test.cc io/b.cc"},
                                   {"tests/a_test.cc", ""},
                                   {"tests/io/b.cc", ""}}))
                  .empty());
  EXPECT_EQ(BuiltSources(
                TreeOf({root, {"tests/CMakeLists.txt", "data_test.cc"}, {"tests/a_test.cc", ""}}))
                .size(),
            1u);
  EXPECT_EQ(
      BuiltSources(TreeOf({root, {"tests/CMakeLists.txt", "b.cc"}, {"tests/io/b.cc", ""}})).size(),
      1u);
  EXPECT_EQ(
      BuiltSources(TreeOf({root, {"tests/CMakeLists.txt", ""}, {"tests/io/CMakeLists.txt", ""}}))
          .size(),
      1u);
}

TEST(DocumentRules, BugsHangOnceAndHaveAPlaque) {
  const std::string bug = "if (MUSEUM_BUG(\"no-flush\")) return;\n";
  const std::pair<std::string, std::string> plaque = {"tests/sim/README.md",
                                                      "* `no-flush`: acks before the flush.\n"};
  EXPECT_TRUE(MuseumBugs(TreeOf({{"agent/a.cc", bug}, plaque})).empty());
  EXPECT_EQ(MuseumBugs(TreeOf({{"agent/a.cc", bug}})).size(), 1u);
  EXPECT_EQ(MuseumBugs(TreeOf({{"agent/a.cc", bug}, {"agent/b.cc", bug}, plaque})).size(), 2u);
}

TEST(DocumentRules, PagesNameWhatIsThere) {
  EXPECT_EQ(DocumentedPaths(TreeOf({{"README.md", "see `crypto/gone.h`\n"}})).size(), 1u);
  EXPECT_EQ(DocumentedPaths(TreeOf({{"README.md", "see seal.cc:12\n"}})).size(), 1u);
  EXPECT_TRUE(DocumentedPaths(
                  TreeOf({{"README.md", "see `crypto/a`, `crypto/`, `agent/*` and `x` at 12:30\n"},
                          {"crypto/a.h", ""}}))
                  .empty());
}

TEST(DocumentRules, ARoomsPageNamesItsOwnFiles) {
  const std::pair<std::string, std::string> page = {"crypto/README.md", "`seal.cc` seals\n"};
  EXPECT_EQ(DocumentedPaths(TreeOf({page, {"chunker/seal.cc", ""}})).size(), 1u);
  EXPECT_TRUE(DocumentedPaths(TreeOf({page, {"crypto/seal.cc", ""}})).empty());
}

TEST(DocumentRules, RoomsDescribeTheirFiles) {
  EXPECT_EQ(RoomReadmes(TreeOf({{"crypto/a.cc", ""}})).size(), 1u);
  EXPECT_EQ(RoomReadmes(TreeOf({{"crypto/a.cc", ""}, {"crypto/README.md", "`ab`"}})).size(), 1u);
  EXPECT_TRUE(
      RoomReadmes(
          TreeOf({{"crypto/a.cc", ""}, {"crypto/a.h", ""}, {"crypto/README.md", "`a` does it"}}))
          .empty());
}

}  // namespace
}  // namespace tidemark
