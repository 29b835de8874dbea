// SourceFile: from text to what the rules look at.
#include <algorithm>
#include <cctype>

#include "tests/tidy/source_tree.h"

namespace tidemark {
namespace {

std::string RoomOf(const std::string& path) {
  const size_t first = path.find('/');
  if (first == std::string::npos) return "";
  const size_t second = path.find('/', first + 1);
  if (second == std::string::npos) return path.substr(0, first);
  const std::string top = path.substr(0, first);
  if (top == "agent" || top == "tests") return path.substr(0, second);
  return top;
}

void Blank(std::string* text, size_t begin, size_t end) {
  for (size_t i = begin; i < end && i < text->size(); ++i) {
    if ((*text)[i] != '\n') (*text)[i] = ' ';
  }
}

// Where the literal that begins at the quote `open` ends: the offset behind its closing quote.
size_t LiteralEnd(const std::string& text, size_t open) {
  const char quote = text[open];
  size_t i = open + 1;
  while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

// The same for R"delimiter(...)delimiter".
size_t RawLiteralEnd(const std::string& text, size_t open) {
  const size_t parenthesis = text.find('(', open);
  if (parenthesis == std::string::npos) return text.size();
  const std::string ending = ")" + text.substr(open + 1, parenthesis - open - 1) + "\"";
  const size_t end = text.find(ending, parenthesis);
  return end == std::string::npos ? text.size() : end + ending.size();
}

bool StartsRawLiteral(const std::string& text, size_t quote) {
  return text[quote] == '"' && quote > 0 && text[quote - 1] == 'R' &&
         (quote == 1 || !IsWordCharacter(text[quote - 2]));
}

// 1'000'000 has no character literal in it.
bool SeparatesDigits(const std::string& text, size_t quote) {
  return text[quote] == '\'' && quote > 0 &&
         std::isxdigit(static_cast<unsigned char>(text[quote - 1]));
}

void BlankLiteralsAndComments(const std::string& text, std::string* uncommented,
                              std::string* code) {
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i + 1;
    if (text.compare(i, 2, "//") == 0) {
      end = std::min(text.find('\n', i), text.size());
      Blank(uncommented, i, end);
      Blank(code, i, end);
    } else if (text.compare(i, 2, "/*") == 0) {
      const size_t close = text.find("*/", i + 2);
      end = close == std::string::npos ? text.size() : close + 2;
      Blank(uncommented, i, end);
      Blank(code, i, end);
    } else if ((text[i] == '"' || text[i] == '\'') && !SeparatesDigits(text, i)) {
      end = StartsRawLiteral(text, i) ? RawLiteralEnd(text, i) : LiteralEnd(text, i);
      Blank(code, i + 1, end - 1);
    }
    i = end;
  }
}

}  // namespace

SourceFile::SourceFile(std::string path, std::string text)
    : path_(std::move(path)),
      room_(RoomOf(path_)),
      text_(std::move(text)),
      uncommented_(text_),
      code_(text_) {
  for (size_t start = 0; start < text_.size();) {
    line_starts_.push_back(start);
    const size_t end = text_.find('\n', start);
    start = end == std::string::npos ? text_.size() : end + 1;
  }
  if (!cpp()) return;
  BlankLiteralsAndComments(text_, &uncommented_, &code_);
  body_ = code_;
  bool continued = false;
  for (size_t line = 0; line < line_starts_.size(); ++line) {
    const size_t start = line_starts_[line];
    const size_t end = line + 1 < line_starts_.size() ? line_starts_[line + 1] : text_.size();
    const size_t first = SkipBlanks(body_, start);
    const bool directive = continued || (first < end && body_[first] == '#');
    if (!directive) continue;
    const size_t last = LastBefore(text_, end);
    const size_t word = SkipBlanks(body_, first + 1);
    if (!continued && code_.compare(word, 7, "include") == 0) {
      const size_t open = uncommented_.find_first_of("\"<", word);
      const size_t close = open < end ? uncommented_.find_first_of("\">", open + 1) : end;
      if (close < end) {
        includes_.push_back(
            {uncommented_.substr(open + 1, close - open - 1), uncommented_[open] == '"', line + 1});
      }
    }
    continued = last < end && last >= start && text_[last] == '\\';
    Blank(&body_, start, end);
  }
}

bool SourceFile::Under(std::string_view directory) const {
  return path_.size() > directory.size() && path_.starts_with(directory) &&
         path_[directory.size()] == '/';
}

size_t SourceFile::LineAt(size_t offset) const {
  return static_cast<size_t>(std::upper_bound(line_starts_.begin(), line_starts_.end(), offset) -
                             line_starts_.begin());
}

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

size_t FindWord(std::string_view text, std::string_view word, size_t from) {
  for (size_t at = text.find(word, from); at != text.npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || !IsWordCharacter(word.front()) || !IsWordCharacter(text[at - 1]);
    const bool ends =
        end == text.size() || !IsWordCharacter(word.back()) || !IsWordCharacter(text[end]);
    if (starts && ends) return at;
  }
  return text.npos;
}

size_t SkipBlanks(std::string_view text, size_t from) {
  return std::min(text.find_first_not_of(" \t\r\n", from), text.size());
}

size_t LastBefore(std::string_view text, size_t from) {
  return from == 0 ? text.npos : text.find_last_not_of(" \t\r\n", from - 1);
}

size_t ClosingBracket(std::string_view text, size_t open) {
  const char opening = text[open];
  const char closing = opening == '(' ? ')' : opening == '[' ? ']' : opening == '{' ? '}' : '>';
  size_t depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    const bool arrow = closing == '>' && i > 0 && text[i - 1] == '-';
    if (text[i] == opening) ++depth;
    if (text[i] == closing && !arrow && --depth == 0) return i;
  }
  return text.size();
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = SkipBlanks(text, 0);
  const size_t last = LastBefore(text, text.size());
  return first == text.size() ? std::string_view() : text.substr(first, last + 1 - first);
}

std::vector<std::string_view> SplitArguments(std::string_view text) {
  std::vector<std::string_view> parts;
  if (Trimmed(text).empty()) return parts;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool arrow = text[i] == '>' && i > 0 && text[i - 1] == '-';
    if (std::string_view("([{<").find(text[i]) != std::string_view::npos) ++depth;
    if (std::string_view(")]}>").find(text[i]) != std::string_view::npos && !arrow) --depth;
    if (text[i] == ',' && depth == 0) {
      parts.push_back(Trimmed(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  parts.push_back(Trimmed(text.substr(start)));
  return parts;
}

}  // namespace tidemark
