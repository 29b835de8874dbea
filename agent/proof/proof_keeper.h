// The agent's evidence and what follows from it: takes every receipt and checkpoint in, keeps them
// in a journal, watches for sites that sign two histories, and keeps the ledger of thirty days.
//
//   Open, then Run until Stop; OnReceipt and the like at any time after Open
// Nothing waits for it. What it could not keep it does not let the agent name.
#ifndef TIDEMARK_AGENT_PROOF_PROOF_KEEPER_H_
#define TIDEMARK_AGENT_PROOF_PROOF_KEEPER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/proof/evidence_journal.h"
#include "agent/proof/minute_book.h"
#include "agent/proof/rpo_figures.h"
#include "agent/proof/site_identities.h"
#include "replicator/breach_forecast.h"
#include "replicator/export_manifest.h"
#include "replicator/ledger.h"
#include "replicator/receipt_audit.h"

namespace tidemark {

class ProofKeeper : public Ledger::MinuteListener {
 public:
  struct Site {
    std::string name;
    bool is_primary = true;
  };
  struct Vault {
    VaultId id;
    std::string name, data_class;
    absl::Duration target;
  };
  struct Options {
    EvidenceJournal::Options journal;
    std::vector<Site> sites;  // in the order of their links' indexes
    std::vector<Vault> vaults;
    absl::Duration flush_interval = absl::Seconds(1);
    absl::Duration minutes_interval = absl::Minutes(5);
  };
  ProofKeeper(Io* io, Options options);
  Io* io() const { return io_; }
  // Reads what an earlier agent left. After an error nothing is kept, and trouble() says why.
  Task<absl::Status> Open();
  Task<> Run();
  void Stop();

  // Its signature was checked. Not `of_our_log`: kept as evidence, believed in nothing. False: it
  // is known already.
  bool OnReceipt(size_t site, const SignedReceipt& receipt, bool of_our_log);
  void OnCheckpoint(const SignedCheckpoint& checkpoint);
  void OnControl(const CanonicalHeader& header, ByteSpan payload);
  // The newest of each site, for checkpoints to name.
  std::vector<Digest> NamedReceipts() const;

  // Receipts of a store are kept up to here, or the site has them no more: it tells those behind.
  uint64_t KeptWithoutGap(size_t site, const StoreId& store) const;
  // Runs of them that are missing: lost, or turned away by a full journal.
  std::vector<ReceiptAudit::Gap> Missing(size_t site, const StoreId& store) const;
  // The first of those that the site can be asked for now.
  std::optional<ReceiptAudit::Gap> Wanted(size_t site, const StoreId& store);
  // It told what it has of those; `oldest`: the first that it remembers at all, or 0.
  void OnToldAll(size_t site, const StoreId& store, ReceiptAudit::Gap wanted, uint64_t oldest);
  // The first receipt that the site remembers, where it was asked for older ones; 0: it was not.
  uint64_t OldestTold(size_t site, const StoreId& store) const;
  // Why a site is known to have signed two histories; empty: it is not.
  const std::string& conviction(size_t site) const { return books_[site].conviction; }
  // By receipts, until which instant the site holds everything, and from where on in its log.
  Ledger::Proven ProvenOf(size_t vault, size_t site) const;

  // Once a second or so: the live figures of a vault at a site.
  void Sample(size_t vault, size_t site, std::optional<absl::Duration> lag,
              std::optional<absl::Duration> rpo);
  std::vector<RpoFigures> Figures() const;
  const absl::Status& trouble() const { return trouble_; }
  uint64_t dropped() const { return dropped_; }
  SiteIdentities* identities() { return &identities_; }
  const Options& options() const { return options_; }
  EvidenceJournal* journal() { return journal_.get(); }  // null before Open
  // What was taken until now can be read from the journal.
  Task<absl::Status> Flush();

  void OnMinute(const Ledger::Minute& minute) override;

 private:
  struct StoreBook {
    std::unique_ptr<ReceiptAudit> audit;
    std::map<uint64_t, Digest> disowned;      // receipts of another log; the audit has none of them
    uint64_t dropped_upto = 0;                // the newest that was turned away
    uint64_t gone_upto = 0, oldest_told = 0;  // what is missing up to there cannot be had
    bool dropped_since_asked = false;
  };
  struct SiteBook {
    std::map<StoreId, StoreBook> stores;
    std::vector<std::byte> convicting;  // the first receipt of another log
    ProofFindings findings;
    Digest named;
    StoreId store;
    std::vector<std::byte> newest;
    uint64_t newest_number = 0;
    std::string conviction;
  };
  struct Row {  // of a vault at a site
    MinuteBook minutes;
    BreachForecast forecast;
    std::optional<absl::Duration> lag, rpo;
  };
  class AuditReplay;
  class LedgerReplay;

  const StoreBook* FindStore(size_t site, const StoreId& store) const;
  static bool IsKnown(const StoreBook& store, const SignedReceipt& receipt, const Digest& digest);
  void Take(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes, EvidenceMarks marks);
  void Audit(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes, EvidenceMarks marks);
  void Disown(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes);
  void NoteNewest(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes);
  std::string Anchors() const;
  Task<> ReplayFrom(absl::Time since);
  Task<> ReadSegments(size_t first, std::function<std::unique_ptr<EvidenceSink>(bool)> sink_for);
  std::vector<Ledger::Gap> AllMissing() const;
  Task<> LoadMinutes();
  Task<> SaveMinutes();
  Row& RowOf(size_t vault, size_t site) { return rows_[vault * options_.sites.size() + site]; }
  const Row& RowOf(size_t vault, size_t site) const {
    return rows_[vault * options_.sites.size() + site];
  }
  std::string MinutesPath() const { return options_.journal.directory + "/minutes"; }

  // Constant after construction.
  Io* io_;
  Options options_;
  // Owned by the loop thread.
  SiteIdentities identities_;
  std::unique_ptr<EvidenceJournal> journal_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<SiteBook> books_;
  std::vector<Row> rows_;
  absl::Status trouble_;
  absl::Time minutes_saved_ = absl::InfinitePast();
  uint64_t dropped_ = 0;
  bool stopping_ = false, flushing_ = false;
  Op* sleep_ = nullptr;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PROOF_PROOF_KEEPER_H_
