#include "replicator/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/crypto/seeded_entropy.h"
#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

TEST(Pack, IsItsGoldenFile) {
  SeededEntropy entropy(1);
  ExpectGolden("pack", SamplePack(&entropy));
  absl::StatusOr<PackDirectory> directory =
      OpenDirectoryOf(SampleVaultSecrets(), SamplePackIdentity(), ReadGoldenBytes("pack"));
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_EQ(directory->entries.size(), 3u);
  EXPECT_EQ(directory->entries[0],
            (PackEntry{SealedKind::kChunk, 0, 100, Counting<ChunkId>(0xe0)}));
  EXPECT_EQ(directory->entries[1], (PackEntry{SealedKind::kNode, 100, 101, {}}));
  EXPECT_EQ(directory->entries[2], (PackEntry{SealedKind::kRoot, 201, 102, {}}));
  ASSERT_EQ(directory->envelopes.size(), 1u);
  EXPECT_EQ(directory->envelopes[0], SampleEnvelope());
}

// The directory with these entries and notices, as the builder writes it.
absl::StatusOr<PackDirectory> BuiltWith(SealedKind kind, const std::vector<ResumeNotice>& notices) {
  SeededEntropy entropy(1);
  std::vector<std::byte> buffer(kPackBytesMax);
  PackBuilder builder(SamplePackIdentity(), buffer);
  MutableByteSpan room = builder.Reserve(100);
  std::fill(room.begin(), room.end(), std::byte{1});
  builder.Keep(kind, ChunkId{}, 100);
  for (const ResumeNotice& notice : notices) {
    EXPECT_TRUE(builder.FitsNotice(notice));
    builder.AddNotice(notice);
  }
  buffer.resize(builder.Finish(SampleVaultSecrets(), &entropy));
  return OpenDirectoryOf(SampleVaultSecrets(), SamplePackIdentity(), buffer);
}

TEST(Pack, KeepsNoticesOfResumePoints) {
  ResumeNotice done = SampleResumeNotice();
  done.point = {};
  done.salt = {};
  absl::StatusOr<PackDirectory> directory =
      BuiltWith(SealedKind::kResume, {SampleResumeNotice(), done});
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_EQ(directory->notices.size(), 2u);
  EXPECT_EQ(directory->notices[0], SampleResumeNotice());
  EXPECT_EQ(directory->notices[1], done);
  EXPECT_EQ(directory->entries[0].kind, SealedKind::kResume);
}

TEST(Pack, WithAResumePointAndNoNoticeIsDataLoss) {
  EXPECT_TRUE(BuiltWith(SealedKind::kNode, {}).ok());
  EXPECT_TRUE(absl::IsDataLoss(BuiltWith(SealedKind::kResume, {}).status()));
}

TEST(Pack, KeepsItsObjectsWhereTheDirectorySays) {
  SeededEntropy entropy(1);
  std::vector<std::byte> pack = SamplePack(&entropy);
  std::vector<std::byte> object = CountingBytes(101, 1);
  EXPECT_TRUE(std::equal(object.begin(), object.end(), pack.begin() + 100));
}

TEST(Pack, EveryFlippedByteOfDirectoryOrTailIsDetected) {
  SeededEntropy entropy(1);
  std::vector<std::byte> pack = SamplePack(&entropy);
  VaultSecrets secrets = SampleVaultSecrets();
  absl::StatusOr<DirectoryPlace> place =
      FindDirectory(secrets, SamplePackIdentity(), pack.size(), ByteSpan(pack).last(64));
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->offset + place->sealed_bytes + kPackTailBytes, pack.size());
  for (size_t i = place->offset; i < pack.size(); ++i) {
    pack[i] ^= std::byte{32};
    EXPECT_TRUE(absl::IsDataLoss(OpenDirectoryOf(secrets, SamplePackIdentity(), pack).status()))
        << i;
    pack[i] ^= std::byte{32};
  }
  EXPECT_TRUE(OpenDirectoryOf(secrets, SamplePackIdentity(), pack).ok());
}

TEST(Pack, OpensOnlyAsTheRecordThatItIs) {
  SeededEntropy entropy(1);
  std::vector<std::byte> pack = SamplePack(&entropy);
  VaultSecrets secrets = SampleVaultSecrets();
  std::vector<PackIdentity> others(3, SamplePackIdentity());
  others[0].vault = Counting<VaultId>(2);
  others[1].epoch += 1;
  others[2].sequence += 1;
  for (const PackIdentity& other : others) {
    EXPECT_TRUE(absl::IsDataLoss(OpenDirectoryOf(secrets, other, pack).status()));
  }
  VaultSecrets stranger = VaultSecrets::FromVaultSecret(Secret32());
  EXPECT_TRUE(absl::IsDataLoss(OpenDirectoryOf(stranger, SamplePackIdentity(), pack).status()));
}

TEST(Pack, OfAnyShorterLengthIsDataLoss) {
  SeededEntropy entropy(1);
  VaultSecrets secrets = SampleVaultSecrets();
  ForEachCut(SamplePack(&entropy), [&](ByteSpan front) {
    EXPECT_TRUE(absl::IsDataLoss(OpenDirectoryOf(secrets, SamplePackIdentity(), front).status()));
  });
}

// Fills a pack with objects of the given sizes until one does not fit; returns the payload.
std::vector<std::byte> Fill(SeededNumbers* numbers, size_t size_max, size_t* kept) {
  SeededEntropy entropy(numbers->Next());
  std::vector<std::byte> buffer(kPackBytesMax);
  PackBuilder builder(SamplePackIdentity(), buffer);
  *kept = 0;
  while (true) {
    size_t size = kSealTagBytes + 1 + numbers->Below(size_max);
    MutableByteSpan room = builder.Reserve(size);
    if (room.empty()) break;
    EXPECT_EQ(room.size(), size);
    std::fill(room.begin(), room.end(), std::byte{1});
    builder.Keep(SealedKind::kChunk, Counting<ChunkId>(3), size);
    ++*kept;
  }
  Envelope envelope = SampleEnvelope();
  envelope.name = std::string(kArchiveNameBytesMax, 'n');
  EXPECT_TRUE(builder.FitsEnvelope(envelope));  // always, however full the pack is
  builder.AddEnvelope(envelope);
  ResumeNotice notice = SampleResumeNotice();
  notice.name = envelope.name;
  EXPECT_TRUE(builder.FitsNotice(notice));  // beside it
  builder.AddNotice(notice);
  buffer.resize(builder.Finish(SampleVaultSecrets(), &entropy));
  return buffer;
}

TEST(Pack, FullOfAnySizesLeavesRoomForAnEnvelopeAndTheDirectory) {
  SeededNumbers numbers(7);
  for (size_t size_max :
       {size_t{1}, size_t{40}, size_t{1300}, size_t{5000}, size_t{300000}, kSealedChunkBytesMax}) {
    size_t kept = 0;
    std::vector<std::byte> pack = Fill(&numbers, size_max, &kept);
    EXPECT_TRUE(IsPayloadSize(pack.size()));
    absl::StatusOr<PackDirectory> directory =
        OpenDirectoryOf(SampleVaultSecrets(), SamplePackIdentity(), pack);
    ASSERT_TRUE(directory.ok()) << directory.status();
    EXPECT_EQ(directory->entries.size(), kept);
    EXPECT_EQ(directory->envelopes.size(), 1u);
  }
}

TEST(Pack, OfTinyObjectsEndsWithItsDirectory) {
  SeededNumbers numbers(7);
  size_t kept = 0;
  std::vector<std::byte> pack = Fill(&numbers, 1, &kept);
  EXPECT_GT(kept, 3000u);
  EXPECT_LT(pack.size(), kPackBytesMax);  // kDirectoryBytesMax is the bound here
}

TEST(Pack, TakesEnvelopesOnlyWhileTheyFit) {
  std::vector<std::byte> buffer(kPackBytesMax);
  PackBuilder builder(SamplePackIdentity(), buffer);
  EXPECT_TRUE(builder.empty());
  size_t added = 0;
  while (builder.FitsEnvelope(SampleEnvelope())) {
    builder.AddEnvelope(SampleEnvelope());
    ++added;
  }
  EXPECT_FALSE(builder.empty());
  EXPECT_LE(added * EncodedEnvelopeBytes(SampleEnvelope()), kDirectoryBytesMax);
  SeededEntropy entropy(3);
  size_t payload_bytes = builder.Finish(SampleVaultSecrets(), &entropy);
  absl::StatusOr<PackDirectory> directory = OpenDirectoryOf(
      SampleVaultSecrets(), SamplePackIdentity(), ByteSpan(buffer).first(payload_bytes));
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(directory->envelopes.size(), added);
}

TEST(Pack, ReservedButNotKeptLeavesNoTrace) {
  std::vector<std::byte> buffer(kPackBytesMax);
  PackBuilder builder(SamplePackIdentity(), buffer);
  std::fill_n(builder.Reserve(3000).begin(), 3000, std::byte{0});
  EXPECT_EQ(builder.used_bytes(), 0u);
  MutableByteSpan again = builder.Reserve(500);
  EXPECT_EQ(again.data(), buffer.data());
  EXPECT_EQ(builder.Keep(SealedKind::kNode, {}, 20), 0u);
  EXPECT_EQ(builder.used_bytes(), 20u);
  SeededEntropy entropy(3);
  EXPECT_EQ(builder.Finish(SampleVaultSecrets(), &entropy), kPayloadBytesMin);
}

// A site must not see where objects end: behind them it looks random too.
TEST(Pack, PaddingLooksRandom) {
  std::vector<std::byte> buffer(kPackBytesMax);
  PackBuilder builder(SamplePackIdentity(), buffer);
  std::fill_n(builder.Reserve(40000).begin(), 40000, std::byte{0});
  builder.Keep(SealedKind::kChunk, {}, 40000);
  SeededEntropy entropy(3);
  size_t payload_bytes = builder.Finish(SampleVaultSecrets(), &entropy);
  ASSERT_EQ(payload_bytes, kBlockBytes);
  std::map<std::byte, size_t> counts;
  for (size_t i = 40000; i < payload_bytes; ++i) ++counts[buffer[i]];
  EXPECT_EQ(counts.size(), 256u);
  for (const auto& [value, count] : counts) EXPECT_LT(count, 200u) << static_cast<int>(value);
}

struct SeenSeals {
  std::map<Digest, Digest> plaintext_of;
  bool key_used_twice = false;
};
void Observe(void* context, const Digest& key, const Digest& plaintext) {
  SeenSeals* seen = static_cast<SeenSeals*>(context);
  auto [place, is_new] = seen->plaintext_of.emplace(key, plaintext);
  if (!is_new && place->second != plaintext) seen->key_used_twice = true;
}

// Law 8 with a broken generator: two directories never share a key.
TEST(Pack, StuckEntropySealsNothingElseUnderTheSameKey) {
  SeenSeals seen;
  SetSealObserver(Observe, &seen);
  for (size_t bytes : {20, 21, 4000, 9000}) {
    std::vector<std::byte> buffer(kPackBytesMax);
    PackBuilder builder(SamplePackIdentity(), buffer);
    std::fill_n(builder.Reserve(bytes).begin(), bytes, std::byte{0});
    builder.Keep(SealedKind::kChunk, {}, bytes);
    StuckEntropy entropy;
    builder.Finish(SampleVaultSecrets(), &entropy);
  }
  SetSealObserver(nullptr, nullptr);
  EXPECT_EQ(seen.plaintext_of.size(), 8u);  // a directory and a head each
  EXPECT_FALSE(seen.key_used_twice);
}

}  // namespace
}  // namespace tidemark
