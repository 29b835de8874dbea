#include <algorithm>
#include <map>

#include "tests/tidy/blocks.h"
#include "tests/tidy/rules.h"

namespace tidemark {
namespace {

bool HasWord(std::string_view text, std::string_view word) {
  return FindWord(text, word) != text.npos;
}

// Cuts leading "if (...)", "else", labels off a statement: what is left is the expression with its
// target.
std::string_view WithoutControl(std::string_view text) {
  text = Trimmed(text);
  while (true) {
    std::string_view rest = text;
    if (FindWord(rest, "else") == 0) rest = Trimmed(rest.substr(4));
    if (FindWord(rest, "case") == 0 || FindWord(rest, "default") == 0) {
      size_t colon = rest.find(':');
      while (colon < rest.size() && rest.substr(colon, 2) == "::")
        colon = rest.find(':', colon + 2);
      rest = colon < rest.size() ? Trimmed(rest.substr(colon + 1)) : std::string_view();
    }
    for (const std::string_view word : {"if constexpr", "if", "while", "for"}) {
      if (FindWord(rest, word) != 0) continue;
      const size_t open = SkipBlanks(rest, word.size());
      if (open < rest.size() && rest[open] == '(')
        rest = Trimmed(rest.substr(std::min(rest.size(), ClosingBracket(rest, open) + 1)));
    }
    if (rest == text) return text;
    text = rest;
  }
}

// What is wrong with how `statement` awaits; empty: nothing.
std::string AwaitFault(std::string_view body, const Statement& statement) {
  const std::string_view text = body.substr(statement.begin, statement.end - statement.begin);
  if (statement.awaits.size() > 1) return "more than one co_await in a statement";
  const std::string_view rest = WithoutControl(text);
  const size_t await = FindWord(rest, "co_await");
  if (await == rest.npos) return "co_await in a condition";
  if (text.find('?') != text.npos) return "co_await beside ?:";
  if (statement.braced) return "co_await before a brace";
  const std::string_view before = Trimmed(rest.substr(0, await));
  const bool target =
      before.empty() || before.ends_with('=') || before == "co_return" || before == "(void)";
  if (!target) return "co_await inside an expression: its result goes into a variable of its own";
  if (before.ends_with("==") || before.ends_with("!=")) return "co_await inside an expression";
  return Lambdas(text).empty() ? "" : "co_await beside a lambda";
}

// The Task functions of the tree: by name, where they are declared and with which parameters.
struct Signature {
  std::string room;
  std::vector<std::string> parameters;
};
using Signatures = std::multimap<std::string, Signature>;

Signatures AllSignatures(const SourceTree& tree) {
  Signatures signatures;
  for (const SourceFile& file : tree.files()) {
    for (const Declaration& declaration : TaskDeclarations(file.body())) {
      const std::vector<std::string> parameters(declaration.parameters.begin(),
                                                declaration.parameters.end());
      signatures.emplace(std::string(declaration.name), Signature{file.room(), parameters});
    }
  }
  return signatures;
}

// What a call in `room` may mean: its own room's functions of that name, else everybody's.
std::vector<Signature> Candidates(const Signatures& signatures, const std::string& name,
                                  const std::string& room) {
  std::vector<Signature> near, all;
  const auto [first, last] = signatures.equal_range(name);
  for (auto entry = first; entry != last; ++entry) {
    all.push_back(entry->second);
    if (entry->second.room == room) near.push_back(entry->second);
  }
  return near.empty() ? all : near;
}

// Trivially destructible aggregates: rule 2 lets a call make them.
constexpr std::string_view kTrivialAggregates[] = {"Small"};

// A view may be made in the call: destroying it does nothing.
bool TakesAView(const std::vector<Signature>& candidates, size_t index) {
  const auto view = [index](const Signature& signature) {
    if (index >= signature.parameters.size()) return false;
    const std::string& parameter = signature.parameters[index];
    return parameter.find("std::span<") != parameter.npos ||
           HasWord(parameter, "std::string_view") ||
           parameter.find("const char*") != parameter.npos ||
           parameter.find("ByteSpan") != parameter.npos;
  };
  return !candidates.empty() && std::all_of(candidates.begin(), candidates.end(), view);
}

bool MakesAString(std::string_view argument) {
  for (const std::string_view maker :
       {"absl::StrCat", "absl::StrFormat", "std::to_string", "absl::StrJoin"}) {
    if (FindWord(argument, maker) == 0) return true;
  }
  const size_t string = FindWord(argument, "std::string");
  return string == 0 && argument.size() > 11 && (argument[11] == '(' || argument[11] == '{');
}

// What is wrong with one argument of an awaited call; empty: nothing.
std::string ArgumentFault(const std::vector<Signature>& candidates, size_t index,
                          std::string_view argument) {
  if (MakesAString(argument)) return "makes a std::string in the awaiting statement";
  const bool literal = argument.find('"') != argument.npos;
  if (literal && argument.find('+') != argument.npos)
    return "makes a std::string in the awaiting statement";
  if (argument.starts_with('"') && !TakesAView(candidates, index))
    return "makes an object from a literal in the awaiting statement";
  const size_t brace = argument.find('{');
  if (brace == argument.npos) return "";
  for (const std::string_view type : kTrivialAggregates) {
    if (argument.substr(0, brace) == type) return "";
  }
  if (argument == "{}" && TakesAView(candidates, index)) return "";
  return "makes an aggregate in the awaiting statement";
}

// The words of the file that `part` of its body was.
std::string Original(const SourceFile& file, std::string_view part) {
  return file.text().substr(static_cast<size_t>(part.data() - file.body().data()), part.size());
}

void AddArgumentFaults(const SourceFile& file, const Signatures& signatures, size_t await,
                       Findings* findings) {
  const std::string_view body = file.body();
  size_t end = SkipBlanks(body, await + 8);
  size_t name = end;
  while (end < body.size() && body[end] != '(' && body[end] != ';') {
    if (!IsWordCharacter(body[end])) name = end + 1;
    ++end;
  }
  if (end >= body.size() || body[end] != '(') return;
  const std::string callee(body.substr(name, end - name));
  const std::vector<Signature> candidates = Candidates(signatures, callee, file.room());
  const std::string_view inside = body.substr(end + 1, ClosingBracket(body, end) - end - 1);
  const std::vector<std::string_view> arguments = SplitArguments(inside);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string fault = ArgumentFault(candidates, i, arguments[i]);
    if (!fault.empty())
      findings->push_back(file.At(await, "`" + Original(file, arguments[i]) + "` " + fault));
  }
}

// "const std::string& name", not "&local" and not a reference inside a template's or function's
// brackets.
bool IsReference(std::string_view parameter) {
  int depth = 0;
  for (size_t i = 0; i < parameter.size(); ++i) {
    const char c = parameter[i];
    if (c == '<' || c == '(') ++depth;
    if (c == '>' || c == ')') --depth;
    if (c == '&' && depth == 0 && i > 0) return true;
  }
  return false;
}

}  // namespace

Findings AwaitStatements(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const Statement& statement : AwaitingStatements(file.body())) {
      const std::string fault = AwaitFault(file.body(), statement);
      if (!fault.empty()) findings.push_back(file.At(statement.awaits.front(), fault));
    }
    // In a macro a co_await is in whatever statement uses it.
    for (size_t at = FindWord(file.code(), "co_await"); at != std::string::npos;
         at = FindWord(file.code(), "co_await", at + 1)) {
      if (file.body()[at] == ' ') findings.push_back(file.At(at, "co_await in a macro"));
    }
  }
  return findings;
}

Findings AwaitArguments(const SourceTree& tree) {
  const Signatures signatures = AllSignatures(tree);
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (size_t at = FindWord(file.body(), "co_await"); at != std::string::npos;
         at = FindWord(file.body(), "co_await", at + 1)) {
      AddArgumentFaults(file, signatures, at, &findings);
    }
  }
  return findings;
}

Findings LambdaCoroutines(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const Lambda& lambda : Lambdas(file.body())) {
      const std::string_view inside =
          std::string_view(file.body()).substr(lambda.open, lambda.close - lambda.open);
      if (HasWord(inside, "co_await") || HasWord(inside, "co_return") ||
          HasWord(inside, "co_yield")) {
        findings.push_back(file.At(lambda.begin, "a lambda that is a coroutine"));
      }
    }
  }
  return findings;
}

Findings SymmetricTransfer(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    const std::string& body = file.body();
    for (size_t at = FindWord(body, "await_suspend"); at != std::string::npos;
         at = FindWord(body, "await_suspend", at + 1)) {
      // Before it stands its scope, before that its type.
      size_t name = at;
      while (name > 0 && (IsWordCharacter(body[name - 1]) || body[name - 1] == ':')) --name;
      const std::string_view before = Trimmed(std::string_view(body).substr(0, name));
      const bool harmless =
          before.ends_with("void") || before.ends_with("bool") || before.ends_with('.');
      if (!harmless)
        findings.push_back(file.At(at, "await_suspend names what runs next: symmetric transfer"));
    }
  }
  return findings;
}

Findings ReferenceParameters(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    for (const Declaration& declaration : TaskDeclarations(file.body())) {
      for (const std::string_view parameter : declaration.parameters) {
        if (IsReference(parameter)) {
          findings.push_back(file.At(declaration.at, std::string(declaration.name) +
                                                         " takes a reference: `" +
                                                         std::string(parameter) + "`"));
        }
      }
    }
  }
  return findings;
}

}  // namespace tidemark
