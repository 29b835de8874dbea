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

  // The newest that an earlier agent kept of a site; empty: none.
  const std::vector<std::byte>& newest_receipt(size_t site) const { return books_[site].newest; }
  // How many receipts of a store are kept, up to the first that is missing.
  uint64_t KeptWithoutGap(size_t site, const StoreId& store) const;
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
  const Options& options() const { return options_; }
  EvidenceJournal* journal() { return journal_.get(); }  // null before Open
  // What was taken until now can be read from the journal.
  Task<absl::Status> Flush();

  void OnMinute(const Ledger::Minute& minute) override;

 private:
  struct SiteBook {
    std::map<StoreId, std::unique_ptr<ReceiptAudit>> audits;
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
  class Replay;

  void Audit(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes, bool is_anchor);
  void NoteNewest(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes);
  std::string Anchors() const;
  Task<> ReplayFrom(absl::Time since);
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
