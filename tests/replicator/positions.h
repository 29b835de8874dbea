// Made-up positions and headers for tests of decisions: digests that chain, without payloads.
#ifndef TIDEMARK_TESTS_REPLICATOR_POSITIONS_H_
#define TIDEMARK_TESTS_REPLICATOR_POSITIONS_H_

#include <cstdint>
#include <cstring>

#include "replicator/record.h"

namespace tidemark {

// A seeded stream of numbers (splitmix64, Steele, Lea, Flood 2014).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t Roll() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t bound) { return Roll() % bound; }
  bool OneIn(uint64_t odds) { return Below(odds) == 0; }

 private:
  uint64_t state_;
};

inline Digest DigestOf(uint64_t a, uint64_t b = 0, uint64_t c = 0, const Digest& previous = {}) {
  uint64_t chained;
  std::memcpy(&chained, previous.bytes.data(), sizeof chained);
  Dice dice(a * 0x9e3779b97f4a7c15 ^ Dice(b ^ Dice(c ^ chained).Roll()).Roll());
  Digest digest;
  for (size_t i = 0; i < digest.bytes.size(); i += 8) {
    const uint64_t word = dice.Roll();
    std::memcpy(digest.bytes.data() + i, &word, sizeof word);
  }
  return digest;
}

inline SessionId Nonce(uint8_t n) {
  SessionId id;
  id.bytes.fill(std::byte{n});
  return id;
}

struct FakeRecord {
  CanonicalHeader header;
  Digest digest;
  Position position() const { return {header.epoch, header.sequence, digest}; }
};

// The record behind `tail`. `content` tells records apart that stand at the same place.
inline FakeRecord RecordAfter(const Position& tail, uint64_t epoch, uint64_t content = 0) {
  FakeRecord record;
  record.header.kind = epoch > tail.epoch ? RecordKind::kEpochStart : RecordKind::kPack;
  record.header.epoch = epoch;
  record.header.sequence = tail.sequence + 1;
  record.header.previous = tail.digest;
  record.digest = DigestOf(epoch, record.header.sequence, content, tail.digest);
  return record;
}

// Position `sequence` of the one log whose records are all of `epoch`.
inline Position LogAt(uint64_t sequence, uint64_t epoch = 1) {
  Position tail;
  for (uint64_t s = 1; s <= sequence; ++s) tail = RecordAfter(tail, epoch).position();
  return tail;
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_POSITIONS_H_
