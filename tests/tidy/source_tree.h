// The repository as text, for the rules of the house (rules.h): files, includes, lines. A tree is
// read from disk or made of snippets, so that every rule can be shown something that it must
// refuse.
#ifndef TIDEMARK_TESTS_TIDY_SOURCE_TREE_H_
#define TIDEMARK_TESTS_TIDY_SOURCE_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// One breach of one rule.
struct Finding {
  std::string path;
  size_t line = 0;  // from 1; 0: the file as a whole
  std::string what;
};
using Findings = std::vector<Finding>;
// One "path:line: what" a line.
std::string Listing(const Findings& findings);

struct Include {
  std::string target;
  bool quoted = false;  // else in angle brackets
  size_t line = 0;
};

class SourceFile {
 public:
  // `path` is relative to the root: "agent/io/task.h".
  SourceFile(std::string path, std::string text);

  const std::string& path() const { return path_; }
  // "crypto", "agent/io", "agent" for what lies in agent/ itself, "tests", "tests/sim", "" at the
  // root.
  const std::string& room() const { return room_; }
  bool header() const { return path_.ends_with(".h"); }
  bool cpp() const { return header() || path_.ends_with(".cc"); }
  bool proto() const { return path_.ends_with(".proto"); }
  bool cmake() const { return path_.ends_with("CMakeLists.txt"); }
  bool markdown() const { return path_.ends_with(".md"); }
  bool Under(std::string_view directory) const;  // "agent/io" holds "agent/io/task.h"

  const std::string& text() const { return text_; }
  // C++ of the same length and lines: comments blanked; then literals too (their quotes stay); then
  // preprocessor lines too.
  const std::string& uncommented() const { return uncommented_; }
  const std::string& code() const { return code_; }
  const std::string& body() const { return body_; }
  const std::vector<Include>& includes() const { return includes_; }

  size_t LineAt(size_t offset) const;
  size_t line_count() const { return line_starts_.size(); }
  Finding At(size_t offset, std::string what) const {
    return {path_, LineAt(offset), std::move(what)};
  }

 private:
  std::string path_, room_, text_, uncommented_, code_, body_;
  std::vector<size_t> line_starts_;
  std::vector<Include> includes_;
};

class SourceTree {
 public:
  explicit SourceTree(std::vector<SourceFile> files) : files_(std::move(files)) {}
  // What belongs to the project below `root`, build trees left out, in the order of names.
  static SourceTree Read(const std::string& root);

  const std::vector<SourceFile>& files() const { return files_; }
  const SourceFile* Find(std::string_view path) const;
  // A file, or a directory that holds one.
  bool Has(std::string_view path) const;

 private:
  std::vector<SourceFile> files_;
};

// Text search. Words end where letters, digits and underscores end.
bool IsWordCharacter(char c);
// The offset of `word` at or after `from`; npos: none.
size_t FindWord(std::string_view text, std::string_view word, size_t from = 0);
// The next offset that holds no blank; text.size() at the end.
size_t SkipBlanks(std::string_view text, size_t from);
// The last offset before `from` that holds no blank; npos: none.
size_t LastBefore(std::string_view text, size_t from);
// The offset of the bracket that closes the one at `open` ( ( [ { or < ); text.size(): none does.
size_t ClosingBracket(std::string_view text, size_t open);
std::string_view Trimmed(std::string_view text);
// The parts between commas that no bracket encloses, trimmed.
std::vector<std::string_view> SplitArguments(std::string_view text);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_TIDY_SOURCE_TREE_H_
