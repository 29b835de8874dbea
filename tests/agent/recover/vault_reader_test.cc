// Goal: a vault opens from any log that a crash or damage may leave, and says what is missing.
#include "agent/recover/vault_reader.h"

#include <gtest/gtest.h>

#include "tests/agent/recover/memory_source.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

class OpeningAVault : public testing::Test {
 protected:
  OpeningAVault() : vault(3), source(world.io, "site a", &vault) { vault.Genesis(); }
  Envelope PushNamed(const std::string& name, size_t bytes = 300'000) {
    TestPush push;
    push.name = name;
    push.bytes = vault.Noise(bytes);
    return vault.Push(push);
  }
  absl::StatusOr<std::unique_ptr<OpenedVault>> Open(uint64_t committed_upto) {
    return Finish(world.io, OpenVault(&source, vault.keys.vault, &vault.keys.kek, committed_upto));
  }
  UringWorld world;
  TestVault vault;
  MemorySource source;
};

TEST_F(OpeningAVault, FindsSnapshotAndLaterEnvelopes) {
  const Envelope old = PushNamed("old");
  vault.WriteKeyring();
  const Envelope later = PushNamed("later");
  const Envelope again = PushNamed("old");
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened = Open(UINT64_MAX);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const Catalog& catalog = (*opened)->catalog;
  EXPECT_EQ((*catalog.Find("old", 1, std::nullopt))->envelope, old);
  EXPECT_EQ((*catalog.Find("old", std::nullopt, std::nullopt))->envelope, again);
  EXPECT_EQ((*catalog.Find("later", std::nullopt, std::nullopt))->envelope, later);
  EXPECT_EQ((*opened)->tail, vault.tail());
  EXPECT_TRUE((*opened)->unreadable.empty());
  const Secret32 key = *ArchiveKey((*opened)->keys, later);
  EXPECT_TRUE(EqualInConstantTime(key.view(), UnwrapSecret(vault.keys.kek, WrappedKind::kArchiveKey,
                                                           later.archive.bytes, later.wrapped_key)
                                                  ->view()));
}

TEST_F(OpeningAVault, ReadsOnlyWhatIsBehindTheSnapshot) {
  PushNamed("old", 2'000'000);
  const uint64_t before = vault.log.size();
  vault.WriteKeyring();
  PushNamed("later");
  ASSERT_TRUE(Open(0).ok());
  for (uint64_t sequence = 1; sequence < before; ++sequence) {
    EXPECT_EQ(source.touched.count(sequence), 0u) << sequence;
  }
}

TEST_F(OpeningAVault, BelievesOnlyCommitsThatTheLogProves) {
  vault.WriteKeyring();
  const Envelope proven = PushNamed("proven");
  const Envelope open = PushNamed("open");
  vault.committed = proven.root.sequence;
  vault.Genesis();  // any later record
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened = Open(0);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->proven_committed, proven.root.sequence);
  EXPECT_TRUE((*opened)->catalog.Find("proven", std::nullopt, std::nullopt).ok());
  EXPECT_FALSE((*opened)->catalog.Find("open", std::nullopt, std::nullopt).ok());
  ASSERT_NE((*opened)->catalog.AnyVersion("open"), nullptr);
  EXPECT_EQ((*opened)->catalog.AnyVersion("open")->sequence, open.root.sequence);
  opened = Open(open.root.sequence);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE((*opened)->catalog.Find("open", std::nullopt, std::nullopt).ok());
}

TEST_F(OpeningAVault, ReadsTheTailsHeadAlsoWhenTheSnapshotIsTheTail) {
  const Envelope envelope = PushNamed("db");
  vault.committed = envelope.root.sequence;
  vault.WriteKeyring();
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened = Open(0);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE((*opened)->catalog.Find("db", std::nullopt, std::nullopt).ok());
  EXPECT_EQ((*opened)->keyring_sequence, vault.log.size());
}

TEST_F(OpeningAVault, ExtendsToWhatWasAppendedSince) {
  vault.WriteKeyring();
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened = Open(0);
  ASSERT_TRUE(opened.ok());
  const Envelope envelope = PushNamed("db");
  vault.committed = envelope.root.sequence;
  vault.WriteKeyring();
  const absl::Status extended =
      Finish(world.io, ExtendVault(&source, opened->get(), vault.log.size()));
  ASSERT_TRUE(extended.ok()) << extended;
  EXPECT_TRUE((*opened)->catalog.Find("db", std::nullopt, std::nullopt).ok());
  EXPECT_EQ((*opened)->tail, vault.tail());
  EXPECT_EQ((*opened)->keyring_sequence, vault.log.size());
}

TEST_F(OpeningAVault, GoesOnBehindPacksThatAreMissingAndNamesThem) {
  vault.WriteKeyring();
  const Envelope lost = PushNamed("lost");
  const Envelope damaged = PushNamed("damaged");
  PushNamed("there");
  source.missing.insert(lost.root.sequence);
  const CanonicalHeader& head = vault.log[damaged.root.sequence - 1].header;
  source.damaged.insert({damaged.root.sequence, static_cast<uint32_t>(head.blocks.size() - 1)});
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened = Open(UINT64_MAX);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE((*opened)->catalog.Find("there", std::nullopt, std::nullopt).ok());
  EXPECT_EQ((*opened)->catalog.AnyVersion("lost"), nullptr);
  EXPECT_EQ((*opened)->unreadable,
            (std::vector<uint64_t>{lost.root.sequence, damaged.root.sequence}));
}

TEST_F(OpeningAVault, RefusesAnotherKek) {
  vault.WriteKeyring();
  SeededEntropy entropy(77);
  const KeyEncryptionKey other = KeyEncryptionKey::Generate(&entropy);
  EXPECT_EQ(Finish(world.io, OpenVault(&source, vault.keys.vault, &other, 0)).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(OpeningAVault, SaysWhenThereIsNoKeyringOrNoVault) {
  EXPECT_EQ(Open(0).status().code(), absl::StatusCode::kNotFound);
  VaultId stranger;
  EXPECT_EQ(Finish(world.io, OpenVault(&source, stranger, &vault.keys.kek, 0)).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(OpeningAVault, ADamagedKeyringIsDataLoss) {
  vault.WriteKeyring();
  source.damaged.insert({vault.log.size(), 0});
  EXPECT_EQ(Open(0).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(OpeningAVault, RefusesALogThatIsNotOneChain) {
  vault.WriteKeyring();
  PushNamed("db", 900'000);
  MemoryRecord& record = vault.log[vault.log.size() - 2];
  record.header.made_at_nanos += 1;
  EXPECT_EQ(Open(0).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(OpeningAVault, UsesTheSnapshotBeforeOneThatWasCutShort) {
  const Envelope envelope = PushNamed("db");
  vault.WriteKeyring();
  const uint64_t whole = vault.log.size();
  // The first of two parts, the second never came.
  absl::StatusOr<std::vector<std::byte>> body = ReadControlBody(vault.log.back().payload);
  ASSERT_TRUE(body.ok());
  KeyringPart part = *ParseKeyringPart(*body);
  part.parts = 2;
  MemoryRecord cut = vault.log.back();
  cut.header.sequence = whole + 1;
  cut.header.previous = vault.tail().digest;
  cut.payload = MakeControlPayload(vault.agent, vault.keys.vault, RecordKind::kKeyring, 1,
                                   whole + 1, Encode(part));
  cut.header.payload_bytes = static_cast<uint32_t>(cut.payload.size());
  cut.header.blocks = BlockDigests(cut.payload);
  vault.log.push_back(cut);
  absl::StatusOr<FoundKeyring> found =
      Finish(world.io, ReadKeyring(&source, vault.keys.vault, &vault.keys.kek, 0));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->sequence, whole);
  ASSERT_EQ(found->opened.keyring.envelopes.size(), 1u);
  EXPECT_EQ(found->opened.keyring.envelopes[0], envelope);
}

TEST_F(OpeningAVault, ReadsASnapshotOfManyParts) {
  vault.pack_bytes = 1 << 20;
  Envelope envelope = PushNamed("db");
  // Enough envelopes for more than one part.
  for (uint64_t i = 0; i < 20'000; ++i) {
    envelope.name = absl::StrFormat("archive-%06d-%s", i, std::string(100, 'x'));
    vault.envelopes.push_back(envelope);
  }
  vault.WriteKeyring();
  absl::StatusOr<FoundKeyring> found =
      Finish(world.io, ReadKeyring(&source, vault.keys.vault, &vault.keys.kek, 0));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_GT(found->parts.size(), 1u);
  EXPECT_EQ(found->opened.keyring.envelopes.size(), 20'001u);
  EXPECT_EQ(found->sequence, vault.log.size());
}

TEST_F(OpeningAVault, ReadsADirectoryThatSpansBlocks) {
  vault.pack_bytes = 3 << 20;
  TestPush push;
  push.chunk_bytes_max = 100;
  push.bytes = vault.Noise(120'000);
  const Envelope envelope = vault.Push(push);
  const CanonicalHeader& header = vault.log[envelope.root.sequence - 1].header;
  absl::StatusOr<PackDirectory> directory =
      Finish(world.io, ReadDirectory(&source, &vault.keys, &header));
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_GT(directory->entries.size(), 1500u);
  ASSERT_EQ(directory->envelopes.size(), 1u);
  EXPECT_EQ(directory->envelopes[0], envelope);
}

}  // namespace
}  // namespace tidemark
