#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "tests/tidy/rules.h"

namespace tidemark {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string Joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

// Whether `name` stands in the text as a path of its own: not as the end of a longer name.
bool NamesPath(const std::string& text, const std::string& name) {
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool starts =
        at == 0 || (!IsWordCharacter(text[at - 1]) && text[at - 1] != '/' && text[at - 1] != '-');
    const bool ends =
        end == text.size() || (!IsWordCharacter(text[end]) && text[end] != '/' && text[end] != '-');
    if (starts && ends) return true;
  }
  return false;
}

// Whether a CMakeLists.txt beside or above a file or directory names it by its path from there.
bool IsBuilt(const SourceTree& tree, const std::string& path) {
  for (std::string directory = DirectoryOf(path);; directory = DirectoryOf(directory)) {
    const SourceFile* lists = tree.Find(Joined(directory, "CMakeLists.txt"));
    const std::string name = directory.empty() ? path : path.substr(directory.size() + 1);
    if (lists != nullptr && NamesPath(lists->text(), name)) return true;
    if (directory.empty()) return false;
  }
}

// Whether a list above names this one's directory; the root's needs nobody.
bool IsReached(const SourceTree& tree, const std::string& lists) {
  const std::string directory = DirectoryOf(lists);
  return directory.empty() || IsBuilt(tree, directory);
}

// The texts between two backticks of one line.
std::vector<std::pair<size_t, std::string>> Quoted(const std::string& text) {
  std::vector<std::pair<size_t, std::string>> quoted;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    size_t open = text.find('`', start);
    while (open < end) {
      const size_t close = text.find('`', open + 1);
      if (close >= end) break;
      quoted.emplace_back(open + 1, text.substr(open + 1, close - open - 1));
      open = text.find('`', close + 1);
    }
    start = end + 1;
  }
  return quoted;
}

// Whether the words look like a path from the root.
bool LooksLikePath(const std::string& words) {
  for (const char* top : {"agent/", "bench/", "chunker/", "cmake/", "crypto/", "deploy/", "docs/",
                          "scripts/", "replicator/", "tests/"}) {
    if (!words.starts_with(top)) continue;
    return std::all_of(words.begin(), words.end(), [](char c) {
      return IsWordCharacter(c) || c == '/' || c == '.' || c == '-';
    });
  }
  return false;
}

// Whether `words` on a room's page name a file of that room: "seal_job.h".
bool IsFileOfARoom(const SourceFile& page, const std::string& words) {
  const bool plain = std::all_of(words.begin(), words.end(),
                                 [](char c) { return IsWordCharacter(c) || c == '.'; });
  return plain && !page.room().empty() && (words.ends_with(".h") || words.ends_with(".cc"));
}

// "name.cc:12"
bool NamesALine(const std::string& text, size_t colon) {
  const std::string before = text.substr(colon < 4 ? 0 : colon - 4, std::min<size_t>(colon, 4));
  const bool file = before.ends_with(".cc") || before.ends_with(".h") || before.ends_with(".md");
  return file && colon + 1 < text.size() &&
         std::isdigit(static_cast<unsigned char>(text[colon + 1])) != 0;
}

// The name of each MUSEUM_BUG("...") with its place.
std::multimap<std::string, Finding> BugsOf(const SourceTree& tree) {
  std::multimap<std::string, Finding> bugs;
  const std::string macro = "MUSEUM_BUG(\"";
  for (const SourceFile& file : tree.files()) {
    if (file.Under("tests/tidy")) continue;
    const std::string& text = file.uncommented();
    for (size_t at = text.find(macro); at != std::string::npos && file.cpp();
         at = text.find(macro, at + 1)) {
      const size_t start = at + macro.size();
      const std::string name = text.substr(start, text.find('"', start) - start);
      bugs.emplace(name, file.At(at, name));
    }
  }
  return bugs;
}

bool NeedsAReadme(const std::string& directory) {
  for (const char* room :
       {"agent", "bench", "chunker", "crypto", "replicator", "tests/sim", "tests/tidy"}) {
    if (directory == room) return true;
  }
  return directory.starts_with("agent/");
}

}  // namespace

Findings BuiltSources(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (file.path().ends_with(".cc") && !IsBuilt(tree, file.path())) {
      findings.push_back({file.path(), 0, "no CMakeLists.txt names it"});
    }
    if (file.cmake() && !IsReached(tree, file.path())) {
      findings.push_back({file.path(), 0, "no CMakeLists.txt above adds its directory"});
    }
  }
  return findings;
}

Findings MuseumBugs(const SourceTree& tree) {
  Findings findings;
  const std::multimap<std::string, Finding> bugs = BugsOf(tree);
  for (const auto& [name, place] : bugs) {
    if (bugs.count(name) > 1)
      findings.push_back({place.path, place.line, "bug " + name + " hangs in two places"});
    const bool documented = std::any_of(
        tree.files().begin(), tree.files().end(), [&bug = name](const SourceFile& file) {
          return file.markdown() && file.Under("tests") &&
                 file.text().find("`" + bug + "`") != std::string::npos;
        });
    if (!documented)
      findings.push_back(
          {place.path, place.line, "no README.md of the tests describes bug " + name});
  }
  return findings;
}

Findings DocumentedPaths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.markdown()) continue;
    for (const auto& [offset, words] : Quoted(file.text())) {
      if (IsFileOfARoom(file, words) && !tree.Has(DirectoryOf(file.path()) + "/" + words)) {
        findings.push_back(file.At(offset, words + " is not in this room"));
      }
      if (!LooksLikePath(words)) continue;
      if (!tree.Has(words) && !tree.Has(words + ".h") && !tree.Has(words + ".cc")) {
        findings.push_back(file.At(offset, words + " is not there"));
      }
    }
    for (size_t at = file.text().find(':'); at != std::string::npos;
         at = file.text().find(':', at + 1)) {
      if (NamesALine(file.text(), at))
        findings.push_back(file.At(at, "names a line; name a symbol"));
    }
  }
  return findings;
}

Findings RoomReadmes(const SourceTree& tree) {
  Findings findings;
  std::set<std::string> without;
  for (const SourceFile& file : tree.files()) {
    const std::string directory = DirectoryOf(file.path());
    if ((!file.cpp() && !file.proto()) || !NeedsAReadme(directory)) continue;
    const SourceFile* readme = tree.Find(directory + "/README.md");
    const std::string name = file.path().substr(directory.size() + 1);
    const std::string stem = name.substr(0, name.rfind('.'));
    if (readme == nullptr) {
      if (without.insert(directory).second)
        findings.push_back({directory + "/README.md", 0, "is not there"});
    } else if (!NamesPath(readme->text(), stem) && !NamesPath(readme->text(), name)) {
      findings.push_back({file.path(), 0, "its room's README.md does not mention it"});
    }
  }
  return findings;
}

}  // namespace tidemark
