// The laws of the house as rules over the source tree. Every rule answers with all its breaches; an
// exception to a rule is a named entry in the rule's own table, with its reason.
#ifndef TIDEMARK_TESTS_TIDY_RULES_H_
#define TIDEMARK_TESTS_TIDY_RULES_H_

#include "tests/tidy/source_tree.h"

namespace tidemark {

// include_rules.cc: who may know whom.
// Rooms include only the rooms below them, and only files that exist.
Findings IncludeDirections(const SourceTree& tree);
// Each library is included where it belongs: liburing in agent/io, OpenSSL and BLAKE3 in crypto,
// ...
Findings LibraryDoors(const SourceTree& tree);
// Only agent/io and agent/cli (and named files) include headers that reach the system.
Findings SystemHeaders(const SourceTree& tree);
// Entries of the tables of exceptions that nothing needs any more.
Findings StaleExceptions(const SourceTree& tree);

// purity_rules.cc: what the simulator must be able to repeat.
// crypto, chunker, replicator: no clock, randomness, threads, environment, files, logging.
Findings PureRooms(const SourceTree& tree);
// The agent above io, and the simulator: no clock, randomness or threads of their own.
Findings Determinism(const SourceTree& tree);
// replicator and chunker decide in integers.
Findings FloatingPoint(const SourceTree& tree);

// coroutine_rules.cc: the rules of agent/io/task.h.
Findings AwaitStatements(const SourceTree& tree);
Findings AwaitArguments(const SourceTree& tree);
Findings LambdaCoroutines(const SourceTree& tree);
Findings SymmetricTransfer(const SourceTree& tree);
Findings ReferenceParameters(const SourceTree& tree);

// shape_rules.cc: what files look like.
Findings FileLengths(const SourceTree& tree);
// Caps on long files that are short by now.
Findings StaleCaps(const SourceTree& tree);
Findings FunctionLengths(const SourceTree& tree);
Findings LineLengths(const SourceTree& tree);
Findings IncludeGuards(const SourceTree& tree);
Findings FirstComments(const SourceTree& tree);
Findings FileNames(const SourceTree& tree);
Findings UnfinishedWork(const SourceTree& tree);
Findings MachineNames(const SourceTree& tree);

// document_rules.cc: what the build and the pages say about files.
// Every .cc is named in a CMakeLists.txt, every CMakeLists.txt is reached from the root's.
Findings BuiltSources(const SourceTree& tree);
// Every bug of the museum has one place in the code and one in a README.md of the tests.
Findings MuseumBugs(const SourceTree& tree);
// Paths that a page names exist, and no page names a line.
Findings DocumentedPaths(const SourceTree& tree);
// Each room's README.md has a sentence about each of its files.
Findings RoomReadmes(const SourceTree& tree);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_TIDY_RULES_H_
