// Goal: what the journal could not take is asked for again and judged fairly; what nobody has is
// said to be unknown; and a restart changes no judgement.
#include "tests/agent/proof/keeper_fixture.h"

namespace tidemark {
namespace {

class MissingReceipts : public KeeperFixture {
 protected:
  // More comes than may wait for the disk.
  void FillUp() {
    options_.journal.waiting_bytes_max = 16 << 10;
    Open();
    Traffic(absl::Seconds(1));
    Do(FlushKeeper());
    Traffic(absl::Seconds(5));
    last_ = NextNumber() - 1;
    ASSERT_GT(keeper_->dropped(), 20u);
  }
  // As a site does that still has those from `oldest` on.
  void TellWanted(uint64_t oldest) {
    for (size_t site = 0; site < 3; ++site) {
      const StoreId store = signed_.NextReceipt(site, 1, 0).store;
      while (const std::optional<ReceiptAudit::Gap> wanted = keeper_->Wanted(site, store)) {
        for (const size_t place : signed_.ReceiptsOf(site)) {
          const SignedReceipt receipt = *ParseReceiptUnchecked(signed_.pieces[place].body);
          const uint64_t number = receipt.receipt.number;
          if (number >= oldest && number >= wanted->from && number <= wanted->to)
            keeper_->OnReceipt(site, receipt, true);
        }
        keeper_->OnToldAll(site, store, *wanted, oldest);
        Do(FlushKeeper());
      }
    }
  }
  uint64_t KeptOfB() { return keeper_->KeptWithoutGap(1, StoreOfB()); }
  uint64_t last_ = 0;
};

TEST_F(MissingReceipts, AreAskedForOnceThereIsRoom) {
  FillUp();
  const uint64_t kept = KeptOfB();
  EXPECT_LT(kept, last_);
  EXPECT_FALSE(keeper_->Wanted(1, StoreOfB()).has_value()) << "there is no room for them";
  Do(FlushKeeper());
  Traffic(absl::Milliseconds(500));  // later ones are kept: the hole stays
  Do(FlushKeeper());
  EXPECT_EQ(KeptOfB(), kept);
  const std::optional<ReceiptAudit::Gap> wanted = keeper_->Wanted(1, StoreOfB());
  ASSERT_TRUE(wanted.has_value());
  EXPECT_EQ(wanted->from, kept + 1);
}

TEST_F(MissingReceipts, ThatCameLateAccuseNobodyAndLeaveNoGap) {
  FillUp();
  Do(FlushKeeper());
  Traffic(absl::Milliseconds(500));
  TellWanted(1);
  Traffic(absl::Milliseconds(500));
  EXPECT_EQ(KeptOfB(), NextNumber() - 1);
  EXPECT_EQ(keeper_->conviction(1), "");
  Do(FlushKeeper());
  for (const bool after_restart : {false, true}) {
    if (after_restart) {
      Crash();
      Open();
      EXPECT_EQ(KeptOfB(), NextNumber() - 1);
    }
    const Exported exported = Export();
    ASSERT_TRUE(exported.status.ok()) << exported.status;
    EXPECT_TRUE(exported.gaps.empty());
    for (const ProofFinding& finding : exported.findings.listed())
      ADD_FAILURE() << FindingName(finding.kind) << " " << finding.site << " " << finding.message;
    EXPECT_EQ(exported.ledger, exported.proved);
  }
}

TEST_F(MissingReceipts, ThatTheSiteHasNoMoreAreSaidAndAskedForNoMore) {
  FillUp();
  Do(FlushKeeper());
  Traffic(absl::Milliseconds(500));
  Do(FlushKeeper());
  const uint64_t kept = KeptOfB();
  TellWanted(last_ - 2);
  EXPECT_FALSE(keeper_->Wanted(1, StoreOfB()).has_value());
  Traffic(absl::Seconds(1));
  Do(FlushKeeper());
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok()) << exported.status;
  EXPECT_TRUE(exported.findings.empty());
  EXPECT_EQ(exported.ledger, exported.proved);
  const std::string said = "receipts " + std::to_string(kept + 1) + " to " +
                           std::to_string(last_ - 3) +
                           " of site b are missing (the site has none "
                           "before " +
                           std::to_string(last_ - 2) + " any more)";
  EXPECT_TRUE(std::any_of(facts_.begin(), facts_.end(), [&said](const std::string& fact) {
    return fact.find(said) == 0;
  })) << facts_.back();
  const SiteLedger& b = exported.proved.vaults[0].sites[1];
  EXPECT_GE(b.unknown, 1 * kSecond);
  EXPECT_TRUE(std::any_of(b.intervals.begin(), b.intervals.end(), [](const LedgerInterval& one) {
    return one.kind == LedgerInterval::Kind::kUnknown && one.to - one.from >= kSecond;
  }));
}

TEST_F(MissingReceipts, ThatAreTurnedAwayAgainAreAskedForAgain) {
  FillUp();
  Do(FlushKeeper());
  const std::optional<ReceiptAudit::Gap> wanted = keeper_->Wanted(1, StoreOfB());
  ASSERT_TRUE(wanted.has_value());
  Traffic(absl::Seconds(5));  // no room once more, when they are told
  keeper_->OnToldAll(1, StoreOfB(), *wanted, 1);
  Do(FlushKeeper());
  EXPECT_EQ(keeper_->Wanted(1, StoreOfB())->from, wanted->from);
}

TEST_F(MissingReceipts, LeaveLiveMinutesUnknown) {
  FillUp();
  Do(FlushKeeper());
  Task<> running = keeper_->Run();
  running.Start();
  Wait(absl::Minutes(2));
  EXPECT_EQ(keeper_->Figures()[1].minutes_missed, 0u);
  EXPECT_GE(keeper_->Figures()[1].minutes_unknown, 1u);
  keeper_->Stop();
  ASSERT_TRUE(world_.Run([&] { return running.done(); }, absl::Hours(1)));
}

class DisownedReceipts : public KeeperFixture {
 protected:
  // Site b signs a record that is not the agent's.
  SignedReceipt Disowned() {
    Receipt lie = signed_.NextReceipt(1, signed_.log().size(), Now());
    lie.heads[0].durable.digest = HashBytes(AsBytes("another record"));
    return SignReceipt(ProofWorld::site_key(1), lie);
  }
};

TEST_F(DisownedReceipts, AreJudgedAfterARestartAsBefore) {
  options_.journal.segment_bytes_max = 16 << 10;
  Open();
  Traffic(absl::Seconds(1));
  const SignedReceipt lie = Disowned();
  const std::vector<Digest> named = keeper_->NamedReceipts();
  const uint64_t kept = keeper_->KeptWithoutGap(1, StoreOfB());
  EXPECT_TRUE(keeper_->OnReceipt(1, lie, false));
  const std::string conviction = keeper_->conviction(1);
  EXPECT_NE(conviction, "");
  Do(FlushKeeper());
  for (int restart = 0; restart < 3; ++restart) {
    if (restart == 2) {
      // Far behind what the next start reads of the journal.
      Task<> running = keeper_->Run();
      running.Start();
      for (int i = 0; i < 20; ++i) {
        for (const size_t site : {0, 2}) signed_.SignReceipt(site, signed_.log().size(), Now());
        for (int j = 0; j < 60; ++j) signed_.MakeCheckpoint(signed_.log().size(), Now());
        Tell();
        Wait(absl::Minutes(2));
      }
      keeper_->Stop();
      ASSERT_TRUE(world_.Run([&] { return running.done(); }, absl::Hours(1)));
      ASSERT_GT(keeper_->journal()->segments().size(), 10u);
    }
    Crash();
    Open();
    EXPECT_EQ(keeper_->conviction(1), conviction) << restart;
    EXPECT_EQ(keeper_->NamedReceipts()[1], named[1]);
    EXPECT_EQ(keeper_->KeptWithoutGap(1, StoreOfB()), kept);
  }
}

TEST_F(DisownedReceipts, AreKeptOnceAndConvictInAnExport) {
  Open();
  Traffic(absl::Seconds(1));
  const SignedReceipt lie = Disowned();
  EXPECT_TRUE(keeper_->OnReceipt(1, lie, false));
  EXPECT_FALSE(keeper_->OnReceipt(1, lie, false)) << "told again in the next session";
  EXPECT_TRUE(keeper_->Missing(1, StoreOfB()).empty());
  Do(FlushKeeper());
  Traffic(absl::Seconds(1));
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok()) << exported.status;
  EXPECT_EQ(exported.ledger, exported.proved);
  EXPECT_TRUE(Names(exported.findings, FindingKind::kEquivocation, "b", lie.receipt.number));
}

}  // namespace
}  // namespace tidemark
