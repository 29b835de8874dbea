#include "agent/site/record_check.h"

#include "absl/strings/str_format.h"
#include "agent/site/site_vault.h"

namespace tidemark {

std::string Damage::Describe() const {
  switch (part) {
    case Part::kFileHeader:
      return absl::StrFormat("header of the log file of record %d", sequence);
    case Part::kHead:
      return absl::StrFormat("record %d head", sequence);
    case Part::kBlock:
      return absl::StrFormat("record %d block %d", sequence, block);
  }
  return "";
}

RecordCheck::RecordCheck(SiteVault* vault) : vault_(vault), reader_(vault->log()) {}

Task<> RecordCheck::Check(uint64_t sequence, MutableByteSpan buffer, std::vector<Found>* found) {
  blocks_ = 0;
  bytes_ = 0;
  const std::optional<VaultLog::Place> place = vault_->log()->FindPlace(sequence);
  if (!place.has_value()) co_return;  // given up since
  if (place->file.before.sequence + 1 == sequence) {
    absl::Status header = co_await reader_.CheckFileHeader(sequence, buffer);
    if (!header.ok()) Note(Damage::Part::kFileHeader, sequence, 0, header, found);
    bytes_ += kLogFileHeaderBytes;
  }
  bytes_ += kRecordHeaderBytes;
  absl::StatusOr<CanonicalHeader> header = co_await reader_.ReadHead(sequence, buffer);
  if (absl::IsNotFound(header.status()) && !vault_->log()->FindPlace(sequence).has_value()) {
    co_return;
  }
  if (!header.ok()) {
    last_ = Position();
    Note(Damage::Part::kHead, sequence, 0, header.status(), found);
    co_return;
  }
  CheckChain(*header, found);
  const MutableByteSpan payload = buffer.subspan(kRecordHeaderBytes, header->payload_bytes);
  bytes_ += payload.size();
  blocks_ = static_cast<uint32_t>(header->blocks.size());
  absl::Status read = co_await reader_.ReadBlocks(&*header, 0, payload);
  if (read.ok()) read = co_await CheckPayloadOnWorker(io(), &*header, payload);
  if (!read.ok()) co_await CheckBlocks(&*header, payload, found);
}

// Something in it is bad, or cannot be read: which?
Task<> RecordCheck::CheckBlocks(const CanonicalHeader* header, MutableByteSpan payload,
                                std::vector<Found>* found) {
  for (uint32_t block = 0; block < header->blocks.size(); ++block) {
    const MutableByteSpan bytes =
        payload.subspan(size_t{block} * kBlockBytes, header->BlockBytes(block));
    absl::Status good = co_await reader_.ReadBlocks(header, block, bytes);
    if (good.ok()) good = CheckBlock(*header, block, bytes);
    if (!good.ok()) Note(Damage::Part::kBlock, header->sequence, block, good, found);
  }
}

// A head vouches for the one before it, so a break in the chain is told of the earlier one. The
// newest is vouched for by what was flushed.
void RecordCheck::CheckChain(const CanonicalHeader& header, std::vector<Found>* found) {
  const Position own = header.position();
  if (last_.sequence + 1 == own.sequence && last_.sequence > 0 && last_.digest != header.previous) {
    Note(Damage::Part::kHead, last_.sequence, 0,
         absl::DataLossError("it is another record than the next one names"), found);
  }
  if (own.sequence == vault_->flushed().sequence && own.digest != vault_->flushed().digest) {
    Note(Damage::Part::kHead, own.sequence, 0,
         absl::DataLossError("it is another record than was flushed"), found);
  }
  last_ = own;
}

void RecordCheck::Note(Damage::Part part, uint64_t sequence, uint32_t block,
                       const absl::Status& why, std::vector<Found>* found) const {
  found->push_back({Damage{vault_->id(), sequence, part, block}, why});
}

Task<> RecordCheck::Close() { co_await reader_.Close(); }

}  // namespace tidemark
