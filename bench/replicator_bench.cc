// What the log's formats and decisions cost beside the bytes: heads and frames written and read, a
// record checked as a site checks it, and the books that are kept per record and heartbeat.
//   replicator_bench --benchmark_min_time=0.5
#include <benchmark/benchmark.h>

#include <vector>

#include "replicator/frame.h"
#include "replicator/lag_book.h"
#include "replicator/log_window.h"
#include "replicator/record.h"

namespace tidemark {
namespace {

constexpr int64_t kCommit = 4 << 10, kPack = 4 << 20;

std::vector<std::byte> Payload(int64_t size) {
  std::vector<std::byte> bytes(static_cast<size_t>(size));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

CanonicalHeader HeaderOf(ByteSpan payload, uint64_t sequence) {
  CanonicalHeader header;
  header.vault.bytes[0] = std::byte{1};
  header.epoch = 1;
  header.sequence = sequence;
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  header.blocks = BlockDigests(payload);
  return header;
}

Secret32 FrameKey() {
  Secret32 key;
  key.mutable_view()[0] = std::byte{1};
  return key;
}

FrameHeader BlockFrame(const CanonicalHeader& header) {
  FrameHeader frame;
  frame.vault = header.vault;
  frame.epoch = header.epoch;
  frame.sequence = header.sequence;
  frame.payload_bytes = static_cast<uint32_t>(header.BlockBytes(0));
  frame.payload_digest = header.blocks[0];
  return frame;
}

void BM_HeadEncode(benchmark::State& state) {
  const CanonicalHeader header = HeaderOf(Payload(state.range(0)), 7);
  for (auto _ : state) benchmark::DoNotOptimize(header.Encode());
}
BENCHMARK(BM_HeadEncode)->Arg(kCommit)->Arg(kPack);

void BM_HeadParse(benchmark::State& state) {
  const std::vector<std::byte> encoded = HeaderOf(Payload(state.range(0)), 7).Encode();
  for (auto _ : state) benchmark::DoNotOptimize(ParseCanonicalHeader(encoded));
}
BENCHMARK(BM_HeadParse)->Arg(kCommit)->Arg(kPack);

// What chains one record to the next.
void BM_HeadDigest(benchmark::State& state) {
  const CanonicalHeader header = HeaderOf(Payload(state.range(0)), 7);
  for (auto _ : state) benchmark::DoNotOptimize(header.digest());
}
BENCHMARK(BM_HeadDigest)->Arg(kCommit)->Arg(kPack);

void BM_FrameEncode(benchmark::State& state) {
  const FrameHeader frame = BlockFrame(HeaderOf(Payload(kCommit), 7));
  FrameSender sender(FrameKey());
  std::array<std::byte, kFrameHeaderBytes> out;
  for (auto _ : state) {
    sender.Encode(frame, out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(BM_FrameEncode);

// With its encoding: the counters of both ends must agree.
void BM_FrameEncodeAndDecode(benchmark::State& state) {
  const FrameHeader frame = BlockFrame(HeaderOf(Payload(kCommit), 7));
  FrameSender sender(FrameKey());
  FrameReceiver receiver(FrameKey());
  std::array<std::byte, kFrameHeaderBytes> out;
  for (auto _ : state) {
    sender.Encode(frame, out);
    if (!receiver.Decode(out).ok()) state.SkipWithError("a frame is refused");
  }
}
BENCHMARK(BM_FrameEncodeAndDecode);

void BM_RecordCheck(benchmark::State& state) {
  const std::vector<std::byte> payload = Payload(state.range(0));
  const CanonicalHeader header = HeaderOf(payload, 7);
  for (auto _ : state) {
    if (!CheckPayload(header, payload).ok()) state.SkipWithError("a payload is refused");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RecordCheck)->Arg(kCommit)->Arg(kPack);

// A record's way through the book: taken, placed, closed, durable at three sites. `behind` records
// are not durable at the third yet: its history must not make the rest slower.
void BM_LagBookRecord(benchmark::State& state) {
  const auto behind = static_cast<uint64_t>(state.range(0));
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  LagBook book(3, 0, now);
  uint64_t sequence = 0;
  for (auto _ : state) {
    now += absl::Milliseconds(1);
    ++sequence;
    book.OnTaken(sequence, now);
    book.OnPlaced(sequence, sequence);
    book.OnRecordClosed(sequence, now);
    book.OnDurable(0, sequence);
    book.OnDurable(1, sequence);
    if (sequence > behind) book.OnDurable(2, sequence - behind);
  }
  state.counters["history"] = static_cast<double>(book.history());
}
BENCHMARK(BM_LagBookRecord)->Arg(1)->Arg(1000)->Arg(1'000'000);

void BM_LagBookOf(benchmark::State& state) {
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  LagBook book(3, 0, now);
  for (uint64_t sequence = 1; sequence <= 100'000; ++sequence) {
    now += absl::Milliseconds(1);
    book.OnTaken(sequence, now);
    book.OnPlaced(sequence, sequence);
    book.OnRecordClosed(sequence, now);
    book.OnDurable(0, sequence);
    book.OnDurable(1, sequence);
  }
  for (auto _ : state) benchmark::DoNotOptimize(book.Of(2, now));
}
BENCHMARK(BM_LagBookOf);

// Appended, sent to and acked by both primaries, committed, forgotten.
void BM_LogWindowRecord(benchmark::State& state) {
  LogWindow window(LogWindow::Options{}, Position{});
  for (SiteIndex site = 0; site < 3; ++site) window.LinkUp(site, Position{});
  Position position;
  position.epoch = 1;
  for (auto _ : state) {
    ++position.sequence;
    window.Append(position, 8192);
    for (SiteIndex site = 0; site < 3; ++site) {
      window.Sent(site, position.sequence);
      if (!window.OnAck(site, position).ok()) state.SkipWithError("an ack is refused");
    }
    window.Evict();
  }
}
BENCHMARK(BM_LogWindowRecord);

}  // namespace
}  // namespace tidemark

BENCHMARK_MAIN();
