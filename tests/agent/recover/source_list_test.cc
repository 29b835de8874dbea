// Goal: a list of sources answers with the best of what its members can give.
#include <gtest/gtest.h>

#include "tests/agent/recover/memory_source.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

class Sources : public testing::Test {
 protected:
  Sources() : vault(5), a(world.io, "site a", &vault), b(world.io, "site b", &vault) {
    vault.Genesis();
    vault.WriteKeyring();
    TestPush push;
    push.bytes = vault.Noise(400'000);
    vault.Push(push);
  }
  UringWorld world;
  TestVault vault;
  MemorySource a, b;
};

TEST_F(Sources, TheLongestTailAndTheNewestRecordCount) {
  a.tail_sequence = 1;
  SourceList list(world.io, {&a, &b});
  EXPECT_EQ(list.name(), "site a, site b");
  EXPECT_EQ(*Finish(world.io, list.Tail(vault.keys.vault)), vault.tail());
  EXPECT_EQ(*Finish(world.io, list.FindRecord(vault.keys.vault, RecordKind::kKeyring, 0)), 2u);
  EXPECT_EQ(*Finish(world.io, list.FindRecord(vault.keys.vault, RecordKind::kKeyring, 1)), 0u);
}

TEST_F(Sources, OneThatIsGoneDoesNotMatter) {
  a.unreachable = true;
  SourceList list(world.io, {&a, &b});
  EXPECT_EQ(*Finish(world.io, list.Tail(vault.keys.vault)), vault.tail());
  absl::StatusOr<CanonicalHeader> head = Finish(world.io, list.Head(vault.keys.vault, 3));
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->digest(), vault.log[2].header.digest());
  std::vector<std::byte> block(head->BlockBytes(0));
  EXPECT_TRUE(Finish(world.io, list.ReadBlocks(&*head, 0, 1, block)).ok());
}

TEST_F(Sources, OneThatCouldNotBeReachedIsAskedLastFromThenOn) {
  a.unreachable = true;
  SourceList list(world.io, {&a, &b});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Finish(world.io, list.Head(vault.keys.vault, 1)).ok());
  EXPECT_EQ(a.calls, 1u);
  b.missing.insert(1);
  a.unreachable = false;
  EXPECT_TRUE(Finish(world.io, list.Head(vault.keys.vault, 1)).ok());
}

// Two reads at once go to two sources; one that is gone gets no more.
TEST_F(Sources, BlocksAreSpreadOverTheFirst) {
  MemorySource w(world.io, "site w", &vault);
  SourceList list(world.io, {&a, &b, &w}, 2);
  const CanonicalHeader* header = &vault.log[2].header;
  const auto read_twice = [&] {
    std::vector<std::byte> one(header->BlockBytes(0)), two(header->BlockBytes(0));
    Task<absl::Status> first = list.ReadBlocks(header, 0, 1, one);
    first.Start();
    absl::Status second = Finish(world.io, list.ReadBlocks(header, 0, 1, two));
    EXPECT_TRUE(second.ok()) << second;
    EXPECT_TRUE(first.done() && first.result().ok());
    EXPECT_EQ(one, two);
  };
  for (int i = 0; i < 4; ++i) read_twice();
  EXPECT_EQ(a.reads, 4u);
  EXPECT_EQ(b.reads, 4u);
  a.unreachable = true;
  for (int i = 0; i < 4; ++i) read_twice();
  EXPECT_EQ(a.reads, 4u);
  EXPECT_EQ(b.reads, 12u);
  EXPECT_EQ(w.reads, 0u);
  b.damaged.insert({3, 0});
  read_twice();
  EXPECT_EQ(w.reads, 2u);
}

TEST_F(Sources, DamageIsToldBeforeSilenceAndSilenceBeforeAbsence) {
  SourceList list(world.io, {&a, &b});
  const CanonicalHeader* header = &vault.log[2].header;
  std::vector<std::byte> block(header->BlockBytes(0));
  a.damaged.insert({3, 0});
  b.unreachable = true;
  EXPECT_EQ(Finish(world.io, list.ReadBlocks(header, 0, 1, block)).code(),
            absl::StatusCode::kDataLoss);
  a.damaged.clear();
  a.missing.insert(3);
  EXPECT_EQ(Finish(world.io, list.ReadBlocks(header, 0, 1, block)).code(),
            absl::StatusCode::kUnavailable);
  b.unreachable = false;
  b.missing.insert(3);
  EXPECT_EQ(Finish(world.io, list.ReadBlocks(header, 0, 1, block)).code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tidemark
