// RpoExport: the chain of the records that the receipts are about.
#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/proof/rpo_export.h"

namespace tidemark {
namespace {

constexpr size_t kHeadersInFlight = 16, kHeaderBytesAtOnce = 1 << 20;
// A chain longer than this is cut at its old end: a site that is that far behind is told so.
constexpr uint64_t kHeadersMax = 20'000'000;
// Records that sites hold and no checkpoint names yet, where the log's end is not known.
constexpr uint64_t kHeadsAheadMax = 10'000;

}  // namespace

Task<absl::Status> RpoExport::WriteHeaders(size_t vault, std::optional<uint64_t> tail,
                                           HeaderSource source, Fd output) {
  const Ledger::VaultTerms& terms = terms_.vaults.at(vault);
  Range range = ranges_[terms.id];
  range.last = std::min(range.last, tail.value_or(range.checkpointed + kHeadsAheadMax));
  if (range.last == 0) co_return absl::OkStatus();
  if (range.last - range.first >= kHeadersMax) range.first = range.last - kHeadersMax + 1;
  std::deque<Task<absl::StatusOr<CanonicalHeader>>> in_flight;
  uint64_t next = range.first;
  Digest before;
  std::string frames;
  absl::Status written, missing;
  for (uint64_t sequence = range.first; sequence <= range.last; ++sequence) {
    while (missing.ok() && next <= range.last && in_flight.size() < kHeadersInFlight) {
      in_flight.push_back(source(terms.id, next++));
      in_flight.back().Start();
    }
    if (in_flight.empty()) break;
    Task<absl::StatusOr<CanonicalHeader>>& oldest = in_flight.front();
    absl::StatusOr<CanonicalHeader> header = co_await oldest;
    in_flight.pop_front();
    if (!missing.ok() || !written.ok()) continue;
    missing = header.status();
    if (header.ok() && !before.empty() && header->previous != before)
      missing = absl::DataLossError("it does not follow the one before");
    if (!missing.ok()) {
      facts_.push_back(
          absl::StrFormat("vault %s: the records' chain ends before record %d of %d: "
                          "%s",
                          terms.name, sequence, range.last, std::string(missing.message())));
      continue;
    }
    before = header->digest();
    ++records_;
    AppendEvidence(EvidenceKind::kHeader, {}, header->Encode(), &frames);
    if (frames.size() < kHeaderBytesAtOnce) continue;
    std::string writing = std::exchange(frames, "");
    written = co_await Write(output, std::move(writing));
  }
  if (written.ok()) written = co_await Write(output, std::move(frames));
  co_return written;
}

}  // namespace tidemark
