// C++ text taken apart as far as the rules need it: blocks, statements that await, lambdas. Not a
// compiler: it relies on the house's formatting, and the rules' own tests show what it sees.
#ifndef TIDEMARK_TESTS_TIDY_BLOCKS_H_
#define TIDEMARK_TESTS_TIDY_BLOCKS_H_

#include <string_view>
#include <vector>

namespace tidemark {

// All functions take SourceFile::body() and answer with offsets into it.
struct Block {
  size_t head = 0;   // where the text that introduces it starts
  size_t open = 0;   // its '{'
  size_t close = 0;  // its '}'
};
// The outermost blocks that are no namespace, type or initialiser: function bodies.
std::vector<Block> FunctionBodies(std::string_view body);

struct Statement {
  size_t begin = 0, end = 0;
  bool braced = false;         // ends at a '{'
  std::vector<size_t> awaits;  // offsets of its co_await
};
// The statements that hold a co_await of their own.
std::vector<Statement> AwaitingStatements(std::string_view body);

struct Lambda {
  size_t begin = 0;            // its '['
  size_t open = 0, close = 0;  // its body's braces
};
std::vector<Lambda> Lambdas(std::string_view body);

struct Declaration {
  size_t at = 0;
  std::string_view name;  // without scope
  std::vector<std::string_view> parameters;
};
// Functions declared to return a Task.
std::vector<Declaration> TaskDeclarations(std::string_view body);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_TIDY_BLOCKS_H_
