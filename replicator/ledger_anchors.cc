// What a ledger hands on to one that begins where it stands: the statements that its state rests
// on.
#include <set>
#include <tuple>
#include <utility>

#include "replicator/ledger.h"

namespace tidemark {

// As they would have been said: each receipt behind the checkpoint that it names, before any that
// names it.
std::vector<Ledger::Anchor> Ledger::Anchors() const {
  // When, a checkpoint before a receipt, the receipt's number.
  using Place = std::tuple<int64_t, bool, uint64_t>;
  std::set<std::pair<Place, std::vector<std::byte>>> said;
  const auto made_at = [](const std::vector<std::byte>& statement) {
    const absl::StatusOr<SignedCheckpoint> parsed = ParseCheckpointUnchecked(statement);
    return parsed.ok() ? parsed->checkpoint.made_at_nanos : 0;
  };
  const auto say_checkpoint = [&](const std::vector<std::byte>& statement) {
    if (statement.empty()) return;
    said.insert({{made_at(statement), false, 0}, statement});
  };
  const auto say_receipt = [&](const std::vector<std::byte>& statement,
                               const std::vector<std::byte>& named) {
    const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(statement);
    if (!receipt.ok()) return;
    say_checkpoint(named);
    said.insert({{made_at(named), true, receipt->receipt.number}, statement});
  };
  std::vector<Anchor> anchors;
  for (const VaultBook& book : vaults_) {
    for (const Track& track : book.tracks) {
      if (track.claim) say_checkpoint(track.claim->statement);
      say_receipt(track.receipt, track.named);
    }
    say_checkpoint(book.newest_checkpoint);
    if (!book.mode.empty()) anchors.push_back({EvidenceKind::kControl, book.mode});
  }
  // The next checkpoint may name what none has named yet.
  for (const SiteBook& site : sites_) say_receipt(site.newest, site.named);
  for (const auto& [place, statement] : said) {
    const bool is_receipt = std::get<1>(place);
    anchors.push_back({is_receipt ? EvidenceKind::kReceipt : EvidenceKind::kCheckpoint, statement});
  }
  return anchors;
}

}  // namespace tidemark
