// A proof keeper on a simulated machine, and an agent and sites as signed statements.
#ifndef TIDEMARK_TESTS_AGENT_PROOF_KEEPER_FIXTURE_H_
#define TIDEMARK_TESTS_AGENT_PROOF_KEEPER_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/proof/proof_keeper.h"
#include "agent/proof/rpo_export.h"
#include "tests/replicator/proof_world.h"
#include "tests/sim/sim_world.h"

namespace tidemark {

class KeeperFixture : public ::testing::Test {
 public:
  SimIo* io() { return world_.io(node_); }

 protected:
  KeeperFixture() : world_(1), node_(world_.AddNode("agent")), start_(Now()), signed_(start_) {
    world_.disk(node_)->MakeDirectories("/state");
    options_.journal.directory = "/state/proof";
    options_.sites = {{"a", true}, {"b", true}, {"w", false}};
    options_.vaults = {{signed_.vault(), "default", "database", absl::Minutes(1)}};
  }
  int64_t Now() { return absl::ToUnixNanos(io()->Now()); }
  void Do(Task<> story) {
    story.Start();
    ASSERT_TRUE(world_.Run([&] { return story.done(); }, absl::Hours(2)));
  }
  void Wait(absl::Duration duration) { Do(Sleep(duration)); }
  Task<> Sleep(absl::Duration duration) {
    Op sleep = io()->Sleep(duration);
    co_await sleep;
  }
  void Open() {
    keeper_ = std::make_unique<ProofKeeper>(io(), options_);
    Do(OpenKeeper());
  }
  Task<> OpenKeeper() {
    absl::Status opened = co_await keeper_->Open();
    EXPECT_TRUE(opened.ok()) << opened;
  }
  Task<> FlushKeeper() {
    absl::Status flushed = co_await keeper_->Flush();
    EXPECT_TRUE(flushed.ok()) << flushed;
  }
  Task<> FailToFlush() {
    SimInjection failing;
    failing.kind = Op::Kind::kSync;
    failing.path_part = "/state/proof/";
    io()->Inject(failing);
    absl::Status flushed = co_await keeper_->Flush();
    EXPECT_FALSE(flushed.ok());
  }
  // Tells the keeper what was signed since the last call.
  void Tell() {
    for (; told_ < signed_.pieces.size(); ++told_) {
      const ProofWorld::Piece& piece = signed_.pieces[told_];
      if (piece.kind == EvidenceKind::kCheckpoint) {
        keeper_->OnCheckpoint(*ParseCheckpointUnchecked(piece.body));
        continue;
      }
      const SignedReceipt receipt = *ParseReceiptUnchecked(piece.body);
      keeper_->OnReceipt(receipt.receipt.site == "a"   ? 0
                         : receipt.receipt.site == "b" ? 1
                                                       : 2,
                         receipt, true);
    }
  }
  // A record, a checkpoint, a receipt of each, every 100 ms.
  void Traffic(absl::Duration duration) {
    for (absl::Duration passed; passed < duration; passed += absl::Milliseconds(100)) {
      const uint64_t held = signed_.log().size();
      signed_.MakeCheckpoint(held, Now(), keeper_->NamedReceipts());
      for (size_t site = 0; site < 3; ++site) signed_.SignReceipt(site, held, Now());
      signed_.Append(Now());
      Tell();
      Wait(absl::Milliseconds(100));
    }
  }
  uint64_t NextNumber() { return signed_.NextReceipt(1, 1, 0).number; }
  StoreId StoreOfB() { return signed_.NextReceipt(1, 1, 0).store; }
  // What an export of all holds, and what rpo-verify finds in it.
  struct Exported {
    absl::Status status;
    std::string evidence;
    LedgerReport ledger, proved;
    ProofFindings findings;
    std::vector<ExportManifest::Gap> gaps;
  };
  Exported Export();
  Task<> ExportTo(RpoExport* from, Exported* exported);
  // Between the two readings.
  std::function<void()> meanwhile_;

  // The power fails: what was not flushed is gone, and the process with it.
  void Crash() {
    world_.Crash(node_);
    keeper_.reset();
    world_.Restart(node_);
  }
  LedgerReport LedgerFrom(int64_t since) {
    auto made =
        std::make_unique<RpoExport>(keeper_.get(), absl::FromUnixNanos(since), io()->Now(), "");
    RpoExport* from = made.get();
    Do(ReadFor(from));
    facts_ = made->facts();
    return made->ledger();
  }
  Task<> ReadFor(RpoExport* from) {
    absl::Status read = co_await from->Survey();
    EXPECT_TRUE(read.ok()) << read;
    read = co_await from->Count(-1);
    EXPECT_TRUE(read.ok()) << read;
  }

  SimWorld world_;
  int node_;
  int64_t start_;
  ProofWorld signed_;
  ProofKeeper::Options options_;
  std::unique_ptr<ProofKeeper> keeper_;
  size_t told_ = 0;
  std::vector<std::string> facts_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_PROOF_KEEPER_FIXTURE_H_
