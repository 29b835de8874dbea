// The bytes of one simulated file: what a reader sees now, and what stable storage holds.
//
// Every change is pending until a flush covers it. Pages are copied on write and shared between
// the visible content, the pending changes and the durable content, so a flush moves pointers.
#ifndef TIDEMARK_TESTS_SIM_SIM_FILE_H_
#define TIDEMARK_TESTS_SIM_SIM_FILE_H_

#include <array>
#include <cassert>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "tests/sim/sim_random.h"

namespace tidemark {

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr uint64_t kSectorBytes = 512;  // what a disk writes whole or not at all

using SimPage = std::array<std::byte, kPageBytes>;
using SimPageRef = std::shared_ptr<SimPage>;

// Sorted, merged ranges of page numbers [begin, end).
class PageRanges {
 public:
  void Insert(uint64_t begin, uint64_t end);
  void Erase(uint64_t begin, uint64_t end);
  uint64_t CountIn(uint64_t begin, uint64_t end) const;
  uint64_t total() const { return total_; }

 private:
  std::map<uint64_t, uint64_t> ranges_;
  uint64_t total_ = 0;
};

struct SimContent {
  uint64_t size = 0;
  std::map<uint64_t, SimPageRef> pages;  // absent: reads zero, and is a hole to NextData
  PageRanges allocated;                  // pages that take space, written or not

  // Copies [begin, end) of a page's bytes from another version of that page.
  void CopyInPage(uint64_t page, const SimPage& from, uint64_t begin, uint64_t end);
  void Zero(uint64_t offset, uint64_t length, bool release);
  void Resize(uint64_t new_size);
  // The page, made or cloned where somebody else still looks at it.
  SimPageRef& MutablePage(uint64_t page);
};

class SimFile {
 public:
  uint64_t size() const { return now_.size; }
  uint64_t allocated_pages() const { return now_.allocated.total(); }
  // Pages that a write or allocation of this range would take anew.
  uint64_t MissingPages(uint64_t offset, uint64_t length) const;

  size_t Read(uint64_t offset, MutableByteSpan into) const { return Read(now_, offset, into); }
  void Write(uint64_t offset, ByteSpan from);
  void Allocate(uint64_t offset, uint64_t length);
  void Punch(uint64_t offset, uint64_t length);
  void Truncate(uint64_t length);
  bool NextData(uint64_t offset, uint64_t* begin, uint64_t* end) const;

  // Names the changes made so far; a flush submitted now covers exactly these.
  uint64_t mark() const { return mark_; }
  void MakeDurable(uint64_t mark);
  // A failed flush: what was pending will never reach the disk, though it reads well until the
  // page cache forgets it (DropCache, or a power loss). A later flush "succeeds".
  void LosePending();
  bool lost() const { return lost_; }
  void DropCache();
  // Power loss: each sector of each pending write is old, new or (garbage_ppm) random; allocations,
  // holes and truncations are taken up to some point in their order, sizes that writes gave when
  // they like, also page by page.
  // `deleted`, if any: a file whose space this one may have been given (a stale extent).
  void LosePower(SimRandom* random, uint32_t garbage_ppm, const SimFile* deleted = nullptr);
  // Whether LosePower without garbage could leave exactly these bytes; else `why` says what is off.
  bool Allows(ByteSpan found, std::string* why) const;
  size_t ReadDurable(uint64_t offset, MutableByteSpan into) const {
    return Read(durable_, offset, into);
  }
  bool fully_durable() const { return pending_.empty() && !lost_; }

  // Rot: flips bits of one byte, on the platter and in the cache.
  void Flip(uint64_t offset, std::byte mask);
  // Takes it back where the byte still reads `rotten`: a write of it may wait for its flush.
  void Mend(uint64_t offset, std::byte rotten, std::byte mask);
  // The stored bytes with nothing pending, as in an image taken by somebody else.
  SimFile Settled() const;

 private:
  enum class Kind : uint8_t { kWrite, kAllocate, kPunch, kTruncate };
  struct Change {
    Kind kind;
    uint64_t mark = 0, offset = 0, length = 0, size_after = 0;
    std::vector<SimPageRef> pages;  // kWrite: each touched page as it was after this write
  };
  static size_t Read(const SimContent& content, uint64_t offset, MutableByteSpan into);
  Change* Add(Kind kind, uint64_t offset, uint64_t length);
  void ApplyWhole(const Change& change);
  void ApplyTorn(const Change& change, SimRandom* random, uint32_t garbage_ppm,
                 const SimFile* deleted);
  void ApplyTornZeros(uint64_t offset, uint64_t length, SimRandom* random);
  void ApplyShape(const Change& change);
  void ApplyOutOfOrder(const Change& change, bool journaled, SimRandom* random);
  uint64_t LargestSize() const;  // of all that it had since the last flush
  std::set<uint64_t> SizesWith(size_t journaled) const;
  bool AllowsSector(uint64_t at, ByteSpan found, size_t journaled) const;

  SimContent now_, durable_;
  std::deque<Change> pending_;
  uint64_t mark_ = 0;
  bool lost_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_FILE_H_
