#include <algorithm>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"
#include "replicator/placement.h"

namespace tidemark {
namespace {

// Written by this store into this incarnation of this file, at this very place.
bool StandsWhereWritten(const LogFileHeader& file, const PlacementHeader& placement,
                        uint64_t offset) {
  return placement.store == file.store && placement.file_number == file.file_number &&
         placement.file_salt == file.file_salt && placement.own_offset == offset;
}

}  // namespace

LogRecovery::LogRecovery(StoreId store, VaultId vault, uint64_t evidence)
    : store_(store), vault_(vault), evidence_(evidence) {}

absl::Status LogRecovery::OnFile(const LogFileHeader& header) {
  bool in_order = !file_.has_value() || header.file_number > file_->file_number;
  file_ = header;
  std::string fault;
  if (header.store != store_) {
    fault = absl::StrFormat("log file %d belongs to store %s, this is store %s", header.file_number,
                            header.store.hex(), store_.hex());
  } else if (header.vault != vault_) {
    fault = absl::StrFormat("log file %d belongs to vault %s, this is vault %s", header.file_number,
                            header.vault.hex(), vault_.hex());
  }
  if (!fault.empty()) {
    if (stopped_by_.empty()) stopped_by_ = fault;
    return absl::FailedPreconditionError(fault);
  }
  if (!stopped_by_.empty()) return absl::OkStatus();  // heads in it still count as evidence
  // The digest names the record. Its epoch may have been a guess: its head was rotten.
  const bool follows =
      header.before.sequence == tail_.sequence && header.before.digest == tail_.digest;
  if (!in_order || !follows) {
    stopped_by_ = absl::StrFormat("log file %d begins behind record %d, the log so far ends at %d",
                                  header.file_number, header.before.sequence, tail_.sequence);
    return absl::DataLossError(stopped_by_);
  }
  return absl::OkStatus();
}

LogRecovery::Verdict LogRecovery::OnRecord(uint64_t offset, const absl::StatusOr<RecordHead>& head,
                                           std::optional<bool> payload_ok) {
  std::string fault = Fault(offset, head, payload_ok);
  if (head.ok() && IsOwn(offset, *head)) {
    // What was dropped at a take-over stands behind the tail with a lower epoch: not evidence.
    bool dropped_before = head->canonical.epoch < tail_.epoch;
    if (!dropped_before) evidence_ = std::max(evidence_, head->placement.durable_upto);
  }
  if (fault.empty()) {
    tail_ = {head->canonical.epoch, head->canonical.sequence, head->placement.record_digest};
    return Verdict::kAccept;
  }
  if (stopped_by_.empty()) {
    if (payload_ok.has_value() && !*payload_ok) RARE_PATH("torn-record-cut");
    stopped_by_ =
        absl::StrFormat("file %d offset %d: %s", file_ ? file_->file_number : 0, offset, fault);
    newer_format_ = absl::IsUnimplemented(head.status());
  }
  return Verdict::kStop;
}

// Only an epoch's first record may be of another epoch than the one before it. Such a `next` must
// be taken too: were it found torn, the tail would be one whose epoch nobody knows.
bool LogRecovery::OnRottenHead(const RecordHead& next, bool next_is_whole) {
  const CanonicalHeader& header = next.canonical;
  const bool follows = header.sequence == tail_.sequence + 2 && header.epoch >= tail_.epoch;
  if (!stopped_by_.empty() || !follows || header.sequence - 1 > evidence_) return false;
  const bool begins =
      header.kind == RecordKind::kEpochStart && header.epoch > std::max<uint64_t>(tail_.epoch, 1);
  if (begins && !next_is_whole) return false;
  tail_ = {header.epoch, header.sequence - 1, header.previous};
  return true;
}

bool LogRecovery::IsOwn(uint64_t offset, const RecordHead& head) const {
  return file_.has_value() && file_->store == store_ && file_->vault == vault_ &&
         head.canonical.vault == vault_ && StandsWhereWritten(*file_, head.placement, offset);
}

// Why the record is not the next of the log; empty when it is.
std::string LogRecovery::Fault(uint64_t offset, const absl::StatusOr<RecordHead>& head,
                               std::optional<bool> payload_ok) const {
  if (!stopped_by_.empty()) return stopped_by_;
  if (!head.ok()) return std::string(head.status().message());
  if (!IsOwn(offset, *head)) {
    return absl::StrFormat("record %d was not written to this place of this file (offset %d)",
                           head->placement.sequence, head->placement.own_offset);
  }
  if (head->canonical.sequence != tail_.sequence + 1 || head->canonical.epoch < tail_.epoch) {
    return absl::StrFormat("record %d of epoch %d does not follow record %d of epoch %d",
                           head->canonical.sequence, head->canonical.epoch, tail_.sequence,
                           tail_.epoch);
  }
  if (head->canonical.previous != tail_.digest) {
    return absl::StrFormat("record %d names another record before it", head->canonical.sequence);
  }
  if (payload_ok.has_value() && !*payload_ok) {
    return absl::StrFormat("record %d: its payload does not have its digests",
                           head->canonical.sequence);
  }
  return "";
}

LogRecovery::Outcome LogRecovery::Finish() const {
  Outcome outcome;
  outcome.tail = tail_;
  outcome.evidence = evidence_;
  outcome.newer_format = newer_format_;
  outcome.damaged =
      (evidence_ > tail_.sequence && !MUSEUM_BUG("damage-truncated")) || newer_format_;
  if (newer_format_) {
    outcome.explanation = absl::StrFormat("the log goes on behind record %d in a newer format (%s)",
                                          tail_.sequence, stopped_by_);
  } else if (outcome.damaged) {
    outcome.explanation = absl::StrFormat(
        "record %d was durable here, but the log ends at record %d (%s): keep it, repair it from "
        "another site",
        evidence_, tail_.sequence, stopped_by_.empty() ? "nothing stands behind it" : stopped_by_);
  } else {
    outcome.explanation = absl::StrFormat("the log ends at record %d (%s)", tail_.sequence,
                                          stopped_by_.empty() ? "end of files" : stopped_by_);
  }
  return outcome;
}

}  // namespace tidemark
