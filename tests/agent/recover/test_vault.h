// A vault as the agent writes it, in memory: chunks sealed into packs, manifest nodes, roots,
// envelopes, keyrings. Chunk sizes are drawn, not cut: readers may not care.
#ifndef TIDEMARK_TESTS_AGENT_RECOVER_TEST_VAULT_H_
#define TIDEMARK_TESTS_AGENT_RECOVER_TEST_VAULT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/recover/catalog.h"
#include "chunker/segment.h"
#include "crypto/identity.h"
#include "replicator/control_record.h"
#include "replicator/pack.h"
#include "replicator/record.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {

struct MemoryRecord {
  CanonicalHeader header;
  std::vector<std::byte> payload;
};

// What is pushed. Holes must hold zeros in `bytes`.
struct TestPush {
  std::string name = "archive";
  std::string bytes;
  std::vector<Extent> holes;
  uint64_t segment_bytes = kSegmentBytesMax;
  size_t chunk_bytes_max = 40000;
  bool complete = true;
  int64_t captured_at_nanos = 1'000'000'000;
  Digest idempotency;
};

class TestVault {
 public:
  explicit TestVault(uint64_t seed);

  // A pack is closed when it holds this much.
  size_t pack_bytes = 200 * 1024;
  // What later headers say of commits.
  uint64_t committed = 0;

  Envelope Push(const TestPush& push);
  void Genesis();
  // A snapshot of all envelopes so far, sealed under `kek`.
  void WriteKeyring();
  Position tail() const;
  VaultKeys CloneKeys() const;
  // Text that does not compress, and text that does.
  std::string Noise(size_t bytes);
  std::string Prose(size_t bytes);

  VaultKeys keys;
  SigningKey agent;
  std::vector<MemoryRecord> log;  // sequence 1 first
  std::vector<Envelope> envelopes;

 private:
  struct Stored {
    OpenKey key;
    Location location;
    Codec codec;
    uint32_t plain_bytes;
  };
  MutableByteSpan Reserve(size_t bytes);
  Location Keep(SealedKind kind, const ChunkId& id, size_t sealed_bytes);
  Stored StoreChunk(const ChunkId& id, ByteSpan plain);
  SegmentRef PushSegment(const TestPush& push, const ArchiveId& archive, uint64_t begin,
                         uint64_t end, ManifestRoot* root);
  void PlaceNodes(const ArchiveId& archive, TreeBuilder* tree);
  void PlaceRoot(const ManifestRoot& root, const Secret32& archive_key, Envelope* envelope);
  void ClosePack();
  void Append(RecordKind kind, std::vector<std::byte> payload);

  SeededEntropy entropy_;
  std::map<ChunkId, Stored> known_;
  std::map<std::string, Envelope> newest_;
  std::vector<std::byte> buffer_;
  std::unique_ptr<PackBuilder> builder_;
  uint64_t random_ = 88172645463325252u;
  uint64_t Random();
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_RECOVER_TEST_VAULT_H_
