// What the dedup index costs: rows of a synthetic vault, as pushes would write them.
//   index_bench DIRECTORY ROWS   prints one line of JSON; the directory is made and removed
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "agent/source/rocks_index.h"
#include "bench/fastcdc.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kCacheBytes = size_t{8} << 20;  // the agent's default share
constexpr uint64_t kBatch = 512;                 // rows of some records, committed together
constexpr uint64_t kLookups = 200'000;
constexpr uint64_t kArchiveRows = 16 * 1024;  // an archive of a gibibyte

ChunkId IdOf(uint64_t number) {
  ChunkId id;
  for (size_t i = 0; i < 4; ++i) {
    const uint64_t word = Mix64(number * 8 + i);
    std::memcpy(&id.bytes[i * 8], &word, 8);
  }
  return id;
}

ChunkRow RowOf(uint64_t number) {
  ChunkRow row;
  row.id = IdOf(number);
  row.masked_key = IdOf(~number).bytes;
  const ChunkId archive = IdOf(~(number / kArchiveRows) ^ (uint64_t{1} << 63));
  std::memcpy(row.archive.bytes.data(), archive.bytes.data(), row.archive.bytes.size());
  row.sequence = number / 60 + 1;  // of 64 KiB chunks in packs of 4 MiB
  row.offset = static_cast<uint32_t>(number % 60 * 65000);
  row.plain_bytes = 40'000 + static_cast<uint32_t>(Mix64(number) % 60'000);
  row.sealed_bytes = row.plain_bytes + 16;
  return row;
}

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  std::exit(74);
}

double PutAll(ChunkIndex* index, uint64_t rows) {
  const Clock::time_point begin = Clock::now();
  std::vector<ChunkRow> batch;
  for (uint64_t number = 0; number < rows; ++number) {
    batch.push_back(RowOf(number));
    if (batch.size() < kBatch && number + 1 < rows) continue;
    Must(index->Put(batch, {1, batch.back().sequence, Digest{}}));
    batch.clear();
  }
  Must(index->Flush());
  return static_cast<double>(rows) / Since(begin);
}

// Random ones, as many at a time as a span has chunks.
double GetSome(ChunkIndex* index, uint64_t rows, uint64_t from, bool known) {
  const Clock::time_point begin = Clock::now();
  std::vector<std::optional<ChunkRow>> found;
  for (uint64_t done = 0; done < kLookups; done += 32) {
    std::vector<ChunkId> ids;
    for (uint64_t i = 0; i < 32; ++i) ids.push_back(IdOf(from + Mix64(done + i) % rows));
    Must(index->Get(ids, &found));
    for (const std::optional<ChunkRow>& row : found) {
      if (row.has_value() != known) Must(absl::InternalError("a wrong answer"));
    }
  }
  return static_cast<double>(kLookups) / Since(begin);
}

uint64_t BytesIn(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

// Once its background work is done: while files are merged, old and new ones are there. Opened
// again, since the old ones of the last merge go with the next one only.
uint64_t SettledBytesIn(const std::string& directory) {
  uint64_t bytes = BytesIn(directory);
  for (int same = 0, seconds = 0; same < 15 && seconds < 3600; ++seconds) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const uint64_t now = BytesIn(directory);
    same = now == bytes ? same + 1 : 0;
    bytes = now;
  }
  return bytes;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  using namespace tidemark;
  if (argc != 3) return 64;
  const std::string directory = argv[1];
  const uint64_t rows = std::strtoull(argv[2], nullptr, 10);
  absl::StatusOr<std::unique_ptr<ChunkIndex>> index = OpenRocksIndex(directory, kCacheBytes);
  Must(index.status());
  const double put = PutAll(index->get(), rows);
  const double hit = GetSome(index->get(), rows, 0, true);
  const double miss = GetSome(index->get(), rows, rows, false);
  SettledBytesIn(directory);
  index->reset();
  index = OpenRocksIndex(directory, kCacheBytes);
  Must(index.status());
  const uint64_t disk = SettledBytesIn(directory);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  index->reset();
  std::filesystem::remove_all(directory);
  std::printf(
      "{\"rows\":%llu,\"disk_bytes\":%llu,\"peak_bytes\":%llu,\"put_per_second\":%.0f,"
      "\"hit_per_second\":%.0f,\"miss_per_second\":%.0f}\n",
      static_cast<unsigned long long>(rows), static_cast<unsigned long long>(disk),
      static_cast<unsigned long long>(used.ru_maxrss) * 1024, put, hit, miss);
  return 0;
}
