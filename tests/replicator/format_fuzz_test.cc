// Seeded random damage to what every parser reads. Checksums, tags and MACs are made to hold
// again, so that the damage reaches the parser. What still parses must encode to the same bytes:
// there is one encoding of everything.
#include <gtest/gtest.h>

#include <algorithm>

#include "replicator/format_mark.h"
#include "tests/crypto/seeded_entropy.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

constexpr int kRounds = 20000;

// use(changed) for many damaged copies of `bytes`; the copies are exactly as long as they claim.
template <class Use>
void Damage(const std::vector<std::byte>& bytes, uint64_t seed, Use use) {
  SeededNumbers numbers(seed);
  for (int round = 0; round < kRounds; ++round) use(Mutate(bytes, &numbers));
}

// Whatever `parse` takes, `encode` gives back unchanged.
template <class Parse, class EncodeAgain>
void DamageAndParse(const std::vector<std::byte>& bytes, uint64_t seed, Parse parse,
                    EncodeAgain encode) {
  int refused = 0;
  Damage(bytes, seed, [&](const std::vector<std::byte>& changed) {
    auto parsed = parse(changed);
    if (!parsed.ok()) {
      ++refused;
      EXPECT_TRUE(absl::IsDataLoss(parsed.status()) || absl::IsUnimplemented(parsed.status()));
      return;
    }
    std::vector<std::byte> again = encode(*parsed);
    ASSERT_LE(again.size(), changed.size());
    ASSERT_TRUE(std::equal(again.begin(), again.end(), changed.begin())) << ToHex(changed);
  });
  EXPECT_GT(refused, kRounds / 10);
}

void FixChecksum(std::vector<std::byte>* bytes) {
  if (bytes->size() < kChecksumBytes) return;
  Digest digest = HashBytes(ByteSpan(*bytes).first(bytes->size() - kChecksumBytes));
  std::copy(digest.bytes.begin(), digest.bytes.end(), bytes->end() - kChecksumBytes);
}

TEST(DamagedInput, CanonicalHeader) {
  DamageAndParse(
      SampleHeader(SamplePayload()).Encode(), 1,
      [](ByteSpan bytes) { return ParseCanonicalHeader(bytes); },
      [](const CanonicalHeader& header) { return header.Encode(); });
}

TEST(DamagedInput, RecordHead) {
  CanonicalHeader header = SampleHeader(SamplePayload());
  std::vector<std::byte> head = EncodeRecordHead(header, SamplePlacement(header));
  Damage(head, 2, [](std::vector<std::byte> changed) {
    changed.resize(kRecordHeaderBytes);
    FixChecksum(&changed);
    absl::StatusOr<RecordHead> parsed = ParseRecordHead(changed);
    if (parsed.ok()) {
      EXPECT_EQ(EncodeRecordHead(parsed->canonical, parsed->placement), changed);
    }
  });
}

TEST(DamagedInput, LogFileHeader) {
  Damage(EncodeLogFileHeader(SampleLogFileHeader()), 3, [](std::vector<std::byte> changed) {
    changed.resize(kLogFileHeaderBytes);
    FixChecksum(&changed);
    absl::StatusOr<LogFileHeader> parsed = ParseLogFileHeader(changed);
    if (parsed.ok()) {
      EXPECT_EQ(EncodeLogFileHeader(*parsed), changed);
    }
  });
}

template <class Parse>
void DamageBody(const std::vector<std::byte>& body, uint64_t seed, Parse parse) {
  DamageAndParse(body, seed, parse, [](const auto& parsed) { return Encode(parsed); });
}

TEST(DamagedInput, ControlBodies) {
  DamageBody(Encode(SampleGenesis()), 4, ParseVaultGenesis);
  DamageBody(Encode(SampleEpochStart()), 5, ParseEpochStart);
  DamageBody(Encode(SampleModeChange()), 6, ParseModeChange);
  DamageBody(Encode(SamplePackList()), 7, ParsePackList);
  DamageBody(Encode(SamplePurgeNotice()), 8, ParsePurgeNotice);
  SeededEntropy entropy(5);
  std::vector<KeyringPart> parts =
      SealKeyring(SampleKeyring(), SampleKek(), SampleVaultSecret(), &entropy);
  DamageBody(Encode(parts[0]), 9, ParseKeyringPart);
}

TEST(DamagedInput, ControlPayload) {
  std::vector<std::byte> payload = MakeControlPayload(
      SampleSigner(), Counting<VaultId>(1), RecordKind::kMode, 3, 9, Encode(SampleModeChange()));
  Damage(payload, 10, [&](const std::vector<std::byte>& changed) {
    absl::StatusOr<std::vector<std::byte>> body = ReadControlBody(changed);
    if (body.ok()) {
      EXPECT_LE(body->size() + 68, changed.size());
    }
  });
}

TEST(DamagedInput, ResumePoint) {
  DamageAndParse(EncodeResumePoint(SampleResumePoint()), 20, ParseResumePoint, EncodeResumePoint);
}

TEST(DamagedInput, SignedStatements) {
  PublicKey signer = SampleSigner().public_key();
  Damage(SignReceipt(SampleSigner(), SampleReceipt()).Encode(), 11,
         [&](const std::vector<std::byte>& changed) {
           absl::StatusOr<SignedReceipt> parsed = ParseReceipt(signer, changed);
           if (parsed.ok()) {
             EXPECT_EQ(parsed->Encode(), changed);
           }
         });
  Damage(SignCheckpoint(SampleSigner(), SampleCheckpoint()).Encode(), 12,
         [&](const std::vector<std::byte>& changed) {
           absl::StatusOr<SignedCheckpoint> parsed = ParseCheckpoint(signer, changed);
           if (parsed.ok()) {
             EXPECT_EQ(parsed->Encode(), changed);
           }
         });
  DamageAndParse(
      SignPromise(SampleSigner(), SamplePromise()).Encode(), 13,
      [](ByteSpan bytes) { return ParsePromiseUnchecked(bytes); },
      [](const SignedPromise& promise) { return promise.Encode(); });
}

TEST(DamagedInput, ManifestNodesAndRoot) {
  auto encode = [](const Node& node) {
    return node.level == 0 ? EncodeLeaf(node.entries) : EncodeInner(node.level, node.children);
  };
  DamageAndParse(EncodeLeaf(SampleLeaf()), 14, ParseNode, encode);
  DamageAndParse(EncodeInner(1, SampleChildren()), 15, ParseNode, encode);
  DamageAndParse(EncodeRoot(SampleRoot()), 16, ParseRoot, EncodeRoot);
}

TEST(DamagedInput, Envelope) {
  LayoutWriter out;
  EncodeEnvelope(SampleEnvelope(), &out);
  Damage(out.Take(), 17, [](const std::vector<std::byte>& changed) {
    LayoutReader in(changed);
    Envelope envelope = DecodeEnvelope(&in);
    if (!in.ok()) return;
    LayoutWriter again;
    EncodeEnvelope(envelope, &again);
    EXPECT_TRUE(std::equal(again.view().begin(), again.view().end(), changed.begin()));
  });
}

TEST(DamagedInput, PackTail) {
  SeededEntropy entropy(1);
  VaultSecrets secrets = SampleVaultSecrets();
  std::vector<std::byte> pack = SamplePack(&entropy);
  std::vector<std::byte> tail(pack.end() - kPackTailBytes, pack.end());
  Damage(tail, 18, [&](const std::vector<std::byte>& changed) {
    absl::StatusOr<DirectoryPlace> place =
        FindDirectory(secrets, SamplePackIdentity(), pack.size(), changed);
    EXPECT_TRUE(!place.ok() || changed == tail);
  });
}

// Directory plaintext that is damaged, then sealed as it should be.
TEST(DamagedInput, PackDirectory) {
  SeededEntropy entropy(1);
  VaultSecrets secrets = SampleVaultSecrets();
  PackIdentity identity = SamplePackIdentity();
  std::vector<std::byte> pack = SamplePack(&entropy);
  ByteSpan tail = ByteSpan(pack).last(kPackTailBytes);
  LayoutReader in(tail.last(kSaltBytes));
  Salt salt = in.Object<Salt>();
  LayoutWriter context;
  context.Bytes(identity.vault.bytes).U64(identity.epoch).U64(identity.sequence);
  absl::StatusOr<DirectoryPlace> place = FindDirectory(secrets, identity, pack.size(), tail);
  ASSERT_TRUE(place.ok());
  std::vector<std::byte> plain(place->sealed_bytes - kSealTagBytes);
  OpenKey key = OpenKeyFromSalt(secrets.k_dir, salt, SealedKind::kDirectory, context.view());
  ASSERT_TRUE(Open(key, SealedKind::kDirectory, Codec::kRaw, context.view(),
                   ByteSpan(pack).subspan(place->offset, place->sealed_bytes), plain)
                  .ok());
  int parsed = 0;
  Damage(plain, 19, [&](const std::vector<std::byte>& changed) {
    std::vector<std::byte> sealed(changed.size() + kSealTagBytes);
    Seal(SingleUseKey::FromSalt(secrets.k_dir, salt, SealedKind::kDirectory, context.view()),
         SealedKind::kDirectory, Codec::kRaw, context.view(), changed, sealed);
    absl::StatusOr<PackDirectory> directory = OpenDirectory(secrets, identity, sealed, tail);
    if (!directory.ok()) return;
    ++parsed;
    for (const PackEntry& entry : directory->entries) {
      EXPECT_LE(uint64_t{entry.offset} + entry.sealed_bytes, kPackBytesMax);
    }
  });
  EXPECT_GT(parsed, 0);
}

TEST(DamagedInput, KeyringFile) {
  SeededEntropy entropy(5);
  VaultId vault = Counting<VaultId>(1);
  std::vector<KeyringPart> parts =
      SealKeyring(SampleKeyring(), SampleKek(), SampleVaultSecret(), &entropy);
  Damage(EncodeKeyringFile(vault, parts), 20, [&](std::vector<std::byte> changed) {
    FixChecksum(&changed);
    absl::StatusOr<std::vector<KeyringPart>> parsed = ParseKeyringFile(vault, changed);
    if (parsed.ok()) {
      EXPECT_EQ(EncodeKeyringFile(vault, *parsed), changed);
    }
  });
}

TEST(DamagedInput, FrameHeader) {
  Secret32 key(Counting<Digest>(0x70).bytes);
  FrameSender sender(key.Clone());
  std::vector<std::byte> frame(kFrameHeaderBytes);
  sender.Encode(SampleFrame(), std::span<std::byte, kFrameHeaderBytes>(frame));
  Damage(frame, 21, [&](std::vector<std::byte> changed) {
    changed.resize(kFrameHeaderBytes);
    Digest mac = KeyedHash(key.view(), ByteSpan(changed).first(kFrameHeaderBytes - 16));
    std::copy_n(mac.bytes.begin(), 16, changed.end() - 16);
    FrameReceiver receiver(key.Clone());
    absl::StatusOr<FrameHeader> header =
        receiver.Decode(std::span<const std::byte, kFrameHeaderBytes>(changed));
    if (!header.ok()) return;
    EXPECT_LE(header->payload_bytes, kFramePayloadBytesMax);
    FrameSender again(key.Clone());
    std::vector<std::byte> bytes(kFrameHeaderBytes);
    again.Encode(*header, std::span<std::byte, kFrameHeaderBytes>(bytes));
    EXPECT_EQ(bytes, changed);
  });
}

}  // namespace
}  // namespace tidemark
