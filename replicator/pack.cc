#include "replicator/pack.h"

#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/cipher.h"
#include "crypto/layout.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr size_t kEntryBytes = 1 + 4 + 4 + 32;
// Version 2 of a directory is version 1 with notices behind it, at least one.
constexpr uint16_t kVersionWithNotices = 2;
constexpr size_t kNoticeCountBytes = 4;
constexpr size_t kDirectoryFixedBytes = 2 + 4 + 4;  // version and two counts
constexpr size_t kHeadPlainBytes = 16;
constexpr size_t kHeadBytes = kHeadPlainBytes + kSealTagBytes;
static_assert(kHeadBytes + kSaltBytes == kPackTailBytes);

std::vector<std::byte> ContextOf(const PackIdentity& identity) {
  LayoutWriter out;
  out.Bytes(identity.vault.bytes).U64(identity.epoch).U64(identity.sequence);
  return out.Take();
}

std::vector<std::byte> EncodeDirectory(const PackDirectory& directory) {
  LayoutWriter out;
  out.U16(directory.notices.empty() ? kFormatVersion : kVersionWithNotices);
  out.U32(static_cast<uint32_t>(directory.entries.size()));
  out.U32(static_cast<uint32_t>(directory.envelopes.size()));
  for (const PackEntry& entry : directory.entries) {
    out.U8(static_cast<uint8_t>(entry.kind)).U32(entry.offset).U32(entry.sealed_bytes);
    out.Bytes(entry.id.bytes);
  }
  for (const Envelope& envelope : directory.envelopes) EncodeEnvelope(envelope, &out);
  if (!directory.notices.empty()) out.U32(static_cast<uint32_t>(directory.notices.size()));
  for (const ResumeNotice& notice : directory.notices) EncodeResumeNotice(notice, &out);
  return out.Take();
}

bool IsObject(SealedKind kind) {
  return kind == SealedKind::kChunk || kind == SealedKind::kNode || kind == SealedKind::kRoot ||
         kind == SealedKind::kResume;
}

bool ReadNotices(LayoutReader* in, std::vector<ResumeNotice>* notices) {
  const uint32_t count = in->U32();
  for (uint32_t i = 0; in->ok() && i < count; ++i) notices->push_back(DecodeResumeNotice(in));
  return in->ok() && count > 0;
}

absl::StatusOr<PackDirectory> ParseDirectory(ByteSpan plain) {
  LayoutReader in(plain);
  const uint16_t version = in.U16();
  absl::Status known = CheckFormatVersion("pack directory", version, kVersionWithNotices);
  if (!known.ok()) return known;
  uint32_t entries = in.U32();
  uint32_t envelopes = in.U32();
  bool sound = in.ok() && uint64_t{entries} * kEntryBytes <= in.remaining();
  PackDirectory directory;
  uint64_t objects_end = 0;
  for (uint32_t i = 0; sound && i < entries; ++i) {
    PackEntry entry;
    entry.kind = static_cast<SealedKind>(in.U8());
    entry.offset = in.U32();
    entry.sealed_bytes = in.U32();
    entry.id = in.Object<ChunkId>();
    sound = IsObject(entry.kind) && (entry.kind != SealedKind::kResume || version > 1) &&
            entry.offset >= objects_end && entry.sealed_bytes > kSealTagBytes;
    objects_end = uint64_t{entry.offset} + entry.sealed_bytes;
    sound = sound && objects_end <= kPackBytesMax;
    directory.entries.push_back(entry);
  }
  for (uint32_t i = 0; sound && i < envelopes; ++i) {
    directory.envelopes.push_back(DecodeEnvelope(&in));
    sound = in.ok();
  }
  if (sound && version == kVersionWithNotices) sound = ReadNotices(&in, &directory.notices);
  if (!sound || !in.at_end()) return absl::DataLossError("pack directory is malformed");
  return directory;
}

Salt SaltOf(ByteSpan tail64) {
  LayoutReader in(tail64.subspan(kHeadBytes));
  return in.Object<Salt>();
}

absl::Status Unopened(const PackIdentity& identity, std::string_view what) {
  return absl::DataLossError(absl::StrFormat(
      "pack %d of epoch %d, vault %s: its %s does not open: changed, or sealed with other keys",
      identity.sequence, identity.epoch, identity.vault.hex(), what));
}

}  // namespace

PackBuilder::PackBuilder(PackIdentity identity, MutableByteSpan buffer)
    : identity_(identity), buffer_(buffer) {
  assert(buffer.size() >= kPackBytesMax);
}

size_t PackBuilder::DirectoryBytesUpperBound(size_t more_entries, size_t more_bytes) const {
  return kDirectoryFixedBytes + (directory_.entries.size() + more_entries) * kEntryBytes +
         listed_bytes_ + more_bytes + kSealTagBytes;
}

bool PackBuilder::Fits(size_t object_bytes, size_t directory_bytes) const {
  return directory_bytes <= kDirectoryBytesMax &&
         used_ + object_bytes + directory_bytes + kPackTailBytes <= kPackBytesMax;
}

MutableByteSpan PackBuilder::Reserve(size_t bytes_max) {
  assert(!finished_ && bytes_max <= kPackBytesMax);
  // Room for one of each stays free, so that a root always finds its envelope beside it, and a
  // resume point its notice.
  constexpr size_t kListed = kEnvelopeBytesMax + kResumeNoticeBytesMax + kNoticeCountBytes;
  if (!Fits(bytes_max, DirectoryBytesUpperBound(1, kListed))) return {};
  reserved_ = bytes_max;
  return buffer_.subspan(used_, bytes_max);
}

uint32_t PackBuilder::Keep(SealedKind kind, const ChunkId& id, size_t sealed_bytes) {
  assert(IsObject(kind) && sealed_bytes > kSealTagBytes && sealed_bytes <= reserved_);
  PackEntry entry;
  entry.kind = kind;
  entry.offset = static_cast<uint32_t>(used_);
  entry.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
  entry.id = id;
  directory_.entries.push_back(entry);
  used_ += sealed_bytes;
  reserved_ = 0;
  return entry.offset;
}

bool PackBuilder::FitsEnvelope(const Envelope& envelope) const {
  return !finished_ && Fits(0, DirectoryBytesUpperBound(0, EncodedEnvelopeBytes(envelope)));
}

void PackBuilder::AddEnvelope(Envelope envelope) {
  assert(FitsEnvelope(envelope));
  listed_bytes_ += EncodedEnvelopeBytes(envelope);
  directory_.envelopes.push_back(std::move(envelope));
}

bool PackBuilder::FitsNotice(const ResumeNotice& notice) const {
  const size_t bytes = EncodedResumeNoticeBytes(notice) + kNoticeCountBytes;
  return !finished_ && Fits(0, DirectoryBytesUpperBound(0, bytes));
}

void PackBuilder::AddNotice(ResumeNotice notice) {
  assert(FitsNotice(notice));
  listed_bytes_ += EncodedResumeNoticeBytes(notice);
  if (directory_.notices.empty()) listed_bytes_ += kNoticeCountBytes;
  directory_.notices.push_back(std::move(notice));
}

size_t PackBuilder::Finish(const VaultSecrets& secrets, EntropySource* entropy) {
  assert(!finished_);
  finished_ = true;
  std::vector<std::byte> plain = EncodeDirectory(directory_);
  size_t sealed_bytes = plain.size() + kSealTagBytes;
  assert(sealed_bytes == DirectoryBytesUpperBound(0, 0));
  size_t payload_bytes = PaddedPayloadBytes(used_ + sealed_bytes + kPackTailBytes);
  size_t directory_at = payload_bytes - kPackTailBytes - sealed_bytes;
  FillRandomLooking(entropy, buffer_.subspan(used_, directory_at - used_));

  LayoutWriter head;
  head.U32(static_cast<uint32_t>(directory_at)).U32(static_cast<uint32_t>(sealed_bytes)).U64(0);
  // The salt hedges both plaintexts: their keys differ by kind, and neither repeats for other
  // bytes.
  Hasher both;
  both.Update(plain);
  both.Update(head.view());
  std::vector<std::byte> context = ContextOf(identity_);
  Salt salt = SingleUseKey::HedgedSalt(secrets.k_hedge, entropy, SealedKind::kDirectory,
                                       both.Finish().bytes, context);
  Seal(SingleUseKey::FromSalt(secrets.k_dir, salt, SealedKind::kDirectory, context),
       SealedKind::kDirectory, Codec::kRaw, context, plain,
       buffer_.subspan(directory_at, sealed_bytes));
  MutableByteSpan tail = buffer_.subspan(payload_bytes - kPackTailBytes, kPackTailBytes);
  Seal(SingleUseKey::FromSalt(secrets.k_dir, salt, SealedKind::kDirectoryHead, context),
       SealedKind::kDirectoryHead, Codec::kRaw, context, head.view(), tail.first(kHeadBytes));
  std::memcpy(tail.data() + kHeadBytes, salt.bytes.data(), kSaltBytes);
  return payload_bytes;
}

absl::StatusOr<DirectoryPlace> FindDirectory(const VaultSecrets& secrets,
                                             const PackIdentity& identity, size_t payload_bytes,
                                             ByteSpan tail64) {
  if (tail64.size() != kPackTailBytes || !IsPayloadSize(payload_bytes)) {
    return absl::DataLossError("pack has no tail: its size is not a payload size");
  }
  std::vector<std::byte> context = ContextOf(identity);
  OpenKey key = OpenKeyFromSalt(secrets.k_dir, SaltOf(tail64), SealedKind::kDirectoryHead, context);
  std::array<std::byte, kHeadPlainBytes> plain;
  absl::Status opened =
      Open(key, SealedKind::kDirectoryHead, Codec::kRaw, context, tail64.first(kHeadBytes), plain);
  if (!opened.ok()) return Unopened(identity, "directory head");
  LayoutReader in(plain);
  DirectoryPlace place;
  place.offset = in.U32();
  place.sealed_bytes = in.U32();
  uint64_t reserved = in.U64();
  bool sound = reserved == 0 && place.sealed_bytes >= kDirectoryFixedBytes + kSealTagBytes &&
               place.sealed_bytes <= kDirectoryBytesMax &&
               uint64_t{place.offset} + place.sealed_bytes + kPackTailBytes == payload_bytes;
  if (!sound) return absl::DataLossError("pack directory head is malformed");
  return place;
}

absl::StatusOr<PackDirectory> OpenDirectory(const VaultSecrets& secrets,
                                            const PackIdentity& identity, ByteSpan sealed,
                                            ByteSpan tail64) {
  if (tail64.size() != kPackTailBytes || sealed.size() < kSealTagBytes) {
    return absl::DataLossError("pack directory is cut short");
  }
  std::vector<std::byte> context = ContextOf(identity);
  OpenKey key = OpenKeyFromSalt(secrets.k_dir, SaltOf(tail64), SealedKind::kDirectory, context);
  std::vector<std::byte> plain(sealed.size() - kSealTagBytes);
  absl::Status opened = Open(key, SealedKind::kDirectory, Codec::kRaw, context, sealed, plain);
  if (!opened.ok()) return Unopened(identity, "directory");
  return ParseDirectory(plain);
}

absl::StatusOr<PackDirectory> OpenDirectoryOf(const VaultSecrets& secrets,
                                              const PackIdentity& identity, ByteSpan payload) {
  if (payload.size() < kPackTailBytes) return absl::DataLossError("pack is cut short");
  ByteSpan tail = payload.last(kPackTailBytes);
  absl::StatusOr<DirectoryPlace> place = FindDirectory(secrets, identity, payload.size(), tail);
  if (!place.ok()) return place.status();
  ByteSpan sealed = payload.subspan(place->offset, place->sealed_bytes);
  absl::StatusOr<PackDirectory> directory = OpenDirectory(secrets, identity, sealed, tail);
  if (!directory.ok() || directory->entries.empty()) return directory;
  const PackEntry& last = directory->entries.back();
  if (uint64_t{last.offset} + last.sealed_bytes > place->offset) {
    return absl::DataLossError("pack directory names an object that reaches into the directory");
  }
  return directory;
}

}  // namespace tidemark
