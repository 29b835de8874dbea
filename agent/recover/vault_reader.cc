#include "agent/recover/vault_reader.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

Task<absl::StatusOr<std::vector<std::byte>>> ReadControl(Io*, RecordSource* source, VaultId vault,
                                                         uint64_t sequence) {
  absl::StatusOr<CanonicalHeader> head = co_await source->Head(vault, sequence);
  if (!head.ok()) co_return head.status();
  std::vector<std::byte> payload(head->payload_bytes);
  const uint32_t blocks = static_cast<uint32_t>(head->blocks.size());
  const CanonicalHeader* header = &*head;
  absl::Status read = co_await source->ReadBlocks(header, 0, blocks, payload);
  if (!read.ok()) co_return read;
  co_return ReadControlBody(payload);
}

Task<absl::StatusOr<KeyringPart>> ReadKeyringPart(Io* io, RecordSource* source, VaultId vault,
                                                  uint64_t sequence) {
  absl::StatusOr<std::vector<std::byte>> body = co_await ReadControl(io, source, vault, sequence);
  if (!body.ok()) co_return body.status();
  co_return ParseKeyringPart(*body);
}

Task<absl::StatusOr<VaultGenesis>> ReadFirst(Io* io, RecordSource* source, VaultId vault) {
  absl::StatusOr<std::vector<std::byte>> body = co_await ReadControl(io, source, vault, 1);
  if (!body.ok()) co_return body.status();
  co_return ParseVaultGenesis(*body);
}

bool SameSnapshot(const KeyringPart& a, const KeyringPart& b) {
  return a.parts == b.parts && a.upto_sequence == b.upto_sequence && a.kek_id == b.kek_id &&
         a.salt == b.salt;
}

// The parts of the snapshot whose last part is at `sequence`, in order; empty when they are not
// all there: a snapshot that was cut short by a crash.
Task<absl::StatusOr<std::vector<KeyringPart>>> ReadSnapshot(Io* io, RecordSource* source,
                                                            VaultId vault, uint64_t sequence) {
  std::vector<KeyringPart> backwards;
  while (sequence > 0) {
    absl::StatusOr<KeyringPart> part = co_await ReadKeyringPart(io, source, vault, sequence);
    if (!part.ok()) co_return part.status();
    const bool is_last = backwards.empty() && part->part + 1 == part->parts;
    const bool precedes = !backwards.empty() && SameSnapshot(*part, backwards.back()) &&
                          part->part + 1 == backwards.back().part;
    if (!is_last && !precedes) break;
    backwards.push_back(std::move(*part));
    if (backwards.back().part == 0) {
      co_return std::vector<KeyringPart>(std::make_move_iterator(backwards.rbegin()),
                                         std::make_move_iterator(backwards.rend()));
    }
    if (sequence == 1) break;
    absl::StatusOr<uint64_t> before =
        co_await source->FindRecord(vault, RecordKind::kKeyring, sequence - 1);
    if (!before.ok()) co_return before.status();
    sequence = *before;
  }
  co_return std::vector<KeyringPart>();
}

Task<absl::StatusOr<FoundKeyring>> FindKeyring(Io* io, RecordSource* source, VaultId vault,
                                               const KeyEncryptionKey* kek, uint64_t upto) {
  while (true) {
    absl::StatusOr<uint64_t> newest =
        co_await source->FindRecord(vault, RecordKind::kKeyring, upto);
    if (!newest.ok()) co_return newest.status();
    if (*newest == 0) {
      co_return absl::NotFoundError(
          absl::StrFormat("%s: vault %s holds no whole keyring", source->name(), vault.hex()));
    }
    absl::StatusOr<std::vector<KeyringPart>> parts =
        co_await ReadSnapshot(io, source, vault, *newest);
    if (!parts.ok()) co_return parts.status();
    if (parts->empty() && *newest > 1) {
      upto = *newest - 1;
      continue;
    }
    absl::StatusOr<OpenedKeyring> opened = OpenKeyring(vault, *kek, *parts);
    if (!opened.ok()) {
      co_return absl::Status(opened.status().code(),
                             absl::StrFormat("%s record %d: %s", source->name(), *newest,
                                             std::string(opened.status().message())));
    }
    co_return FoundKeyring{std::move(*parts), std::move(*opened), *newest};
  }
}

Task<absl::StatusOr<PackDirectory>> OpenDirectoryAt(Io*, RecordSource* source,
                                                    const VaultKeys* keys,
                                                    const CanonicalHeader* header) {
  const PackIdentity identity = {header->vault, header->epoch, header->sequence};
  const uint32_t last = static_cast<uint32_t>(header->blocks.size()) - 1;
  const size_t last_bytes = header->BlockBytes(last);
  std::vector<std::byte> bytes(last_bytes);
  absl::Status read = co_await source->ReadBlocks(header, last, 1, bytes);
  if (!read.ok()) co_return read;
  absl::StatusOr<DirectoryPlace> place = FindDirectory(
      keys->secrets, identity, header->payload_bytes, ByteSpan(bytes).last(kPackTailBytes));
  if (!place.ok()) co_return place.status();
  const uint32_t first = static_cast<uint32_t>(place->offset / kBlockBytes);
  if (first < last) {  // it begins in an earlier block
    std::vector<std::byte> longer(size_t{last - first} * kBlockBytes);
    absl::Status front = co_await source->ReadBlocks(header, first, last - first, longer);
    if (!front.ok()) co_return front;
    longer.insert(longer.end(), bytes.begin(), bytes.end());
    bytes = std::move(longer);
  }
  const size_t begin = place->offset - size_t{first} * kBlockBytes;
  if (begin + place->sealed_bytes > bytes.size()) {
    co_return absl::DataLossError(
        absl::StrFormat("record %d: its directory ends behind it", header->sequence));
  }
  co_return OpenDirectory(keys->secrets, identity,
                          ByteSpan(bytes).subspan(begin, place->sealed_bytes),
                          ByteSpan(bytes).last(kPackTailBytes));
}

// Of an envelope or a notice.
template <class Holder>
absl::StatusOr<Secret32> KeyWrappedIn(const VaultKeys& keys, const Holder& holder) {
  if (holder.kek_id != keys.kek.id) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "the key of archive \"%s\" is wrapped under the KEK %s, this one is %s: give the right key",
        holder.name, ToHex(holder.kek_id), ToHex(keys.kek.id)));
  }
  return UnwrapSecret(keys.kek, WrappedKind::kArchiveKey, holder.archive.bytes, holder.wrapped_key);
}

}  // namespace

Task<absl::StatusOr<FoundKeyring>> ReadKeyring(RecordSource* source, VaultId vault,
                                               const KeyEncryptionKey* kek, uint64_t upto) {
  return FindKeyring(source->io(), source, vault, kek, upto);
}

Task<absl::StatusOr<VaultGenesis>> ReadGenesis(RecordSource* source, VaultId vault) {
  return ReadFirst(source->io(), source, vault);
}

Task<absl::StatusOr<PackDirectory>> ReadDirectory(RecordSource* source, const VaultKeys* keys,
                                                  const CanonicalHeader* header) {
  return OpenDirectoryAt(source->io(), source, keys, header);
}

absl::StatusOr<Secret32> ArchiveKey(const VaultKeys& keys, const Envelope& envelope) {
  return KeyWrappedIn(keys, envelope);
}

absl::StatusOr<Secret32> ArchiveKey(const VaultKeys& keys, const ResumeNotice& notice) {
  return KeyWrappedIn(keys, notice);
}

}  // namespace tidemark
