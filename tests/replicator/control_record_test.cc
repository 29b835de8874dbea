#include "replicator/control_record.h"

#include <gtest/gtest.h>

#include "tests/crypto/seeded_entropy.h"
#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

// A body is its golden file, is read back to the same bytes, and no part of it parses.
template <class Parse>
void ExpectSoundBody(const std::string& name, const std::vector<std::byte>& body, Parse parse) {
  SCOPED_TRACE(name);
  ExpectGolden(name, body);
  auto parsed = parse(ReadGoldenBytes(name));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(Encode(*parsed), body);
  ForEachCut(body, [&](ByteSpan front) {
    EXPECT_TRUE(absl::IsDataLoss(parse(front).status())) << front.size();
  });
  std::vector<std::byte> longer = body;
  longer.push_back(std::byte{0});
  EXPECT_TRUE(absl::IsDataLoss(parse(longer).status()));
  std::vector<std::byte> newer = body;
  newer[0] = std::byte{2};
  EXPECT_TRUE(absl::IsUnimplemented(parse(newer).status()));
}

TEST(ControlBodies, AreTheirGoldenFiles) {
  ExpectSoundBody("control_vault_genesis", Encode(SampleGenesis()), ParseVaultGenesis);
  ExpectSoundBody("control_epoch_start", Encode(SampleEpochStart()), ParseEpochStart);
  ExpectSoundBody("control_mode", Encode(SampleModeChange()), ParseModeChange);
  ExpectSoundBody("control_pack_list", Encode(SamplePackList()), ParsePackList);
  ExpectSoundBody("control_purge", Encode(SamplePurgeNotice()), ParsePurgeNotice);
  SeededEntropy entropy(5);
  std::vector<KeyringPart> parts =
      SealKeyring(SampleKeyring(), SampleKek(), SampleVaultSecret(), &entropy);
  ExpectSoundBody("control_keyring", Encode(parts[0]), ParseKeyringPart);
}

TEST(ControlBodies, KeepEveryField) {
  VaultGenesis genesis = *ParseVaultGenesis(Encode(SampleGenesis()));
  EXPECT_EQ(genesis.vault_name, "default");
  EXPECT_EQ(genesis.agent_key, SampleSigner().public_key());
  EXPECT_EQ(genesis.segment_bytes, 2000000000000u);
  EXPECT_EQ(genesis.chunk_bytes_min, 16384u);
  EXPECT_EQ(genesis.chunk_bytes_average, 65536u);
  EXPECT_EQ(genesis.chunk_bytes_max, 262144u);
  EpochStart start = *ParseEpochStart(Encode(SampleEpochStart()));
  EXPECT_EQ(start.base, SampleEpochStart().base);
  EXPECT_EQ(start.nonce, SampleEpochStart().nonce);
  EXPECT_EQ(start.promises, SampleEpochStart().promises);
  ModeChange mode = *ParseModeChange(Encode(SampleModeChange()));
  EXPECT_EQ(mode.mode, AckMode::kQuorum);
  EXPECT_EQ(mode.reason, SampleModeChange().reason);
  EXPECT_EQ(ParsePackList(Encode(SamplePackList()))->sequences, SamplePackList().sequences);
  EXPECT_EQ(ParsePurgeNotice(Encode(SamplePurgeNotice()))->archive, SamplePurgeNotice().archive);
}

TEST(ControlBodies, RefuseUnknownModesAndUnsortedLists) {
  std::vector<std::byte> mode = Encode(SampleModeChange());
  mode[2] = std::byte{3};
  EXPECT_TRUE(absl::IsDataLoss(ParseModeChange(mode).status()));
  std::vector<std::byte> list = Encode(SamplePackList());
  std::swap(list[6], list[14]);
  EXPECT_TRUE(absl::IsDataLoss(ParsePackList(list).status()));
  EXPECT_TRUE(absl::IsDataLoss(ParsePackList(Encode(PackList{{5, 5}})).status()));
  EXPECT_TRUE(absl::IsDataLoss(ParsePackList(Encode(PackList{{0}})).status()));
}

struct SignedRecord {
  CanonicalHeader header;
  std::vector<std::byte> payload;
};
SignedRecord SampleControlRecord() {
  SignedRecord record;
  record.header.kind = RecordKind::kMode;
  record.header.vault = Counting<VaultId>(1);
  record.header.epoch = 3;
  record.header.sequence = 91;
  record.payload = MakeControlPayload(SampleSigner(), record.header.vault, record.header.kind, 3,
                                      91, Encode(SampleModeChange()));
  record.header.payload_bytes = static_cast<uint32_t>(record.payload.size());
  record.header.blocks = BlockDigests(record.payload);
  return record;
}

TEST(ControlPayload, IsItsGoldenFile) {
  SignedRecord record = SampleControlRecord();
  ExpectGolden("control_payload", record.payload);
  absl::StatusOr<std::vector<std::byte>> body = OpenControlPayload(
      SampleSigner().public_key(), record.header, ReadGoldenBytes("control_payload"));
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(*body, Encode(SampleModeChange()));
  EXPECT_EQ(*ReadControlBody(record.payload), *body);
}

TEST(ControlPayload, EveryFlippedByteIsDetected) {
  SignedRecord record = SampleControlRecord();
  PublicKey agent = SampleSigner().public_key();
  ForEachFlip(record.payload, [&](ByteSpan changed, size_t index) {
    EXPECT_FALSE(OpenControlPayload(agent, record.header, changed).ok()) << index;
  });
}

TEST(ControlPayload, BelongsToItsRecordAndItsSigner) {
  SignedRecord record = SampleControlRecord();
  PublicKey agent = SampleSigner().public_key();
  std::vector<CanonicalHeader> others(4, record.header);
  others[0].vault = Counting<VaultId>(2);
  others[1].kind = RecordKind::kPurge;
  others[2].epoch = 4;
  others[3].sequence = 92;
  for (const CanonicalHeader& other : others) {
    EXPECT_TRUE(
        absl::IsPermissionDenied(OpenControlPayload(agent, other, record.payload).status()));
  }
  PublicKey stranger = SigningKey::FromSeed(Secret32()).public_key();
  EXPECT_TRUE(absl::IsPermissionDenied(
      OpenControlPayload(stranger, record.header, record.payload).status()));
  record.header.kind = RecordKind::kPack;
  EXPECT_FALSE(OpenControlPayload(agent, record.header, record.payload).ok());
}

TEST(ControlPayload, ShorterThanItselfIsDataLoss) {
  SignedRecord record = SampleControlRecord();
  ForEachCut(record.payload, [&](ByteSpan front) {
    EXPECT_TRUE(absl::IsDataLoss(ReadControlBody(front).status())) << front.size();
  });
}

TEST(ControlPayload, HoldsTheLargestBody) {
  std::vector<std::byte> body = CountingBytes(kControlBodyBytesMax, 1);
  std::vector<std::byte> payload =
      MakeControlPayload(SampleSigner(), Counting<VaultId>(1), RecordKind::kKeyring, 1, 1, body);
  EXPECT_EQ(payload.size(), kPackBytesMax);
  EXPECT_EQ(*ReadControlBody(payload), body);
  payload.resize(payload.size() + kBlockBytes);
  EXPECT_FALSE(ReadControlBody(payload).ok());
}

}  // namespace
}  // namespace tidemark
