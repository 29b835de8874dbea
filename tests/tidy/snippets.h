// Small trees for the rules' own tests: one breach each, or none.
#ifndef TIDEMARK_TESTS_TIDY_SNIPPETS_H_
#define TIDEMARK_TESTS_TIDY_SNIPPETS_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/tidy/rules.h"

namespace tidemark {

using Rule = Findings (*)(const SourceTree& tree);

inline SourceTree TreeOf(const std::vector<std::pair<std::string, std::string>>& snippets) {
  std::vector<SourceFile> files;
  for (const auto& [path, text] : snippets) files.emplace_back(path, text);
  return SourceTree(std::move(files));
}

// The rule finds exactly one breach, at `line`, in a tree of this one file.
inline void ExpectCaught(Rule rule, const std::string& path, const std::string& text, size_t line) {
  const Findings findings = rule(TreeOf({{path, text}}));
  ASSERT_EQ(findings.size(), 1u) << text << "\n" << Listing(findings);
  EXPECT_EQ(findings[0].path, path);
  EXPECT_EQ(findings[0].line, line) << text << "\n" << Listing(findings);
}

inline void ExpectClean(Rule rule, const std::string& path, const std::string& text) {
  const Findings findings = rule(TreeOf({{path, text}}));
  EXPECT_TRUE(findings.empty()) << text << "\n" << Listing(findings);
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_TIDY_SNIPPETS_H_
