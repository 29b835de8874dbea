#include "tests/replicator/samples.h"

#include <algorithm>

namespace tidemark {

std::vector<std::byte> CountingBytes(size_t size, uint8_t first) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

SigningKey SampleSigner() { return SigningKey::FromSeed(Secret32(Counting<Digest>(0x40).bytes)); }

KeyEncryptionKey SampleKek() {
  KeyEncryptionKey kek;
  kek.id = Counting<VaultId>(0x50).bytes;
  kek.key = Secret32(Counting<Digest>(0x60).bytes);
  return kek;
}

Secret32 SampleVaultSecret() { return Secret32(Counting<Digest>(0x80).bytes); }

VaultSecrets SampleVaultSecrets() { return VaultSecrets::FromVaultSecret(SampleVaultSecret()); }

std::vector<std::byte> SamplePayload() {
  std::vector<std::byte> payload = CountingBytes(2 * kBlockBytes, 7);
  payload[kBlockBytes] = std::byte{99};  // so that the two blocks differ
  return payload;
}

CanonicalHeader SampleHeader(ByteSpan payload) {
  CanonicalHeader header;
  header.kind = RecordKind::kPack;
  header.vault = Counting<VaultId>(1);
  header.epoch = 3;
  header.sequence = 0x1122334455;
  header.committed_sequence = 0x1122334450;
  header.made_at_nanos = 1790000000123456789;
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  header.previous = Counting<Digest>(0x20);
  header.blocks = BlockDigests(payload);
  return header;
}

PlacementHeader SamplePlacement(const CanonicalHeader& header) {
  PlacementHeader placement;
  placement.store = Counting<StoreId>(0x30);
  placement.file_number = 12;
  placement.file_salt = 0x8877665544332211;
  placement.own_offset = 4096 * 17;
  placement.sequence = header.sequence;
  placement.durable_upto = header.sequence - 2;
  placement.record_digest = header.digest();
  return placement;
}

LogFileHeader SampleLogFileHeader() {
  LogFileHeader header;
  header.store = Counting<StoreId>(0x30);
  header.vault = Counting<VaultId>(1);
  header.file_number = 12;
  header.file_salt = 0x8877665544332211;
  header.file_bytes = 64 << 20;
  header.before = {2, 77, Counting<Digest>(0x90)};
  return header;
}

VaultGenesis SampleGenesis() {
  VaultGenesis body;
  body.vault_name = "default";
  body.agent_key = SampleSigner().public_key();
  body.created_at_nanos = 1780000000000000001;
  body.segment_bytes = 2000000000000;
  body.chunk_bytes_min = 16384;
  body.chunk_bytes_average = 65536;
  body.chunk_bytes_max = 262144;
  body.start.epoch = 1;
  body.start.nonce = Counting<SessionId>(0xa0);
  body.start.promises = {CountingBytes(5, 1), CountingBytes(3, 7)};
  return body;
}

EpochStart SampleEpochStart() {
  EpochStart body;
  body.epoch = 4;
  body.nonce = Counting<SessionId>(0xa0);
  body.base = {3, 90, Counting<Digest>(0xb0)};
  body.promises = {SignPromise(SampleSigner(), SamplePromise()).Encode(), CountingBytes(5, 1)};
  return body;
}

ModeChange SampleModeChange() {
  return {AckMode::kQuorum, 1790000000000000002, "primary b is down, ack=quorum"};
}

PackList SamplePackList() { return {{5, 6, 9, 0x100000000}}; }

PurgeNotice SamplePurgeNotice() { return {Counting<ArchiveId>(0xc0), 1790000000000000003}; }

Receipt SampleReceipt() {
  Receipt receipt;
  receipt.site = "primary-a";
  receipt.store = Counting<StoreId>(0x30);
  receipt.boot = Counting<BootId>(0x31);
  receipt.number = 1234;
  receipt.previous = Counting<Digest>(0x32);
  receipt.level = Receipt::Level::kReadBack;
  receipt.wall_nanos = 1790000000500000000;
  receipt.monotonic_nanos = 86400000000001;
  receipt.wall_error_nanos = 2000000;
  receipt.checkpoint = Counting<Digest>(0x33);
  receipt.heads = {{Counting<VaultId>(1), {3, 40, Counting<Digest>(0x34)}},
                   {Counting<VaultId>(2), {5, 7, Counting<Digest>(0x35)}}};
  return receipt;
}

Checkpoint SampleCheckpoint() {
  Checkpoint checkpoint;
  checkpoint.vault = Counting<VaultId>(1);
  checkpoint.upto = {3, 41, Counting<Digest>(0x36)};
  checkpoint.captured_at_nanos = 1790000000100000000;
  checkpoint.restorable_at_nanos = 1790000000050000000;
  checkpoint.made_at_nanos = 1790000000200000000;
  checkpoint.bytes_upto = 0x123456789a;
  checkpoint.receipts = {Counting<Digest>(0x37), Counting<Digest>(0x38), Digest{}};
  return checkpoint;
}

Promise SamplePromise() {
  Promise promise;
  promise.site = "primary-b";
  promise.store = Counting<StoreId>(0x39);
  promise.vault = Counting<VaultId>(1);
  promise.epoch = 4;
  promise.nonce = Counting<SessionId>(0xa0);
  promise.tail = {3, 90, Counting<Digest>(0xb0)};
  return promise;
}

Envelope SampleEnvelope() {
  Envelope envelope;
  envelope.archive = Counting<ArchiveId>(0xc0);
  envelope.version = 2;
  envelope.name =
      "b\xc3\xbc"
      "cher/2026.tar";
  envelope.kek_id = SampleKek().id;
  envelope.wrapped_key = WrapSecret(SampleKek(), WrappedKind::kArchiveKey, envelope.archive.bytes,
                                    Secret32(Counting<Digest>(0xd0).bytes));
  envelope.root = {42, 4096, 1000};
  envelope.root_salt = Counting<Salt>(0xd1);
  envelope.complete = true;
  envelope.captured_at_nanos = 1790000000300000000;
  envelope.closed_at_nanos = 1790000000400000000;
  envelope.source_bytes = 3000000000001;
  envelope.idempotency = Counting<Digest>(0xd2);
  return envelope;
}

Keyring SampleKeyring() {
  Keyring keyring;
  keyring.vault = Counting<VaultId>(1);
  keyring.upto_sequence = 43;
  Envelope first = SampleEnvelope();
  first.version = 1;
  first.complete = false;
  keyring.envelopes = {first, SampleEnvelope()};
  return keyring;
}

std::vector<LeafEntry> SampleLeaf() {
  LeafEntry chunk;
  chunk.kind = LeafEntry::Kind::kChunk;
  chunk.codec = Codec::kZstd;
  chunk.bytes = 65536;
  chunk.id = Counting<ChunkId>(0xe0);
  chunk.key = Counting<OpenKey>(0xe1);
  chunk.location = {42, 128, 30000};
  LeafEntry hole;
  hole.kind = LeafEntry::Kind::kHole;
  hole.bytes = 0x10000000000;
  LeafEntry forced = chunk;
  forced.kind = LeafEntry::Kind::kForcedChunk;
  forced.codec = Codec::kRaw;
  forced.bytes = 100;
  forced.location = {43, 0, 116};
  return {chunk, hole, forced};
}

std::vector<NodeRef> SampleChildren() {
  NodeRef first;
  first.location = {42, 30128, 286 + 16};
  first.key = Counting<OpenKey>(0xe2);
  first.plain_bytes = 286;
  first.source_bytes = 65536;
  NodeRef second = first;
  second.location.sequence = 50;
  second.source_bytes = 100;
  return {first, second};
}

ManifestRoot SampleRoot() {
  ManifestRoot root;
  root.data_bytes = 60000;
  root.new_bytes = 50000;
  root.chunks = 3;
  root.new_chunks = 2;
  root.mode = 0640;
  root.mtime_nanos = 1780000000000000004;
  root.segment_bytes = 65536;
  uint64_t begin = 0;
  for (const NodeRef& child : SampleChildren()) {
    SegmentRef segment;
    segment.begin = begin;
    segment.source_bytes = child.source_bytes;
    segment.root_level = 1;
    segment.root = child;
    root.segments.push_back(segment);
    begin += child.source_bytes;
  }
  root.source_bytes = begin;
  return root;
}

ResumePoint SampleResumePoint() {
  ResumePoint point;
  point.source = {0x801, 4711, 70000, 1780000000000000005, 1780000000000000006};
  point.stored_bytes = 12345;
  point.root = SampleRoot();
  for (uint8_t level : {1, 3}) {
    Node open;
    open.level = level;
    open.children = SampleChildren();
    for (NodeRef& child : open.children) child.source_bytes = 10u * level;
    point.open.push_back(open);
  }
  return point;
}

ResumeNotice SampleResumeNotice() {
  ResumeNotice notice;
  notice.archive = Counting<ArchiveId>(2);
  notice.name = "db/größe.tar";
  notice.kek_id = SampleKek().id;
  notice.wrapped_key = SampleEnvelope().wrapped_key;
  notice.point = {42, 4096, 700};
  notice.salt = Counting<Salt>(0xe3);
  notice.source = SampleResumePoint().source;
  notice.at_nanos = 1780000000000000007;
  return notice;
}

PackIdentity SamplePackIdentity() { return {Counting<VaultId>(1), 3, 42}; }

std::vector<std::byte> SamplePack(EntropySource* entropy) {
  std::vector<std::byte> buffer(kPackBytesMax);
  PackBuilder builder(SamplePackIdentity(), buffer);
  SealedKind kinds[] = {SealedKind::kChunk, SealedKind::kNode, SealedKind::kRoot};
  for (uint8_t i = 0; i < 3; ++i) {
    // Stands for a sealed object: the pack does not look inside.
    std::vector<std::byte> object = CountingBytes(100u + i, i);
    MutableByteSpan room = builder.Reserve(object.size() + 50);
    std::copy(object.begin(), object.end(), room.begin());
    ChunkId id = kinds[i] == SealedKind::kChunk ? Counting<ChunkId>(0xe0) : ChunkId{};
    builder.Keep(kinds[i], id, object.size());
  }
  builder.AddEnvelope(SampleEnvelope());
  buffer.resize(builder.Finish(SampleVaultSecrets(), entropy));
  return buffer;
}

FrameHeader SampleFrame() {
  FrameHeader header;
  header.kind = FrameKind::kBlock;
  header.connection = 1;
  header.request = 0x01020304;
  header.vault = Counting<VaultId>(1);
  header.epoch = 3;
  header.sequence = 42;
  header.block_index = 5;
  header.payload_bytes = kBlockBytes;
  header.payload_digest = Counting<Digest>(0xf0);
  return header;
}

}  // namespace tidemark
