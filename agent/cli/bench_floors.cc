#include "agent/cli/bench_floors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "agent/cli/files.h"
#include "agent/io/pool.h"
#include "agent/io/transfer.h"
#include "agent/io/uring_io.h"
#include "crypto/digest.h"
#include "crypto/sealing.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMemoryBytes = size_t{256} << 20;
constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kWriteBytes = size_t{1} << 20;
constexpr size_t kFileBytes = size_t{256} << 20;
constexpr size_t kFlushes = 500;

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

template <class Each>
double RateOver(ByteSpan memory, const Each& each) {
  const Clock::time_point begin = Clock::now();
  for (size_t at = 0; at + kPieceBytes <= memory.size(); at += kPieceBytes)
    each(memory.subspan(at, kPieceBytes));
  return static_cast<double>(memory.size()) / Since(begin);
}

void MeasureMemory(EntropySource* entropy, Floors* floors) {
  const std::vector<std::byte> memory(kMemoryBytes, std::byte{0x5a});
  std::vector<std::byte> copy(kMemoryBytes);
  std::byte* to = copy.data();
  RateOver(memory, [](ByteSpan piece) { HashBytes(piece); });  // warms both
  floors->memcpy_bytes_per_second = RateOver(memory, [&to](ByteSpan piece) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  });
  floors->blake3_bytes_per_second = RateOver(memory, [](ByteSpan piece) { HashBytes(piece); });
  const Secret32 hedge = Secret32::Random(entropy);
  const Digest digest;
  floors->aes_256_gcm_bytes_per_second = RateOver(memory, [&](ByteSpan piece) {
    SingleUseKey key = SingleUseKey::Hedged(hedge, entropy, SealedKind::kChunk, Codec::kRaw,
                                            digest.bytes, digest.bytes);
    Seal(std::move(key), SealedKind::kChunk, Codec::kRaw, digest.bytes, piece,
         MutableByteSpan(copy).first(piece.size() + kSealTagBytes));
  });
}

absl::Status MeasureDisk(int fd, ByteSpan memory, Floors* floors) {
  Clock::time_point begin = Clock::now();
  for (size_t at = 0; at < kFileBytes; at += kWriteBytes) {
    if (pwrite(fd, memory.data(), kWriteBytes, static_cast<off_t>(at)) < 0)
      return ErrnoStatus(-errno, "writing directly");
  }
  if (fdatasync(fd) != 0) return ErrnoStatus(-errno, "flushing");
  floors->direct_write_bytes_per_second = static_cast<double>(kFileBytes) / Since(begin);
  std::vector<double> took;
  for (size_t i = 0; i < kFlushes; ++i) {
    begin = Clock::now();
    if (pwrite(fd, memory.data(), kDirectIoBytes, static_cast<off_t>(i * kDirectIoBytes)) < 0 ||
        fdatasync(fd) != 0) {
      return ErrnoStatus(-errno, "writing and flushing");
    }
    took.push_back(Since(begin));
  }
  std::nth_element(took.begin(), took.begin() + kFlushes / 2, took.end());
  floors->write_and_flush_seconds = took[kFlushes / 2];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Floors> MeasureFloors(const std::string& directory) {
  Floors floors;
  SystemEntropy entropy;
  MeasureMemory(&entropy, &floors);
  absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(UringOptions{});
  if (!io.ok()) return io.status();
  const BufferPool aligned(io->get(), 1, kWriteBytes);
  const std::string path = directory + "/tidemark-bench-floor";
  const OwnedFd file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC, 0600));
  if (file.get() < 0) return ErrnoStatus(-errno, "creating " + path);
  const absl::Status measured = MeasureDisk(file.get(), aligned.memory(), &floors);
  unlink(path.c_str());
  if (!measured.ok()) return measured;
  return floors;
}

}  // namespace tidemark
