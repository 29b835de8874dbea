#include "tests/fidelity/recorded_disk.h"

#include <algorithm>
#include <cstring>

namespace tidemark {
namespace {

// The superblock of ext4 is two sectors with one checksum, written in place and in no journal: torn
// it cannot be mounted. Disks with sectors of 4 KiB do not tear it.
constexpr uint64_t kNeverTornBytes = 4096;

}  // namespace

void RecordedDisk::Read(uint64_t offset, MutableByteSpan into) const {
  for (size_t done = 0; done < into.size();) {
    const uint64_t at = offset + done, inside = at % kPageBytes;
    const size_t step = std::min<uint64_t>(into.size() - done, kPageBytes - inside);
    const auto page = pages_.find(at / kPageBytes);
    const std::byte* from = page == pages_.end() ? base_.data() + at : page->second.data() + inside;
    std::memcpy(into.data() + done, from, step);
    done += step;
  }
}

void RecordedDisk::Put(uint64_t offset, ByteSpan from) {
  for (size_t done = 0; done < from.size();) {
    const uint64_t at = offset + done, inside = at % kPageBytes;
    const size_t step = std::min<uint64_t>(from.size() - done, kPageBytes - inside);
    const auto [page, is_new] = pages_.try_emplace(at / kPageBytes);
    if (is_new) {
      const ByteSpan old = base_.subspan(at - inside);
      std::memcpy(page->second.data(), old.data(), std::min<uint64_t>(old.size(), kPageBytes));
    }
    std::memcpy(page->second.data() + inside, from.data() + done, step);
    done += step;
  }
}

void RecordedDisk::Write(uint64_t offset, ByteSpan from) {
  Put(offset, from);
  if (recording_) record_.push_back({offset, std::vector<std::byte>(from.begin(), from.end())});
}

void RecordedDisk::Flush() {
  if (recording_) record_.emplace_back();
}

void RecordedDisk::Reset() {
  pages_.clear();
  record_.clear();
  recording_ = true;
}

void RecordedDisk::PutTorn(const Event& event, SimRandom* random) {
  // Whole writes, lost writes and prefixes are as likely as a mixture of sectors.
  const bool is_whole = event.offset < kNeverTornBytes;
  const uint64_t shape = is_whole ? random->Below(2) : random->Below(4);
  const uint64_t sectors = event.bytes.size() / kSectorBytes;
  const uint64_t prefix = shape == 2 ? random->Below(sectors + 1) : sectors;
  if (shape == 0) return;
  for (uint64_t i = 0; i < prefix; ++i) {
    if (shape == 3 && random->Coin()) continue;
    Put(event.offset + i * kSectorBytes,
        ByteSpan(event.bytes).subspan(i * kSectorBytes, kSectorBytes));
  }
}

void RecordedDisk::CutPower(uint64_t moment, SimRandom* random, bool lies) {
  pages_.clear();
  recording_ = false;
  uint64_t kept = moment;  // writes before it are on the disk
  while (kept > 0 && !record_[kept - 1].bytes.empty()) --kept;
  if (lies) kept = 0;
  for (uint64_t i = 0; i < kept; ++i) Put(record_[i].offset, record_[i].bytes);
  // Nothing, everything, a prefix, or each write as chance has it.
  const uint64_t shape = random->Below(4);
  const uint64_t whole = shape == 0   ? kept
                         : shape == 1 ? moment
                                      : kept + random->Below(moment - kept + 1);
  for (uint64_t i = kept; i < moment; ++i) {
    if (shape == 3) {
      PutTorn(record_[i], random);
    } else if (i < whole) {
      Put(record_[i].offset, record_[i].bytes);
    } else if (i == whole && shape == 2) {
      PutTorn(record_[i], random);  // the one that was under way
    }
  }
}

}  // namespace tidemark
