// Reading a vault with keys: keyring, catalogue, manifests, chunks. One way for the agent's
// restore, the bare restore from a kit, the index rebuild and the drill.
#ifndef TIDEMARK_AGENT_RECOVER_VAULT_READER_H_
#define TIDEMARK_AGENT_RECOVER_VAULT_READER_H_

#include <map>
#include <memory>
#include <vector>

#include "agent/io/pool.h"
#include "agent/recover/catalog.h"
#include "agent/recover/record_source.h"
#include "agent/recover/resume_book.h"
#include "replicator/control_record.h"
#include "replicator/keyring.h"
#include "replicator/manifest.h"
#include "replicator/pack.h"

namespace tidemark {

// The newest keyring snapshot at or before `upto` (0: the newest there is).
struct FoundKeyring {
  std::vector<KeyringPart> parts;
  OpenedKeyring opened;
  uint64_t sequence = 0;  // of its last part
};
Task<absl::StatusOr<FoundKeyring>> ReadKeyring(RecordSource* source, VaultId vault,
                                               const KeyEncryptionKey* kek, uint64_t upto);

// What was decided when the vault was made: its first record. kDataLoss: that is something else.
Task<absl::StatusOr<VaultGenesis>> ReadGenesis(RecordSource* source, VaultId vault);

// Opens the directory of one pack, reading only the blocks it stands in.
Task<absl::StatusOr<PackDirectory>> ReadDirectory(RecordSource* source, const VaultKeys* keys,
                                                  const CanonicalHeader* header);

// Keys and catalogue from one source, up to its tail: keyring snapshot, then the envelopes of later
// packs. Every entry up to `committed_upto` is marked committed (0: as far as the log itself
// proves, by the committed sequence in later headers; UINT64_MAX: all of it).
struct OpenedVault {
  VaultKeys keys;
  Catalog catalog;
  ResumeBook resume;
  Position tail;                  // how far it was read
  uint64_t proven_committed = 0;  // what the log's own headers prove committed
  uint64_t keyring_sequence = 0;
  // Packs behind the snapshot whose directory is missing or damaged at the source: versions whose
  // envelope stands there are not in the catalogue. The agent takes none of these for granted; a
  // restore says so and goes on with what is there.
  std::vector<uint64_t> unreadable;
};
Task<absl::StatusOr<std::unique_ptr<OpenedVault>>> OpenVault(RecordSource* source, VaultId vault,
                                                             const KeyEncryptionKey* kek,
                                                             uint64_t committed_upto);
// Adds what stands in records (vault->tail, upto] to an opened vault, and marks committed what the
// log proves. kDataLoss also when the records are not one chain.
Task<absl::Status> ExtendVault(RecordSource* source, OpenedVault* vault, uint64_t upto);

absl::StatusOr<Secret32> ArchiveKey(const VaultKeys& keys, const Envelope& envelope);
absl::StatusOr<Secret32> ArchiveKey(const VaultKeys& keys, const ResumeNotice& notice);

// Reads and opens sealed objects. Keeps the last few canonical headers. Several calls may be in
// flight at once. kDataLoss names record and block.
class SealedReader {
 public:
  SealedReader(RecordSource* source, const VaultKeys* keys);
  Io* io() const { return source_->io(); }
  const VaultKeys& keys() const { return *keys_; }
  // Bytes [begin, end) of a record's payload. Whole blocks are read into `room`, which must hold
  // them (RoomFor); the answer is the part of it that was asked for.
  Task<absl::StatusOr<MutableByteSpan>> ReadRun(uint64_t sequence, uint32_t begin, uint32_t end,
                                                MutableByteSpan room);
  static size_t RoomFor(uint32_t begin, uint32_t end);
  // The sealed bytes at a location, from the blocks that hold them. `into` is sealed_bytes long.
  Task<absl::Status> ReadSealed(Location location, MutableByteSpan into);
  Task<absl::StatusOr<ManifestRoot>> ReadRoot(const Envelope* envelope);
  Task<absl::StatusOr<ResumePoint>> ReadResumePoint(ResumeNotice notice,
                                                    const Secret32* archive_key);
  Task<absl::StatusOr<Node>> ReadNode(ArchiveId archive, uint8_t level, NodeRef ref);

 private:
  Task<absl::StatusOr<CanonicalHeader>> HeadOf(uint64_t sequence);
  Task<absl::StatusOr<std::vector<std::byte>>> ReadAndOpen(Location location, OpenKey key,
                                                           SealedKind kind,
                                                           std::vector<std::byte> context);
  RecordSource* source_;
  const VaultKeys* keys_;
  std::map<uint64_t, CanonicalHeader> heads_;
};

// Walks the leaves of one segment in order. `from` skips subtrees that end at or before that offset
// within the segment.
//   LeafWalker walker(...); while (Next() gives entries) ...
class LeafWalker {
 public:
  LeafWalker(SealedReader* reader, ArchiveId archive, SegmentRef segment, uint64_t from);
  Io* io() const { return reader_->io(); }
  struct Leaf {
    uint64_t begin = 0;              // offset of its first entry in the segment
    std::vector<LeafEntry> entries;  // empty: no more
  };
  Task<absl::StatusOr<Leaf>> Next();

 private:
  struct Level {
    uint8_t level = 0;
    std::vector<NodeRef> children;
    size_t next = 0;
  };
  SealedReader* reader_;
  ArchiveId archive_;
  SegmentRef segment_;
  uint64_t from_, at_ = 0;
  bool started_ = false;
  std::vector<Level> stack_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_VAULT_READER_H_
