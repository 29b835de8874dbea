#include "tests/agent/recover/test_vault.h"

#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "replicator/keyring.h"

namespace tidemark {

TestVault::TestVault(uint64_t seed) : agent(SigningKey::FromSeed(Secret32())), entropy_(seed) {
  agent = SigningKey::Generate(&entropy_);
  keys.vault = VaultId::Random(&entropy_);
  keys.kek = KeyEncryptionKey::Generate(&entropy_);
  keys.vault_secret = Secret32::Random(&entropy_);
  keys.secrets = VaultSecrets::FromVaultSecret(keys.vault_secret);
  buffer_.resize(kPackBytesMax);
}

uint64_t TestVault::Random() {  // xorshift64
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

std::string TestVault::Noise(size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(Random() >> 32);
  return text;
}

std::string TestVault::Prose(size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += "the tide marks the stones " + std::to_string(Random() % 1000);
  text.resize(bytes);
  return text;
}

VaultKeys TestVault::CloneKeys() const {
  VaultKeys copy;
  copy.vault = keys.vault;
  copy.kek = keys.kek.Clone();
  copy.vault_secret = keys.vault_secret.Clone();
  copy.secrets = keys.secrets.Clone();
  return copy;
}

Position TestVault::tail() const { return log.empty() ? Position() : log.back().header.position(); }

void TestVault::Append(RecordKind kind, std::vector<std::byte> payload) {
  MemoryRecord record;
  record.header.kind = kind;
  record.header.vault = keys.vault;
  record.header.epoch = 1;
  record.header.sequence = log.size() + 1;
  record.header.committed_sequence = committed;
  record.header.made_at_nanos = static_cast<int64_t>(log.size()) * 1000;
  record.header.payload_bytes = static_cast<uint32_t>(payload.size());
  if (!log.empty()) record.header.previous = log.back().header.digest();
  record.header.blocks = BlockDigests(payload);
  record.payload = std::move(payload);
  log.push_back(std::move(record));
}

void TestVault::ClosePack() {
  if (builder_ == nullptr || builder_->empty()) return;
  const size_t bytes = builder_->Finish(keys.secrets, &entropy_);
  builder_.reset();
  Append(RecordKind::kPack,
         std::vector<std::byte>(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(bytes)));
}

void TestVault::Genesis() {
  VaultGenesis genesis;
  genesis.vault_name = "default";
  genesis.agent_key = agent.public_key();
  const std::vector<std::byte> body = Encode(genesis);
  Append(RecordKind::kVaultGenesis,
         MakeControlPayload(agent, keys.vault, RecordKind::kVaultGenesis, 1, log.size() + 1, body));
}

void TestVault::WriteKeyring() {
  ClosePack();
  Keyring keyring;
  keyring.vault = keys.vault;
  keyring.upto_sequence = log.size();
  keyring.envelopes = envelopes;
  std::sort(keyring.envelopes.begin(), keyring.envelopes.end(),
            [](const Envelope& a, const Envelope& b) {
              return std::pair(a.name, a.version) < std::pair(b.name, b.version);
            });
  for (const KeyringPart& part : SealKeyring(keyring, keys.kek, keys.vault_secret, &entropy_)) {
    const std::vector<std::byte> body = Encode(part);
    Append(RecordKind::kKeyring,
           MakeControlPayload(agent, keys.vault, RecordKind::kKeyring, 1, log.size() + 1, body));
  }
}

MutableByteSpan TestVault::Reserve(size_t bytes) {
  if (builder_ != nullptr && builder_->used_bytes() >= pack_bytes) ClosePack();
  for (int i = 0; i < 2; ++i) {
    if (builder_ == nullptr) {
      builder_ =
          std::make_unique<PackBuilder>(PackIdentity{keys.vault, 1, log.size() + 1}, buffer_);
    }
    const MutableByteSpan room = builder_->Reserve(bytes);
    if (!room.empty()) return room;
    ClosePack();
  }
  assert(!"larger than a pack");
  return {};
}

Location TestVault::Keep(SealedKind kind, const ChunkId& id, size_t sealed_bytes) {
  Location location;
  location.sequence = builder_->identity().sequence;
  location.offset = builder_->Keep(kind, id, sealed_bytes);
  location.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
  return location;
}

TestVault::Stored TestVault::StoreChunk(const ChunkId& id, ByteSpan plain) {
  auto found = known_.find(id);
  if (found != known_.end()) return found->second;
  Stored stored;
  std::vector<std::byte> packed(ZSTD_compressBound(plain.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
  stored.codec = packed.size() < plain.size() ? Codec::kZstd : Codec::kRaw;
  const ByteSpan exact = stored.codec == Codec::kZstd ? ByteSpan(packed) : plain;
  const size_t sealed_bytes = exact.size() + kSealTagBytes;
  const MutableByteSpan room = Reserve(sealed_bytes);
  stored.key = Seal(SingleUseKey::Hedged(keys.secrets.k_hedge, &entropy_, SealedKind::kChunk,
                                         stored.codec, HashBytes(exact).bytes, id.bytes),
                    SealedKind::kChunk, stored.codec, id.bytes, exact, room.first(sealed_bytes));
  stored.location = Keep(SealedKind::kChunk, id, sealed_bytes);
  stored.plain_bytes = static_cast<uint32_t>(plain.size());
  known_[id] = stored;
  return stored;
}

void TestVault::PlaceNodes(const ArchiveId& archive, TreeBuilder* tree) {
  while (const TreeBuilder::PendingNode* node = tree->Pending()) {
    const std::vector<std::byte> context = NodeContext(archive, node->level);
    const size_t sealed_bytes = node->plain.size() + kSealTagBytes;
    const MutableByteSpan room = Reserve(sealed_bytes);
    const OpenKey key =
        Seal(SingleUseKey::Hedged(keys.secrets.k_hedge, &entropy_, SealedKind::kNode, Codec::kRaw,
                                  HashBytes(node->plain).bytes, context),
             SealedKind::kNode, Codec::kRaw, context, node->plain, room.first(sealed_bytes));
    tree->Placed(Keep(SealedKind::kNode, ChunkId{}, sealed_bytes), key);
  }
}

SegmentRef TestVault::PushSegment(const TestPush& push, const ArchiveId& archive, uint64_t begin,
                                  uint64_t end, ManifestRoot* root) {
  const ChunkIdKey ids(keys.secrets.k_id.Clone());
  TreeBuilder tree;
  uint64_t at = begin;
  while (at < end) {
    uint64_t limit = end;
    bool is_hole = false;
    for (const Extent& hole : push.holes) {
      if (at >= hole.begin && at < hole.end) {
        is_hole = true;
        limit = std::min(limit, hole.end);
      } else if (hole.begin > at) {
        limit = std::min(limit, hole.begin);
      }
    }
    LeafEntry entry;
    if (is_hole) {
      entry.kind = LeafEntry::Kind::kHole;
      entry.bytes = limit - at;
    } else {
      entry.bytes = std::min<uint64_t>(limit - at, 1 + Random() % push.chunk_bytes_max);
      const ByteSpan plain = AsBytes(push.bytes).subspan(at, entry.bytes);
      entry.id = ids.Identify(plain);
      const bool was_known = known_.count(entry.id) > 0;
      const Stored stored = StoreChunk(entry.id, plain);
      entry.codec = stored.codec;
      entry.key = stored.key;
      entry.location = stored.location;
      root->data_bytes += entry.bytes;
      ++root->chunks;
      if (!was_known) ++root->new_chunks;
    }
    at += entry.bytes;
    tree.Add(entry);
    PlaceNodes(archive, &tree);
  }
  tree.Finish();
  PlaceNodes(archive, &tree);
  assert(tree.done());
  SegmentRef segment;
  segment.begin = begin;
  segment.source_bytes = end - begin;
  if (end > begin) {
    segment.root_level = tree.root_level();
    segment.root = tree.root();
  }
  return segment;
}

void TestVault::PlaceRoot(const ManifestRoot& root, const Secret32& archive_key,
                          Envelope* envelope) {
  const std::vector<std::byte> plain = EncodeRoot(root);
  const std::vector<std::byte> context = NodeContext(envelope->archive, kRootLevel);
  const size_t sealed_bytes = plain.size() + kSealTagBytes;
  const MutableByteSpan room = Reserve(sealed_bytes + kEnvelopeBytesMax);
  envelope->root_salt = SingleUseKey::HedgedSalt(keys.secrets.k_hedge, &entropy_, SealedKind::kRoot,
                                                 HashBytes(plain).bytes, context);
  Seal(SingleUseKey::FromSalt(archive_key, envelope->root_salt, SealedKind::kRoot, context),
       SealedKind::kRoot, Codec::kRaw, context, plain, room.first(sealed_bytes));
  envelope->root = Keep(SealedKind::kRoot, ChunkId{}, sealed_bytes);
  builder_->AddEnvelope(*envelope);
}

Envelope TestVault::Push(const TestPush& push) {
  Envelope envelope;
  Secret32 archive_key;
  auto before = newest_.find(push.name);
  if (before != newest_.end()) {
    envelope = before->second;
    archive_key = *UnwrapSecret(keys.kek, WrappedKind::kArchiveKey, envelope.archive.bytes,
                                envelope.wrapped_key);
  } else {
    envelope.archive = ArchiveId::Random(&entropy_);
    archive_key = Secret32::Random(&entropy_);
    envelope.wrapped_key =
        WrapSecret(keys.kek, WrappedKind::kArchiveKey, envelope.archive.bytes, archive_key);
    envelope.kek_id = keys.kek.id;
    envelope.name = push.name;
  }
  ++envelope.version;
  envelope.complete = push.complete;
  envelope.captured_at_nanos = push.captured_at_nanos;
  envelope.closed_at_nanos = push.captured_at_nanos + 5;
  envelope.source_bytes = push.bytes.size();
  envelope.idempotency = push.idempotency;
  ManifestRoot root;
  root.source_bytes = push.bytes.size();
  root.mode = 0640;
  root.mtime_nanos = 1234567;
  root.segment_bytes = push.segment_bytes;
  for (uint64_t begin = 0; begin < push.bytes.size();) {
    const uint64_t end =
        std::min<uint64_t>(SegmentAt(begin, push.segment_bytes).end, push.bytes.size());
    root.segments.push_back(PushSegment(push, envelope.archive, begin, end, &root));
    begin = end;
  }
  PlaceRoot(root, archive_key, &envelope);
  ClosePack();
  newest_[push.name] = envelope;
  envelopes.push_back(envelope);
  return envelope;
}

}  // namespace tidemark
