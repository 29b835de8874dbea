// Goal: the laws of the house hold in every file of the tree. Method: each rule of tests/tidy reads
// the sources and names its breaches; the rules' own tests show that each rule can find one.
#include <gtest/gtest.h>

#include "tests/tidy/rules.h"

namespace tidemark {
namespace {

const SourceTree& Tree() {
  static const SourceTree tree = SourceTree::Read(TIDEMARK_SOURCE_DIR);
  return tree;
}

void ExpectNone(const Findings& findings) { EXPECT_TRUE(findings.empty()) << Listing(findings); }

TEST(Tidy, SeesTheWholeTree) {
  for (const char* path : {"README.md", "CMakeLists.txt", "agent/io/task.h", "agent/source/vault.h",
                           "bench/CMakeLists.txt", "chunker/cut_rule.cc", "crypto/sealing.cc",
                           "replicator/wire.proto", "tests/tidy/tidy_test.cc"}) {
    EXPECT_NE(Tree().Find(path), nullptr) << path;
  }
  EXPECT_FALSE(Tree().Has("build"));
}

TEST(Tidy, RoomsIncludeOnlyTheRoomsBelowThem) { ExpectNone(IncludeDirections(Tree())); }
TEST(Tidy, LibrariesComeInThroughTheirDoors) { ExpectNone(LibraryDoors(Tree())); }
TEST(Tidy, OnlyTheWaistAndTheCommandLineReachTheSystem) { ExpectNone(SystemHeaders(Tree())); }
TEST(Tidy, EveryExceptionIsStillNeeded) { ExpectNone(StaleExceptions(Tree())); }

TEST(Tidy, PureRoomsAreGivenEverything) { ExpectNone(PureRooms(Tree())); }
TEST(Tidy, TheSimulatorCanRepeatTheAgent) { ExpectNone(Determinism(Tree())); }
TEST(Tidy, DecisionsAreMadeInIntegers) { ExpectNone(FloatingPoint(Tree())); }

TEST(Tidy, AStatementAwaitsOnceAndNothingElse) { ExpectNone(AwaitStatements(Tree())); }
TEST(Tidy, AwaitedCallsAreGivenNamedThings) { ExpectNone(AwaitArguments(Tree())); }
TEST(Tidy, NoLambdaIsACoroutine) { ExpectNone(LambdaCoroutines(Tree())); }
TEST(Tidy, ResumptionGoesThroughTheReadyQueue) { ExpectNone(SymmetricTransfer(Tree())); }
TEST(Tidy, CoroutinesTakeNoReferences) { ExpectNone(ReferenceParameters(Tree())); }

TEST(Tidy, FilesStayShort) { ExpectNone(FileLengths(Tree())); }
TEST(Tidy, EveryCapIsStillNeeded) { ExpectNone(StaleCaps(Tree())); }
TEST(Tidy, FunctionsFitAScreen) { ExpectNone(FunctionLengths(Tree())); }
TEST(Tidy, LinesFitAScreen) { ExpectNone(LineLengths(Tree())); }
TEST(Tidy, GuardsFollowThePath) { ExpectNone(IncludeGuards(Tree())); }
TEST(Tidy, HeadersAndScriptsSayWhatTheyAre) { ExpectNone(FirstComments(Tree())); }
TEST(Tidy, FilesAreNamedForWhatTheyHold) { ExpectNone(FileNames(Tree())); }
TEST(Tidy, NothingIsLeftUnfinished) { ExpectNone(UnfinishedWork(Tree())); }
TEST(Tidy, NothingNamesTheMachineItWasBuiltOn) { ExpectNone(MachineNames(Tree())); }

TEST(Tidy, EverySourceIsBuilt) { ExpectNone(BuiltSources(Tree())); }
TEST(Tidy, EveryBugOfTheMuseumHasItsPlaque) { ExpectNone(MuseumBugs(Tree())); }
TEST(Tidy, PagesNameFilesThatExist) { ExpectNone(DocumentedPaths(Tree())); }
TEST(Tidy, EachRoomsPageKnowsItsFiles) { ExpectNone(RoomReadmes(Tree())); }

}  // namespace
}  // namespace tidemark
