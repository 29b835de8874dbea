#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tidemark {
namespace {

namespace fs = std::filesystem;

// Directories that hold the project; everything else below the root is left alone.
constexpr const char* kDirectories[] = {"agent",      "bench",  "chunker", "cmake",
                                        "crypto",     "deploy", "docs",    "scripts",
                                        "replicator", "tests",  ".ci"};

void ReadFile(const fs::path& root, const fs::path& path, std::vector<SourceFile>* files) {
  std::ifstream stream(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (text.find('\0') != std::string::npos) return;
  files->emplace_back(fs::relative(path, root).generic_string(), std::move(text));
}

}  // namespace

std::string Listing(const Findings& findings) {
  std::string listing;
  for (const Finding& finding : findings) {
    listing += finding.path + ":" + std::to_string(finding.line) + ": " + finding.what + "\n";
  }
  return listing;
}

SourceTree SourceTree::Read(const std::string& root) {
  std::vector<SourceFile> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    // Local helpers of an editor or a tool begin with a dot and are not the project's.
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with(".")) {
      ReadFile(root, entry.path(), &files);
    }
  }
  for (const char* directory : kDirectories) {
    const fs::path top = fs::path(root) / directory;
    if (!fs::is_directory(top)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top)) {
      if (entry.is_regular_file()) ReadFile(root, entry.path(), &files);
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path() < b.path(); });
  return SourceTree(std::move(files));
}

const SourceFile* SourceTree::Find(std::string_view path) const {
  for (const SourceFile& file : files_) {
    if (file.path() == path) return &file;
  }
  return nullptr;
}

bool SourceTree::Has(std::string_view path) const {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::any_of(files_.begin(), files_.end(), [path](const SourceFile& file) {
    return file.path() == path || file.Under(path);
  });
}

}  // namespace tidemark
