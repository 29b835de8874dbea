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

void SimFile::LosePower(SimRandom* random, uint32_t garbage_ppm, const SimFile* deleted) {
  if (fully_durable()) return;
  const uint64_t shape = random->Below(3);
  const size_t count = pending_.size();
  const size_t shapes_kept = shape == 0 ? 0 : shape == 1 ? count : random->Below(count + 1);
  for (size_t i = 0; i < count; ++i) {
    const Change& change = pending_[i];
    if (change.kind == Kind::kWrite) ApplyTorn(change, random, garbage_ppm, deleted);
    if (i < shapes_kept) ApplyShape(change);
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

SimFile SimFile::Settled() const {
  SimFile copy;
  copy.now_ = copy.durable_ = now_;
  return copy;
}

}  // namespace tidemark
