// Goal: what was done to an export's receipts has its name and an exit code, also where the agent
// itself signs for the changed files. Method: exports made for the purpose, verified as a stranger
// would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/cli/files.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/rpo_json.h"
#include "tests/replicator/proof_world.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RpoVerify : public ::testing::Test {
 protected:
  RpoVerify() : world_(HealthyProofWorld()) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tidemark-verify-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    manifest_ = world_.Manifest(kStart, kStart + 3 * kSecond);
  }
  ~RpoVerify() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& content) {
    manifest_.files.push_back({name, content.size(), HashBytes(AsBytes(content))});
    ASSERT_TRUE(ReplaceFile(directory_ + "/export/" + name, content, 0600).ok());
  }
  // The agent signs for all of it, changed or not.
  void Export() {
    ASSERT_TRUE(MakeDirectories(directory_ + "/export", 0700).ok());
    std::string evidence;
    for (const ProofWorld::Piece& piece : world_.pieces)
      AppendEvidence(piece.kind, piece.marks, piece.body, &evidence);
    ProofFindings ignored;
    Write(kEvidenceName, evidence);
    Write(kLedgerName, ToJson(world_.Check(manifest_, &ignored).ledger) + "\n");
    const std::vector<std::byte> manifest = SignManifest(ProofWorld::agent_key(), manifest_);
    const std::string path = directory_ + "/export/" + kManifestName;
    ASSERT_TRUE(ReplaceFile(path, std::string(AsText(manifest)), 0600).ok());
    std::string keys = "agent agent " + ToHex(manifest_.agent_key.bytes) + "\n";
    for (size_t site = 0; site < 3; ++site) {
      const PublicKey key = ProofWorld::site_key(site).public_key();
      keys += "site " + SiteName(site) + " " + ToHex(key.bytes) + "\n";
    }
    ASSERT_TRUE(ReplaceFile(directory_ + "/keys", keys, 0600).ok());
  }
  void Verify(bool pinned = true) {
    Arguments arguments;
    arguments.path = directory_ + "/export";
    if (pinned) arguments.keys = directory_ + "/keys";
    ::testing::internal::CaptureStdout();
    exit_ = RunRpoVerify(arguments);
    said_ = ::testing::internal::GetCapturedStdout();
  }
  void ExpectFound(const std::string& finding) {
    Export();
    Verify();
    EXPECT_EQ(exit_, kExitData);
    EXPECT_THAT(said_, HasSubstr("FOUND " + finding));
    EXPECT_THAT(said_, HasSubstr("NOT VERIFIED: "));
    EXPECT_THAT(said_, Not(HasSubstr("FOUND changed file")));
  }
  ProofWorld::Piece& ReceiptOf(size_t site, size_t number) {
    return world_.pieces[world_.ReceiptsOf(site)[number - 1]];
  }
  void Sign(const Receipt& receipt, const SigningKey& key) {
    world_.pieces.push_back({EvidenceKind::kReceipt, SignReceipt(key, receipt).Encode()});
  }

  std::string directory_, said_;
  ProofWorld world_;
  ExportManifest manifest_;
  int exit_ = -1;
};

TEST_F(RpoVerify, PassesWhatIsRight) {
  Export();
  Verify();
  EXPECT_EQ(exit_, kExitOk);
  EXPECT_THAT(said_, HasSubstr("verified: nothing is wrong with it"));
  EXPECT_THAT(said_, HasSubstr("keys as pinned"));
  EXPECT_THAT(said_, Not(HasSubstr("WHO SIGNED IS NOT PROVED")));
}

TEST_F(RpoVerify, SaysThatKeysOfTheExportProveNothing) {
  Export();
  Verify(/*pinned=*/false);
  EXPECT_EQ(exit_, kExitOk);
  EXPECT_THAT(said_, HasSubstr("not pinned: they are the export's own and prove nothing about who "
                               "signed"));
  EXPECT_THAT(said_, HasSubstr("WHO SIGNED IS NOT PROVED"));
}

TEST_F(RpoVerify, NamesAnotherKeyThanThePinnedOne) {
  manifest_.sites[1].key = ProofWorld::site_key(2).public_key();
  ExpectFound("forged: the export is signed by another site b");
}

TEST_F(RpoVerify, NamesAForgedReceipt) {
  Sign(world_.NextReceipt(2, 20, kStart + 3 * kSecond), ProofWorld::site_key(0));
  ExpectFound("forged: site w: receipt 21 is not signed by the site's key");
}

TEST_F(RpoVerify, NamesAMissingReceipt) {
  world_.pieces.erase(world_.pieces.begin() + static_cast<ptrdiff_t>(world_.ReceiptsOf(0)[6]));
  ExpectFound("missing: site a: receipt 7 is missing");
}

TEST_F(RpoVerify, NamesADuplicatedReceipt) {
  const ProofWorld::Piece again = ReceiptOf(2, 5);
  world_.pieces.push_back(again);
  ExpectFound("duplicated: site w: receipt 5 stands here twice");
}

TEST_F(RpoVerify, NamesAReorderedReceipt) {
  std::swap(ReceiptOf(1, 8), ReceiptOf(1, 9));
  ExpectFound("reordered: site b: receipt 8 stands behind receipt 9");
}

TEST_F(RpoVerify, NamesASiteThatSignedTwoHistoriesAndShowsBothSignatures) {
  Receipt twin = ParseReceiptUnchecked(ReceiptOf(1, 11).body)->receipt;
  const std::string first = ToHex(ReceiptOf(1, 11).body);
  twin.wall_nanos += 1;
  Sign(twin, ProofWorld::site_key(1));
  ExpectFound("equivocation: site b: signed two histories: two receipts have the number 11");
  EXPECT_THAT(said_, HasSubstr("  signed: " + first + "\n"));
  EXPECT_THAT(said_, HasSubstr("  signed: " + ToHex(world_.pieces.back().body) + "\n"));
  EXPECT_THAT(said_, HasSubstr("CONVICTED by its own signatures"));
}

TEST_F(RpoVerify, TellsWhatIsMissingAsUnknownAndIsNoFinding) {
  manifest_.gaps.push_back({0, Counting<StoreId>(20), 21, 30});
  Export();
  Verify();
  EXPECT_EQ(exit_, kExitOk);
  EXPECT_THAT(said_,
              HasSubstr("it lacks receipts 21 to 30 of site a: the time that they would tell "
                        "of counts as unknown"));
  EXPECT_THAT(said_, HasSubstr("default at a: unknown from "));
}

TEST_F(RpoVerify, NamesALedgerThatSaysOtherThanItsEvidence) {
  Export();
  manifest_.gaps.push_back({0, Counting<StoreId>(20), 21, 30});
  const std::vector<std::byte> manifest = SignManifest(ProofWorld::agent_key(), manifest_);
  const std::string path = directory_ + "/export/" + kManifestName;
  ASSERT_TRUE(ReplaceFile(path, std::string(AsText(manifest)), 0600).ok());
  Verify();
  EXPECT_EQ(exit_, kExitData);
  EXPECT_THAT(said_, HasSubstr("FOUND ledger differs"));
}

}  // namespace
}  // namespace tidemark
