// Records for tests of a site: a chain as an agent would make it, with payloads that look random.
#ifndef TIDEMARK_TESTS_AGENT_SITE_TEST_LOG_H_
#define TIDEMARK_TESTS_AGENT_SITE_TEST_LOG_H_

#include <cstring>
#include <vector>

#include "replicator/limits.h"
#include "replicator/record.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {

struct TestRecord {
  CanonicalHeader header;
  std::vector<std::byte> payload;
};

inline VaultId TestVault(uint8_t number = 1) {
  VaultId vault;
  vault.bytes.fill(std::byte{number});
  return vault;
}

// The record behind `before`.
inline TestRecord MakeTestRecord(const VaultId& vault, const Position& before, uint64_t epoch,
                                 size_t payload_bytes, uint64_t seed) {
  TestRecord record;
  record.payload.resize(PaddedPayloadBytes(payload_bytes));
  SeededEntropy entropy(seed * 1000003 + before.sequence);
  // A little that differs is enough, and quicker than filling megabytes.
  for (size_t at = 0; at < record.payload.size(); at += 4096) {
    entropy.Fill(MutableByteSpan(record.payload).subspan(at, 32));
  }
  CanonicalHeader& header = record.header;
  header.vault = vault;
  header.epoch = epoch;
  header.sequence = before.sequence + 1;
  header.kind = before.sequence == 0    ? RecordKind::kVaultGenesis
                : epoch != before.epoch ? RecordKind::kEpochStart
                                        : RecordKind::kPack;
  header.made_at_nanos = static_cast<int64_t>(seed);
  header.payload_bytes = static_cast<uint32_t>(record.payload.size());
  header.previous = before.digest;
  header.blocks = BlockDigests(record.payload);
  return record;
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SITE_TEST_LOG_H_
