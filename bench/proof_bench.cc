// How fast an export is verified: a day of receipts is 5 million (three sites, one each 50 ms).
// Made here in small, and once whole (2 GB); most receipts carry no signature, since one in a
// hundred is looked at. `--full` checks all of them: its rate is the signature's.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "replicator/proof.h"

namespace tidemark {
namespace {

constexpr uint64_t kRoundsOfADay = 5'000'000 / 3 + 1;
constexpr int64_t kRound = 50000000;  // nanoseconds
constexpr int64_t kStart = 1790000000000000000;

struct Export {
  ExportManifest manifest;
  std::string evidence;
  uint64_t receipts = 0;
};

SigningKey KeyOf(uint8_t number) {
  Secret32 seed;
  seed.mutable_view()[0] = std::byte{number};
  return SigningKey::FromSeed(std::move(seed));
}

// `rounds` of a record, a checkpoint and three receipts. Signed: each `signed_every`th and borders.
Export MakeExport(uint64_t rounds, uint64_t signed_every) {
  Export made;
  const SigningKey agent = KeyOf(1);
  made.manifest.agent = "agent";
  made.manifest.agent_key = agent.public_key();
  made.manifest.since_nanos = kStart;
  made.manifest.until_nanos = kStart + static_cast<int64_t>(rounds) * kRound;
  VaultId vault;
  vault.bytes[0] = std::byte{7};
  made.manifest.vaults.push_back({vault, "default", "database", int64_t{900} * 1000000000});
  std::vector<SigningKey> keys;
  std::vector<SignedReceipt> newest(3);
  for (uint8_t i = 0; i < 3; ++i) {
    keys.push_back(KeyOf(static_cast<uint8_t>(10 + i)));
    newest[i].receipt.site = std::string(1, "abw"[i]);
    newest[i].receipt.store.bytes[0] = std::byte{static_cast<unsigned char>(20 + i)};
    made.manifest.sites.push_back({newest[i].receipt.site, i < 2, keys[i].public_key()});
  }
  CanonicalHeader header;
  header.vault = vault;
  header.epoch = 1;
  header.payload_bytes = 65536;
  header.blocks.resize(1);
  std::string headers;
  for (uint64_t round = 1; round <= rounds; ++round) {
    header.previous = header.sequence == 0 ? Digest{} : header.digest();
    header.sequence = round;
    AppendEvidence(EvidenceKind::kHeader, {}, header.Encode(), &headers);
    const bool is_signed = round % signed_every == 0 || round == 1 || round == rounds;
    const int64_t now = kStart + static_cast<int64_t>(round) * kRound;
    SignedCheckpoint checkpoint;
    checkpoint.checkpoint.vault = vault;
    checkpoint.checkpoint.upto = header.position();
    checkpoint.checkpoint.captured_at_nanos = checkpoint.checkpoint.restorable_at_nanos = now;
    checkpoint.checkpoint.made_at_nanos = now;
    for (const SignedReceipt& receipt : newest)
      checkpoint.checkpoint.receipts.push_back(round == 1 ? Digest{} : receipt.digest());
    checkpoint = SignCheckpoint(agent, checkpoint.checkpoint);
    AppendEvidence(EvidenceKind::kCheckpoint, {}, checkpoint.Encode(), &made.evidence);
    for (size_t i = 0; i < 3; ++i) {
      Receipt receipt = newest[i].receipt;
      receipt.number = round;
      receipt.previous = round == 1 ? Digest{} : newest[i].digest();
      receipt.wall_nanos = now;
      receipt.checkpoint = checkpoint.digest();
      receipt.heads = {{vault, header.position()}};
      newest[i] = is_signed ? SignReceipt(keys[i], std::move(receipt))
                            : SignedReceipt{std::move(receipt), {}};
      AppendEvidence(EvidenceKind::kReceipt, {}, newest[i].Encode(), &made.evidence);
      ++made.receipts;
    }
  }
  made.evidence.insert(0, headers);
  return made;
}

void Verify(benchmark::State& state, const Export& made, uint64_t signature_every) {
  for (auto _ : state) {
    // The file's digest, then the evidence: as rpo-verify reads it twice.
    benchmark::DoNotOptimize(HashBytes(AsBytes(made.evidence)));
    ProofFindings findings;
    ProofCheck check(made.manifest, signature_every, &findings);
    std::optional<EvidenceFrame> frame;
    size_t used = 0;
    for (size_t at = 0; at < made.evidence.size(); at += used) {
      if (!ReadEvidence(AsBytes(made.evidence).subspan(at), &frame, &used).ok()) std::abort();
      check.Take(*frame);
    }
    const ProofReport report = check.Finish();
    if (!findings.empty()) {
      std::fprintf(stderr, "%s\n", findings.listed().front().message.c_str());
      std::abort();
    }
    benchmark::DoNotOptimize(report.receipts);
  }
  const double receipts = static_cast<double>(made.receipts * state.iterations());
  state.counters["receipts/s"] = benchmark::Counter(receipts, benchmark::Counter::kIsRate);
  state.counters["s for 5 M"] =
      benchmark::Counter(receipts / 5e6, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes/receipt"] =
      static_cast<double>(made.evidence.size()) / static_cast<double>(made.receipts);
}

void BM_Sampled(benchmark::State& state) {
  const Export made = MakeExport(static_cast<uint64_t>(state.range(0)), 100);
  Verify(state, made, 100);
}
BENCHMARK(BM_Sampled)->Arg(100'000)->Iterations(3)->Unit(benchmark::kSecond);
BENCHMARK(BM_Sampled)->Arg(kRoundsOfADay)->Iterations(1)->Unit(benchmark::kSecond);

void BM_Full(benchmark::State& state) {
  const Export made = MakeExport(static_cast<uint64_t>(state.range(0)), 1);
  Verify(state, made, 1);
}
BENCHMARK(BM_Full)->Arg(4000)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace tidemark

BENCHMARK_MAIN();
