// A disk with a volatile cache that remembers every write and flush since its start, so that it can
// be shown as a power cut at any moment of that record could have left it.
//
// What a flush covered is kept. Of the writes behind the last flush each may be there whole, torn
// at sectors, or not at all, whatever came after it: that is what a disk may do.
#ifndef TIDEMARK_TESTS_FIDELITY_RECORDED_DISK_H_
#define TIDEMARK_TESTS_FIDELITY_RECORDED_DISK_H_

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "tests/sim/sim_random.h"

namespace tidemark {

class RecordedDisk {
 public:
  static constexpr uint64_t kPageBytes = 4096, kSectorBytes = 512;

  // `base`: what it holds at first. Outlives the disk.
  explicit RecordedDisk(ByteSpan base) : base_(base) {}

  uint64_t size() const { return base_.size(); }
  // In whole sectors, within the disk.
  void Read(uint64_t offset, MutableByteSpan into) const;
  void Write(uint64_t offset, ByteSpan from);
  void Flush();

  // Writes and flushes so far: names the moment behind the last one.
  uint64_t moment() const { return record_.size(); }
  // As a cut at that moment may have left it; what is written from now on is not recorded.
  // `lies`: its flushes promise nothing, so the flushed writes are drawn as well.
  void CutPower(uint64_t moment, SimRandom* random, bool lies);
  // As at the start, recording anew.
  void Reset();

 private:
  struct Event {
    uint64_t offset = 0;
    std::vector<std::byte> bytes;  // none: a flush
  };
  using Page = std::array<std::byte, kPageBytes>;
  void Put(uint64_t offset, ByteSpan from);
  void PutTorn(const Event& event, SimRandom* random);

  ByteSpan base_;
  std::unordered_map<uint64_t, Page> pages_;  // what differs from the base
  std::vector<Event> record_;
  bool recording_ = true;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_FIDELITY_RECORDED_DISK_H_
