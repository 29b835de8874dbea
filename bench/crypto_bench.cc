// What names, seals, opens and signs costs, at the sizes that occur: a chunk of each class of
// vault, a block, a commit.
//   crypto_bench --benchmark_min_time=0.5
// One core, from the cache: the pipeline's stages are measured in place by `tidemark bench
// --stages`.
#include <benchmark/benchmark.h>

#include <vector>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "crypto/keys.h"
#include "crypto/sealing.h"

namespace tidemark {
namespace {

constexpr int64_t kSmall = 4 << 10, kDatabaseChunk = 16 << 10, kChunk = 64 << 10;

// Counts: what a kernel's generator costs is no business of this room.
struct CountingEntropy : EntropySource {
  void Fill(MutableByteSpan out) override {
    for (std::byte& byte : out) byte = static_cast<std::byte>(++count);
  }
  uint64_t count = 0;
};

Secret32 SecretOf(uint8_t seed) {
  Secret32 secret;
  secret.mutable_view()[0] = static_cast<std::byte>(seed);
  return secret;
}

std::vector<std::byte> Bytes(int64_t size) {
  std::vector<std::byte> bytes(static_cast<size_t>(size));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

void CountBytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void BM_ChunkId(benchmark::State& state) {
  const ChunkIdKey key(SecretOf(1));
  const std::vector<std::byte> plain = Bytes(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(key.Identify(plain));
  CountBytes(state);
}
BENCHMARK(BM_ChunkId)->Arg(kSmall)->Arg(kDatabaseChunk)->Arg(kChunk);

void BM_BlockDigest(benchmark::State& state) {
  const std::vector<std::byte> block = Bytes(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(HashBytes(block));
  CountBytes(state);
}
BENCHMARK(BM_BlockDigest)->Arg(kSmall)->Arg(kChunk);

// As a push does it: a key of its own for each chunk, hedged with the chunk's id.
void BM_Seal(benchmark::State& state) {
  CountingEntropy entropy;
  const Secret32 hedge = SecretOf(2);
  const std::vector<std::byte> plain = Bytes(state.range(0)), context = Bytes(32);
  const ChunkId id = ChunkIdKey(SecretOf(1)).Identify(plain);
  std::vector<std::byte> sealed(plain.size() + kSealTagBytes);
  for (auto _ : state) {
    SingleUseKey key =
        SingleUseKey::Hedged(hedge, &entropy, SealedKind::kChunk, Codec::kRaw, id.bytes, context);
    benchmark::DoNotOptimize(
        Seal(std::move(key), SealedKind::kChunk, Codec::kRaw, context, plain, sealed));
  }
  CountBytes(state);
}
BENCHMARK(BM_Seal)->Arg(kSmall)->Arg(kDatabaseChunk)->Arg(kChunk);

void BM_Open(benchmark::State& state) {
  CountingEntropy entropy;
  const std::vector<std::byte> plain = Bytes(state.range(0)), context = Bytes(32);
  const ChunkId id = ChunkIdKey(SecretOf(1)).Identify(plain);
  std::vector<std::byte> sealed(plain.size() + kSealTagBytes), opened(plain.size());
  SingleUseKey key = SingleUseKey::Hedged(SecretOf(2), &entropy, SealedKind::kChunk, Codec::kRaw,
                                          id.bytes, context);
  const OpenKey kept =
      Seal(std::move(key), SealedKind::kChunk, Codec::kRaw, context, plain, sealed);
  for (auto _ : state) {
    if (!Open(kept, SealedKind::kChunk, Codec::kRaw, context, sealed, opened).ok())
      state.SkipWithError("it does not open");
  }
  CountBytes(state);
}
BENCHMARK(BM_Open)->Arg(kSmall)->Arg(kDatabaseChunk)->Arg(kChunk);

// The MAC of a frame's header.
void BM_FrameMac(benchmark::State& state) {
  const Secret32 key = SecretOf(3);
  const std::vector<std::byte> header = Bytes(112);
  for (auto _ : state) benchmark::DoNotOptimize(KeyedHash(key.view(), header));
}
BENCHMARK(BM_FrameMac);

// A receipt's signature, over about 300 bytes.
void BM_Sign(benchmark::State& state) {
  const SigningKey key = SigningKey::FromSeed(SecretOf(4));
  const std::vector<std::byte> message = Bytes(300);
  for (auto _ : state) benchmark::DoNotOptimize(key.Sign("tidemark-receipt/1", message));
}
BENCHMARK(BM_Sign);

void BM_Verify(benchmark::State& state) {
  const SigningKey key = SigningKey::FromSeed(SecretOf(4));
  const std::vector<std::byte> message = Bytes(300);
  const Signature signature = key.Sign("tidemark-receipt/1", message);
  for (auto _ : state) {
    if (!VerifySignature(key.public_key(), "tidemark-receipt/1", message, signature))
      state.SkipWithError("it does not verify");
  }
}
BENCHMARK(BM_Verify);

}  // namespace
}  // namespace tidemark

BENCHMARK_MAIN();
