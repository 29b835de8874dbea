// How pending changes of a SimFile reach the disk, or do not.
#include <algorithm>
#include <cstring>

#include "tests/sim/sim_file.h"

namespace tidemark {
namespace {

// Calls visit(page, index in the change, begin, end) for each page of a range.
template <class Visit>
void ForEachPage(uint64_t offset, uint64_t length, Visit visit) {
  size_t index = 0;
  for (uint64_t done = 0; done < length; ++index) {
    const uint64_t position = offset + done, inside = position % kPageBytes;
    const uint64_t step = std::min(length - done, kPageBytes - inside);
    visit(position / kPageBytes, index, inside, inside + step);
    done += step;
  }
}

uint64_t SectorFloor(uint64_t inside) { return inside / kSectorBytes * kSectorBytes; }
uint64_t SectorCeiling(uint64_t inside) {
  return (inside + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

}  // namespace

void SimFile::ApplyShape(const Change& change) {
  switch (change.kind) {
    case Kind::kWrite:
      break;
    case Kind::kAllocate:
      durable_.allocated.Insert(change.offset / kPageBytes,
                                (change.offset + change.length + kPageBytes - 1) / kPageBytes);
      break;
    case Kind::kPunch:
      durable_.Zero(change.offset, change.length, /*release=*/true);
      break;
    case Kind::kTruncate:
      durable_.Resize(change.length);
      break;
  }
  durable_.size = change.size_after;
}

void SimFile::ApplyWhole(const Change& change) {
  if (change.kind == Kind::kWrite) {
    ForEachPage(change.offset, change.length,
                [&](uint64_t page, size_t index, uint64_t begin, uint64_t end) {
                  const SimPageRef& version = change.pages[index];
                  // Everything before this change is durable, so its version of the page is what
                  // the disk now holds, unless a failed flush left a gap.
                  if (!lost_) {
                    durable_.pages.insert_or_assign(page, version);
                  } else {
                    durable_.CopyInPage(page, *version, SectorFloor(begin), SectorCeiling(end));
                  }
                });
    durable_.allocated.Insert(change.offset / kPageBytes,
                              (change.offset + change.length + kPageBytes - 1) / kPageBytes);
  }
  ApplyShape(change);
}

void SimFile::MakeDurable(uint64_t mark) {
  while (!pending_.empty() && pending_.front().mark <= mark) {
    ApplyWhole(pending_.front());
    pending_.pop_front();
  }
}

void SimFile::LosePending() {
  // The journal commits sizes and allocation; the data is gone, which is the worst of both.
  for (const Change& change : pending_) ApplyShape(change);
  pending_.clear();
  lost_ = true;
}

void SimFile::DropCache() {
  assert(pending_.empty());
  now_ = durable_;
  lost_ = false;
}

void SimFile::ApplyTorn(const Change& change, SimRandom* random, uint32_t garbage_ppm,
                        const SimFile* deleted) {
  // Space that was allocated and never reached may hold what a deleted file left there.
  const bool stale = deleted != nullptr && random->Chance(garbage_ppm);
  // Whole writes, lost writes and prefixes are as likely as a mixture of sectors.
  const uint64_t shape = random->Below(4);
  if (shape == 0) return;
  const uint64_t sectors =
      SectorCeiling(change.offset % kSectorBytes + change.length) / kSectorBytes;
  const uint64_t prefix = random->Below(sectors + 1);
  uint64_t sector = 0;
  ForEachPage(
      change.offset, change.length, [&](uint64_t page, size_t index, uint64_t begin, uint64_t end) {
        for (uint64_t at = SectorFloor(begin); at < end; at += kSectorBytes, ++sector) {
          const bool garbage = random->Chance(garbage_ppm);
          const bool reached = shape == 1 || (shape == 2 ? sector < prefix : random->Coin());
          const auto left = stale ? deleted->durable_.pages.find(page) : durable_.pages.end();
          if (stale && left != deleted->durable_.pages.end()) {
            durable_.CopyInPage(page, *left->second, at, at + kSectorBytes);
          } else if (garbage) {
            random->Fill(MutableByteSpan(*durable_.MutablePage(page)).subspan(at, kSectorBytes));
          } else if (reached) {
            durable_.CopyInPage(page, *change.pages[index], at, at + kSectorBytes);
          }
        }
      });
}

// A journal takes allocations, holes and truncations in their order. The size that a write gives
// comes with its pages, when they are written back: later than any of them, or page by page.
void SimFile::ApplyOutOfOrder(const Change& change, bool journaled, SimRandom* random) {
  const uint64_t end = change.offset + change.length;
  if (change.kind == Kind::kWrite) {
    const uint64_t first = change.offset / kPageBytes, last = (end - 1) / kPageBytes;
    const uint64_t back = random->Between(first + 1, last + 1) * kPageBytes;  // pages so far
    const uint64_t size = random->Coin() ? end : std::min(back, LargestSize());
    if (random->Coin()) durable_.size = std::max(durable_.size, size);
  } else if (journaled) {
    const uint64_t before = durable_.size;
    if (change.kind == Kind::kTruncate) {
      // Whole pages go, also those written past the size; the rest of the last one is data.
      durable_.size = ~uint64_t{0};
      durable_.Resize((change.length + kPageBytes - 1) / kPageBytes * kPageBytes);
      durable_.size = change.length;
      return;
    }
    ApplyShape(change);
    if (change.kind == Kind::kAllocate) durable_.size = std::max(before, end);
    if (change.kind == Kind::kPunch) {
      // ext4 first moves the size to the end of the hole.
      durable_.size = std::max(before, random->Coin() ? std::min(end, change.size_after) : 0);
    }
  }
}

uint64_t SimFile::LargestSize() const {
  uint64_t largest = durable_.size;
  for (const Change& change : pending_) largest = std::max(largest, change.size_after);
  return largest;
}

// Whole pages of a hole are the journal's; the rest is zeros that are written back like data, and
// so is what a truncation leaves of its last page.
void SimFile::ApplyTornZeros(uint64_t offset, uint64_t length, SimRandom* random) {
  if (durable_.pages.empty()) return;
  const uint64_t end = std::min(offset + length, (durable_.pages.rbegin()->first + 1) * kPageBytes);
  const uint64_t shape = random->Below(3);
  if (shape == 0) return;
  for (uint64_t at = offset / kSectorBytes * kSectorBytes; at < end; at += kSectorBytes) {
    if (shape == 2 && random->Coin()) continue;
    const uint64_t first = std::max(at, offset), last = std::min(at + kSectorBytes, end);
    durable_.Zero(first, last - first, /*release=*/false);
  }
}

void SimFile::LosePower(SimRandom* random, uint32_t garbage_ppm, const SimFile* deleted) {
  if (fully_durable()) return;
  const uint64_t shape = random->Below(4);  // none, all, some in order, some out of order
  const size_t count = pending_.size();
  const size_t kept = shape == 0 ? 0 : shape == 1 ? count : random->Below(count + 1);
  for (size_t i = 0; i < count; ++i) {
    const Change& change = pending_[i];
    if (change.kind == Kind::kWrite) ApplyTorn(change, random, garbage_ppm, deleted);
    if (change.kind == Kind::kPunch) ApplyTornZeros(change.offset, change.length, random);
    if (change.kind == Kind::kTruncate) {
      const uint64_t rest = (kPageBytes - change.length % kPageBytes) % kPageBytes;
      ApplyTornZeros(change.length, rest, random);
    }
    if (shape == 3) {
      ApplyOutOfOrder(change, i < kept, random);
    } else if (i < kept) {
      ApplyShape(change);
    }
  }
  pending_.clear();
  // Sectors that were written past the end that survived are not part of the file.
  const uint64_t size = durable_.size;
  durable_.size = ~uint64_t{0};
  durable_.Resize(size);
  now_ = durable_;
  lost_ = false;
}

void SimFile::Flip(uint64_t offset, std::byte mask) {
  assert(offset < now_.size);
  const uint64_t page = offset / kPageBytes, inside = offset % kPageBytes;
  (*now_.MutablePage(page))[inside] ^= mask;
  if (offset < durable_.size) (*durable_.MutablePage(page))[inside] ^= mask;
}

void SimFile::Mend(uint64_t offset, std::byte rotten, std::byte mask) {
  const uint64_t page = offset / kPageBytes, inside = offset % kPageBytes;
  for (SimContent* content : {&now_, &durable_}) {
    if (offset >= content->size || !content->pages.contains(page)) continue;
    std::byte& byte = (*content->MutablePage(page))[inside];
    if (byte == rotten) byte ^= mask;
  }
}

SimFile SimFile::Settled() const {
  SimFile copy;
  copy.now_ = copy.durable_ = now_;
  return copy;
}

}  // namespace tidemark
