// Goal: an export's ledger and its evidence are of the same bytes, whatever the disk does
// meanwhile.
#include "tests/agent/proof/keeper_fixture.h"

namespace tidemark {
namespace {

class Exports : public KeeperFixture {
 protected:
  std::string NewestSegment() {
    return keeper_->journal()->PathOf(keeper_->journal()->segments().back().number);
  }
};

TEST_F(Exports, ProveTheLedgerThatTheAgentTells) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok()) << exported.status;
  EXPECT_TRUE(exported.findings.empty());
  EXPECT_EQ(exported.ledger, exported.proved);
  EXPECT_GT(exported.proved.vaults[0].sites[0].known, 4 * kSecond);
}

TEST_F(Exports, FailWhenTheSecondReadingIsAnother) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  meanwhile_ = [this] { world_.disk(node_)->FlipByte(NewestSegment(), 2000); };
  const Exported exported = Export();
  EXPECT_EQ(exported.status.code(), absl::StatusCode::kUnknown);
  EXPECT_NE(exported.status.message().find("changed while it was read"), std::string::npos)
      << exported.status;
}

TEST_F(Exports, FailWhenASegmentCannotBeReadAgain) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  meanwhile_ = [this] { world_.disk(node_)->Unlink(NewestSegment()); };
  EXPECT_EQ(Export().status.code(), absl::StatusCode::kUnknown);
}

// What comes in meanwhile would name records behind the chain that is exported.
TEST_F(Exports, HoldNothingThatCameAfterTheyBegan) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  const std::string before = Export().evidence;
  bool came = false;
  meanwhile_ = [this, &came] {
    const uint64_t held = signed_.log().size();
    for (size_t site = 0; site < 3; ++site) signed_.SignReceipt(site, held, Now());
    Tell();
    came = true;
  };
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok() && came) << exported.status;
  EXPECT_EQ(exported.evidence, before);
}

}  // namespace
}  // namespace tidemark
