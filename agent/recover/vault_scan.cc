// Opening a vault: the keyring snapshot, then the heads and directories of all later records, a few
// in flight at a time.
#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/recover/vault_reader.h"

namespace tidemark {
namespace {

constexpr size_t kScansInFlight = 8;

struct ScannedRecord {
  CanonicalHeader head;
  std::vector<Envelope> envelopes;
  std::vector<ResumeNotice> notices;
  absl::Status unreadable;  // not OK: its envelopes are not known
};

bool IsMissingOrDamaged(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsNotFound(status);
}

Task<absl::StatusOr<ScannedRecord>> ScanRecord(Io*, RecordSource* source, const VaultKeys* keys,
                                               uint64_t sequence) {
  ScannedRecord record;
  absl::StatusOr<CanonicalHeader> head = co_await source->Head(keys->vault, sequence);
  if (!head.ok() && IsMissingOrDamaged(head.status())) {
    record.unreadable = head.status();
    co_return std::move(record);
  }
  if (!head.ok()) co_return head.status();
  record.head = std::move(*head);
  if (record.head.kind != RecordKind::kPack) co_return std::move(record);
  const CanonicalHeader* header = &record.head;
  absl::StatusOr<PackDirectory> directory = co_await ReadDirectory(source, keys, header);
  if (directory.ok()) {
    record.envelopes = std::move(directory->envelopes);
    record.notices = std::move(directory->notices);
  } else if (IsMissingOrDamaged(directory.status())) {
    record.unreadable = directory.status();
  } else {
    co_return directory.status();
  }
  co_return std::move(record);
}

void AddEnvelope(Envelope envelope, OpenedVault* vault) {
  CatalogVersion version;
  version.sequence = envelope.root.sequence;
  version.envelope = std::move(envelope);
  vault->catalog.Add(std::move(version));
}

// Takes the next record of the log in.
absl::Status Take(const std::string& source, uint64_t sequence, ScannedRecord record,
                  OpenedVault* vault) {
  if (!record.unreadable.ok()) vault->unreadable.push_back(sequence);
  if (record.head.sequence == 0) {  // the head is missing too: the chain cannot be checked here
    vault->tail = Position{vault->tail.epoch, sequence, Digest{}};
    return absl::OkStatus();
  }
  const Position& before = vault->tail;
  if (!before.digest.empty() && record.head.previous != before.digest) {
    return absl::DataLossError(absl::StrFormat(
        "%s: record %d names another record before it than the one there", source, sequence));
  }
  vault->tail = record.head.position();
  vault->proven_committed = std::max(vault->proven_committed, record.head.committed_sequence);
  if (record.head.kind == RecordKind::kKeyring) vault->keyring_sequence = sequence;
  for (Envelope& envelope : record.envelopes) AddEnvelope(std::move(envelope), vault);
  // Whoever uses one asks again whether it is committed: until then the newest is the one to know.
  for (const ResumeNotice& notice : record.notices) vault->resume.Add(notice, UINT64_MAX);
  return absl::OkStatus();
}

Task<absl::Status> ScanUpTo(Io* io, RecordSource* source, OpenedVault* vault, uint64_t upto) {
  std::deque<Task<absl::StatusOr<ScannedRecord>>> in_flight;
  uint64_t next = vault->tail.sequence + 1;
  while (vault->tail.sequence < upto) {
    while (next <= upto && in_flight.size() < kScansInFlight) {
      in_flight.push_back(ScanRecord(io, source, &vault->keys, next++));
      in_flight.back().Start();
    }
    Task<absl::StatusOr<ScannedRecord>>& oldest = in_flight.front();
    absl::StatusOr<ScannedRecord> record = co_await oldest;
    in_flight.pop_front();
    absl::Status taken = record.status();
    if (record.ok()) {
      taken = Take(source->name(), vault->tail.sequence + 1, std::move(*record), vault);
    }
    if (taken.ok()) continue;
    while (!in_flight.empty()) {  // they use the vault
      Task<absl::StatusOr<ScannedRecord>>& left = in_flight.front();
      absl::StatusOr<ScannedRecord> unused = co_await left;
      in_flight.pop_front();
    }
    co_return taken;
  }
  co_return absl::OkStatus();
}

// The head of the tail itself is read in any case: what it says of commits is the newest word.
Task<absl::Status> CheckTail(Io*, RecordSource* source, OpenedVault* vault, Position tail) {
  absl::StatusOr<CanonicalHeader> head = co_await source->Head(vault->keys.vault, tail.sequence);
  if (!head.ok()) co_return head.status();
  if (head->position() != tail) {
    co_return absl::DataLossError(absl::StrFormat(
        "%s: says that its log ends with record %d of digest %s, and gives another record there",
        source->name(), tail.sequence, tail.digest.hex()));
  }
  vault->proven_committed = std::max(vault->proven_committed, head->committed_sequence);
  vault->tail = tail;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<OpenedVault>>> OpenVaultOn(Io* io, RecordSource* source,
                                                               VaultId vault,
                                                               const KeyEncryptionKey* kek,
                                                               uint64_t committed_upto) {
  absl::StatusOr<Position> tail = co_await source->Tail(vault);
  if (!tail.ok()) co_return tail.status();
  absl::StatusOr<FoundKeyring> found = co_await ReadKeyring(source, vault, kek, tail->sequence);
  if (!found.ok()) co_return found.status();
  auto opened = std::make_unique<OpenedVault>();
  opened->keys.vault = vault;
  opened->keys.kek = kek->Clone();
  opened->keys.secrets = VaultSecrets::FromVaultSecret(found->opened.vault_secret);
  opened->keys.vault_secret = std::move(found->opened.vault_secret);
  opened->keyring_sequence = found->sequence;
  for (Envelope& envelope : found->opened.keyring.envelopes) {
    AddEnvelope(std::move(envelope), opened.get());
  }
  opened->tail.sequence = found->opened.keyring.upto_sequence;
  OpenedVault* target = opened.get();
  absl::Status scanned = co_await ScanUpTo(io, source, target, tail->sequence);
  if (!scanned.ok()) co_return scanned;
  absl::Status checked = co_await CheckTail(io, source, target, *tail);
  if (!checked.ok()) co_return checked;
  opened->catalog.CommitAsPlaced(committed_upto == 0 ? opened->proven_committed : committed_upto);
  co_return std::move(opened);
}

Task<absl::Status> ExtendVaultOn(Io* io, RecordSource* source, OpenedVault* vault, uint64_t upto) {
  absl::Status scanned = co_await ScanUpTo(io, source, vault, upto);
  if (!scanned.ok()) co_return scanned;
  vault->catalog.CommitAsPlaced(vault->proven_committed);
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<std::unique_ptr<OpenedVault>>> OpenVault(RecordSource* source, VaultId vault,
                                                             const KeyEncryptionKey* kek,
                                                             uint64_t committed_upto) {
  return OpenVaultOn(source->io(), source, vault, kek, committed_upto);
}

Task<absl::Status> ExtendVault(RecordSource* source, OpenedVault* vault, uint64_t upto) {
  return ExtendVaultOn(source->io(), source, vault, upto);
}

}  // namespace tidemark
