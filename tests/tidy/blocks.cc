#include "tests/tidy/blocks.h"

#include "tests/tidy/source_tree.h"

namespace tidemark {
namespace {

enum class Kind { kSpace, kType, kData, kFunction, kInner };

bool HasWord(std::string_view text, std::string_view word) {
  return FindWord(text, word) != text.npos;
}

std::string_view WithoutTemplate(std::string_view head) {
  head = Trimmed(head);
  while (head.starts_with("template")) {
    const size_t open = head.find('<');
    if (open == head.npos) return head;
    const size_t close = ClosingBracket(head, open);
    head = Trimmed(head.substr(std::min(close + 1, head.size())));
  }
  return head;
}

// What the block is that `head` introduces in a namespace or type.
Kind KindOf(std::string_view head) {
  head = WithoutTemplate(head);
  if (HasWord(head, "namespace") || head.starts_with("extern")) return Kind::kSpace;
  if (head.ends_with('=') || head.ends_with(']') || head.starts_with("concept")) return Kind::kData;
  for (const std::string_view access : {"public:", "private:", "protected:"}) {
    const size_t at = head.rfind(access);
    if (at != head.npos) head = WithoutTemplate(head.substr(at + access.size()));
  }
  for (const std::string_view word : {"class", "struct", "union", "enum", "typedef struct"}) {
    if (FindWord(head, word) == 0) return Kind::kType;
  }
  return Kind::kFunction;
}

struct Open {
  char bracket = '{';
  Kind kind = Kind::kSpace;
  size_t offset = 0;
  size_t start = 0;  // where the current statement in it started
  std::vector<size_t> awaits;
};

bool HoldsDeclarations(Kind kind) { return kind == Kind::kSpace || kind == Kind::kType; }

// Walks over the text once and tells of blocks and statements.
class Walk {
 public:
  explicit Walk(std::string_view body) : body_(body) { stack_.emplace_back(); }

  void Run() {
    for (size_t i = 0; i < body_.size(); ++i) {
      const char c = body_[i];
      if (c == '(' || c == '[')
        stack_.push_back(
            {.bracket = c, .kind = Kind::kInner, .offset = i, .start = i + 1, .awaits = {}});
      if (c == '{') OpenBlock(i);
      if (c == ')' || c == ']') CloseBracket(i);
      if (c == '}') CloseBlock(i);
      if (c == ';' && stack_.back().bracket == '{') EndStatement(i, false);
      if (c == 'c' && FindWord(body_.substr(i, 8), "co_await") == 0) NoteAwait(i);
    }
  }

  std::vector<Block> functions;
  std::vector<Statement> statements;

 private:
  void OpenBlock(size_t at) {
    Open& around = stack_.back();
    Kind kind = Kind::kInner;
    const size_t head = around.start;
    if (around.bracket == '{') {
      if (HoldsDeclarations(around.kind)) kind = KindOf(body_.substr(head, at - head));
      // A data member of a type, or an initialiser with '=', goes on behind its brace.
      EndStatement(at, true);
    }
    stack_.push_back({.bracket = '{', .kind = kind, .offset = at, .start = at + 1, .awaits = {}});
    heads_.push_back(head);
  }

  void CloseBlock(size_t at) {
    if (stack_.size() < 2 || stack_.back().bracket != '{') return;
    EndStatement(at, false);
    const Open block = stack_.back();
    stack_.pop_back();
    if (block.kind == Kind::kFunction) functions.push_back({heads_.back(), block.offset, at});
    heads_.pop_back();
    if (stack_.back().bracket == '{') stack_.back().start = at + 1;
  }

  // A parenthesis hands its awaits to what is around it.
  void CloseBracket(size_t) {
    if (stack_.size() < 2 || stack_.back().bracket == '{') return;
    const Open bracket = stack_.back();
    stack_.pop_back();
    stack_.back().awaits.insert(stack_.back().awaits.end(), bracket.awaits.begin(),
                                bracket.awaits.end());
  }

  void EndStatement(size_t at, bool braced) {
    Open& block = stack_.back();
    if (!block.awaits.empty()) statements.push_back({block.start, at, braced, block.awaits});
    block.awaits.clear();
    block.start = at + 1;
  }

  void NoteAwait(size_t at) {
    if (at > 0 && IsWordCharacter(body_[at - 1])) return;
    stack_.back().awaits.push_back(at);
  }

  std::string_view body_;
  std::vector<Open> stack_;
  std::vector<size_t> heads_;
};

// Whether the '[' at `at` begins a lambda.
bool BeginsLambda(std::string_view body, size_t at) {
  if (at + 1 < body.size() && body[at + 1] == '[') return false;
  const size_t before = LastBefore(body, at);
  if (before != body.npos) {
    const char c = body[before];
    if (c == ')' || c == ']' || c == '[') return false;
    if (IsWordCharacter(c)) {
      const std::string_view text = body.substr(0, before + 1);
      if (!text.ends_with("return") && !text.ends_with("co_await")) return false;
    }
  }
  const size_t close = ClosingBracket(body, at);
  const size_t next = SkipBlanks(body, close + 1);
  if (next >= body.size()) return false;
  return body[next] == '(' || body[next] == '{' || body.substr(next, 7) == "mutable" ||
         body[next] == '<';
}

}  // namespace

std::vector<Block> FunctionBodies(std::string_view body) {
  Walk walk(body);
  walk.Run();
  return walk.functions;
}

std::vector<Statement> AwaitingStatements(std::string_view body) {
  Walk walk(body);
  walk.Run();
  return walk.statements;
}

std::vector<Lambda> Lambdas(std::string_view body) {
  std::vector<Lambda> lambdas;
  for (size_t at = body.find('['); at != body.npos; at = body.find('[', at + 1)) {
    if (!BeginsLambda(body, at)) continue;
    size_t next = SkipBlanks(body, ClosingBracket(body, at) + 1);
    if (body[next] == '(') next = ClosingBracket(body, next);
    const size_t open = body.find('{', next);
    if (open == body.npos || body.find(';', next) < open) continue;
    lambdas.push_back({at, open, ClosingBracket(body, open)});
  }
  return lambdas;
}

std::vector<Declaration> TaskDeclarations(std::string_view body) {
  std::vector<Declaration> declarations;
  for (size_t at = FindWord(body, "Task"); at != body.npos; at = FindWord(body, "Task", at + 1)) {
    if (at + 4 >= body.size() || body[at + 4] != '<') continue;
    const size_t name = SkipBlanks(body, ClosingBracket(body, at + 4) + 1);
    size_t end = name;
    while (end < body.size() && (IsWordCharacter(body[end]) || body[end] == ':')) ++end;
    if (end == name || end >= body.size() || body[end] != '(') continue;
    const size_t close = ClosingBracket(body, end);
    const size_t scope = body.substr(name, end - name).rfind(':');
    const size_t first = scope == body.npos ? name : name + scope + 1;
    declarations.push_back({at, body.substr(first, end - first),
                            SplitArguments(body.substr(end + 1, close - end - 1))});
  }
  return declarations;
}

}  // namespace tidemark
