// Goal: what g++ 12 miscompiles is refused, and what it compiles is not. Method: bodies of one
// coroutine.
#include "tests/tidy/snippets.h"

namespace tidemark {
namespace {

// `lines` as the body of a coroutine, from line 2 on.
std::string Story(const std::string& lines) { return "Task<> Story(Io* io) {\n" + lines + "\n}\n"; }

TEST(CoroutineRules, AStatementAwaitsOnceIntoAName) {
  for (const char* line : {"const int a = co_await one + co_await two;",
                           "if (co_await ready) Go();",
                           "while (co_await more) Go();",
                           "for (int i = co_await first; i < 2; ++i) Go();",
                           "for (int a : co_await list) Go(a);",
                           "switch (co_await kind) { case 1: break; }",
                           "co_return b ? co_await one : 0;",
                           "const int a = b ? co_await one : 0;",
                           "Use(co_await one);",
                           "EXPECT_EQ(co_await one, 0);",
                           "assert(co_await one == 0);",
                           "std::optional<int> a(co_await one);",
                           "const bool no = !co_await one;",
                           "const int a = (co_await one).value();",
                           "const bool a = b == co_await one;",
                           "const bool a = b && co_await one;",
                           "auto a = co_await Take(4, [b] { return b; });",
                           "auto a = co_await Options{1, 2};",
                           "if (a) Use(co_await one);",
                           "for (;;) { Use(co_await one); }",
                           "Apply([](Task<> t) { Use(co_await t); });"}) {
    ExpectCaught(AwaitStatements, "agent/a.cc", Story(line), 2);
  }
  ExpectCaught(AwaitStatements, "agent/a.cc", "#define AWAIT(x) \\\n  auto v = co_await x\n", 2);
}

TEST(CoroutineRules, PlainStatementsPass) {
  for (const char* line :
       {"co_await one;", "const int a = co_await one;", "if (b) co_await one;",
        "if (a) {\n b = co_await one;\n} else {\n co_await two;\n}",
        "while (true) {\n const int got = co_await io->Read(fd, room);\n}",
        "file_->size = co_await Size(io, std::move(path));", "co_return co_await one;",
        "(void)co_await one;", "for (auto& task : tasks) co_await task;",
        "switch (a) {\n case Kind::kOne:\n co_await one;\n break;\n default: co_await two;\n}",
        "std::vector<int> list = {1, 2};\n co_await one;",
        "[[maybe_unused]] const int a = co_await one;", "// if (co_await one) Go();",
        "const bool c = a ? b : d;\n co_await one;"}) {
    ExpectClean(AwaitStatements, "agent/a.cc", Story(line));
  }
}

TEST(CoroutineRules, ArgumentsHaveNames) {
  const std::string declarations =
      "Task<> Take(Io* io, Options options);\nTask<> Keep(Io* io, std::string name);\n"
      "Task<> See(Io* io, std::span<const uint8_t> bytes);\nTask<> Hear(Io* io, std::string_view "
      "words);\n";
  for (const char* line :
       {"co_await Take(io, {.a = 1});", "co_await Take(io, Options{1, 2});",
        "co_await Take(io, {});", "co_await Keep(io, \"name\");",
        "co_await Keep(io, directory + \"/name\");", "co_await Keep(io, std::string(view));",
        "co_await Keep(io, absl::StrCat(a, b));",
        "const int a = co_await link->Keep(io, \"name\");", "co_await Unknown(io, \"name\");"}) {
    ExpectCaught(AwaitArguments, "agent/a.cc", declarations + Story(line), 6);
  }
  for (const char* line : {"co_await Take(io, std::move(options));", "co_await See(io, {});",
                           "co_await Hear(io, \"words\");", "co_await Keep(io, name);",
                           "Options o{1, 2};\nco_await Take(io, o);", "co_await task;"}) {
    ExpectClean(AwaitArguments, "agent/a.cc", declarations + Story(line));
  }
}

TEST(CoroutineRules, LambdasAreNoCoroutines) {
  for (const char* line :
       {"auto f = [io]() -> Task<> { co_return; };", "Start([this] { co_await task_; });",
        "Start([&]() mutable { co_return 1; });"}) {
    ExpectCaught(LambdaCoroutines, "agent/a.cc", Story(line), 2);
  }
  for (const char* line :
       {"std::sort(a.begin(), a.end(), [](int b, int c) { return b < c; });\nco_return;",
        "rows[i] = 1;\nif (rows[0]) {\n co_await task;\n}",
        "[[maybe_unused]] int a;\n{\n co_await task;\n}"}) {
    ExpectClean(LambdaCoroutines, "agent/a.cc", Story(line));
  }
}

TEST(CoroutineRules, NobodyResumesAnotherDirectly) {
  ExpectCaught(SymmetricTransfer, "agent/a.h",
               "std::coroutine_handle<> await_suspend(std::coroutine_handle<> h);\n", 1);
  ExpectCaught(SymmetricTransfer, "agent/a.h", "auto await_suspend(std::coroutine_handle<> h) {\n",
               1);
  ExpectClean(
      SymmetricTransfer, "agent/a.h",
      "inline void Op::await_suspend(std::coroutine_handle<> h) {\n}\nbool await_suspend(H h);\n");
}

TEST(CoroutineRules, CoroutinesTakePointersAndValues) {
  ExpectCaught(ReferenceParameters, "agent/a.h", "Task<> Keep(Io* io, const std::string& name);\n",
               1);
  ExpectCaught(ReferenceParameters, "agent/a.h",
               "Task<absl::StatusOr<int>> Keep(\n    Io* io, Options&& options);\n", 1);
  ExpectCaught(ReferenceParameters, "agent/a.cc", "Task<int> Vault::Keep(Options& options) {\n}\n",
               1);
  ExpectClean(ReferenceParameters, "agent/a.h",
              "Task<> Keep(Io* io, std::string name, std::function<void(const int&)> f);\nTask<> "
              "task(Wait(&done));\n"
              "Task<> sending = Send(&a);\nvoid Keep(const std::string& name);\n");
}

}  // namespace
}  // namespace tidemark
