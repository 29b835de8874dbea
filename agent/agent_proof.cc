// The agent's evidence: who tells the keeper of it what, and what `rpo` asks of it.
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/agent.h"
#include "agent/failure.h"
#include "agent/proof/rpo_export.h"
#include "agent/rpo_json.h"
#include "agent/source/lag_clock.h"

namespace tidemark {
namespace {

constexpr absl::Duration kSampleInterval = absl::Seconds(1);
constexpr absl::Duration kPeriod = absl::Hours(24);  // of `rpo`, when none is given

Task<absl::StatusOr<CanonicalHeader>> HeaderFrom(Io*, RecordSource* source, VaultId vault,
                                                 uint64_t sequence) {
  absl::StatusOr<CanonicalHeader> header = co_await source->Head(vault, sequence);
  co_return header;
}

// As `--keys` takes them.
std::string KeysText(const ExportManifest& manifest) {
  std::string text =
      absl::StrFormat("agent %s %s\n", manifest.agent, ToHex(manifest.agent_key.bytes));
  for (const ExportManifest::Site& site : manifest.sites)
    text += absl::StrFormat("site %s %s\n", site.name, ToHex(site.key.bytes));
  return text;
}

ExportManifest::File FileOf(const std::string& name, const std::string& content) {
  return {name, content.size(), HashBytes(AsBytes(content))};
}

}  // namespace

void Agent::AttachProof() {
  ProofKeeper::Options options;
  options.journal = options_.proof;
  for (const Site& site : options_.sites)
    options.sites.push_back({site.address.name, site.is_primary});
  for (const VaultSetup& setup : options_.vaults) {
    options.vaults.push_back(
        {setup.options.id, setup.options.name, setup.data_class, setup.options.rpo_target});
  }
  proof_ = std::make_unique<ProofKeeper>(io_, std::move(options));
  ProofKeeper* proof = proof_.get();
  for (size_t i = 0; i < links_.size(); ++i) {
    ReceiptHooks hooks;
    const std::string site = options_.sites[i].address.name;
    hooks.shown = [proof, site](const PublicKey& key, const std::string& certificate_pem) {
      proof->identities()->Show(site, {key, certificate_pem});
    };
    hooks.told = [proof, i](const SignedReceipt& receipt, bool of_our_log) {
      proof->OnReceipt(i, receipt, of_our_log);
    };
    hooks.kept = [proof, i](const StoreId& store) { return proof->KeptWithoutGap(i, store); };
    hooks.wanted = [proof, i](const StoreId& store) { return proof->Wanted(i, store); };
    hooks.told_all = [proof, i](const StoreId& store, ReceiptAudit::Gap wanted, uint64_t oldest) {
      proof->OnToldAll(i, store, wanted, oldest);
    };
    links_[i]->KeepReceipts(std::move(hooks));
  }
  for (size_t v = 0; v < vaults_.size(); ++v) {
    LogWriter* log = vaults_[v]->log();
    log->NameReceipts([proof] { return proof->NamedReceipts(); });
    log->OnCheckpoint([proof](const SignedCheckpoint& made) { proof->OnCheckpoint(made); });
    log->OnControl([proof](const CanonicalHeader& header, ByteSpan payload) {
      proof->OnControl(header, payload);
    });
    log->KnowBefore([proof, v](SiteIndex site) {
      std::optional<LogWriter::ProvenBefore> before;
      const Ledger::Proven proven = proof->ProvenOf(v, site);
      if (proven.taken.has_value())
        before = {absl::FromUnixNanos(*proven.taken), proven.held_sequence};
      return before;
    });
  }
}

// Without evidence the agent works all the same; its health says so.
Task<> Agent::OpenProof() {
  if (proof_ == nullptr) co_return;
  absl::Status opened = co_await proof_->Open();
  (void)opened;
}

Task<> Agent::SampleRpo() {
  while (!stopping_) {
    for (size_t v = 0; v < vaults_.size(); ++v) {
      const LagBook* book = vaults_[v]->log()->lag_or_null();
      for (size_t s = 0; s < links_.size(); ++s) {
        LagBook::Lag lag;
        if (book != nullptr) lag = book->Of(static_cast<SiteIndex>(s), LagNow(io_));
        proof_->Sample(v, s, lag.replication_lag, lag.rpo_actual);
      }
    }
    Op sleep = io_->Sleep(kSampleInterval);
    sample_sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    sample_sleep_ = nullptr;
    (void)slept;
  }
}

void Agent::AddProof(StatusReport* report) const {
  if (proof_ == nullptr) return;
  for (const RpoFigures& figures : proof_->Figures()) {
    for (VaultStatus& vault : report->vaults) {
      for (VaultSiteStatus& site : vault.sites) {
        if (vault.name != figures.vault || site.name != figures.site) continue;
        site.minutes_missed = figures.minutes_missed;
        site.minutes_unknown = figures.minutes_unknown;
        site.share_within_target = figures.share_within_target;
      }
    }
  }
  for (size_t i = 0; i < links_.size(); ++i) report->sites[i].conviction = proof_->conviction(i);
  report->proof_trouble = std::string(proof_->trouble().message());
}

Task<absl::StatusOr<RpoReport>> Agent::Rpo(RpoCall call, tidemark::Call* events) {
  if (proof_ == nullptr || proof_->journal() == nullptr)
    co_return absl::UnavailableError("this agent keeps no receipts");
  if (!call.vault.empty()) {
    absl::StatusOr<Vault*> known = FindVault(call.vault);
    if (!known.ok()) co_return known.status();
  }
  const absl::Time now = io_->Now();
  const absl::Time until = std::min(call.until.value_or(now), now);
  const absl::Time since = call.since.value_or(until - kPeriod);
  if (since >= until) co_return absl::InvalidArgumentError("--since must lie before --until");
  RpoExport made(proof_.get(), since, until, call.vault);
  absl::Status read = co_await made.Survey();
  if (!read.ok()) co_return read;
  RpoReport report;
  report.at = now;
  for (const RpoFigures& row : proof_->Figures()) {
    if (call.vault.empty() || row.vault == call.vault) report.figures.push_back(row);
  }
  if (call.for_export) {
    RpoExport* from = &made;
    absl::Status written = co_await WriteExport(from, &call, &report, events);
    if (!written.ok()) co_return written;
  } else {
    absl::Status counted = co_await made.Count(-1);
    if (!counted.ok()) co_return counted;
    report.ledger = made.ledger();
  }
  report.facts.insert(report.facts.begin(), made.facts().begin(), made.facts().end());
  report.receipts = made.receipts();
  report.checkpoints = made.checkpoints();
  report.records = made.records();
  co_return std::move(report);
}

Task<absl::Status> Agent::WriteExport(RpoExport* from, const RpoCall* call, RpoReport* report,
                                      tidemark::Call* events) {
  ExportManifest manifest;
  manifest.agent = options_.name;
  manifest.agent_key = identity_->public_key();
  manifest.made_at_nanos = absl::ToUnixNanos(report->at);
  manifest.since_nanos = from->terms().since;
  manifest.until_nanos = from->terms().until;
  std::string certificates = options_.certificates_pem;
  for (const std::unique_ptr<SiteLink>& link : links_) {
    const SiteIdentities::Identity* identity = proof_->identities()->Find(link->name());
    const PublicKey key = identity == nullptr ? link->site_key() : identity->key;
    manifest.sites.push_back({link->name(), link->options().is_primary, key});
    if (identity != nullptr) certificates += identity->certificate_pem;
    if (identity == nullptr || identity->certificate_pem.empty())
      report->facts.push_back("site " + link->name() + " has shown no certificate to this agent: " +
                              "the export has none of it");
  }
  for (size_t v = 0; v < from->terms().vaults.size(); ++v) {
    const Ledger::VaultTerms& terms = from->terms().vaults[v];
    absl::StatusOr<Vault*> vault = FindVault(terms.name);
    if (!vault.ok()) co_return vault.status();
    std::string data_class;
    for (const VaultSetup& setup : options_.vaults) {
      if (setup.options.id == terms.id) data_class = setup.data_class;
    }
    manifest.vaults.push_back({terms.id, terms.name, data_class, terms.target});
    RecordSource* source = (*vault)->source();
    Io* io = io_;
    RpoExport::HeaderSource headers = [io, source](VaultId id, uint64_t sequence) {
      return HeaderFrom(io, source, id, sequence);
    };
    const LogWriter* log = (*vault)->log();
    std::optional<uint64_t> tail;
    if (log->open()) tail = log->window().tail().sequence;
    absl::Status chained = co_await from->WriteHeaders(v, tail, std::move(headers), call->output);
    if (!chained.ok()) co_return chained;
    events->Progress(v + 1, from->terms().vaults.size() + 1);
  }
  absl::Status written = co_await from->Count(call->output);
  if (!written.ok()) co_return written;
  report->ledger = from->ledger();
  manifest.gaps = from->gaps();
  manifest.files.push_back(from->EvidenceFile());
  report->evidence_bytes = manifest.files.back().bytes;
  const std::pair<const char*, std::string> files[] = {{kLedgerName, ToJson(report->ledger) + "\n"},
                                                       {kCertificatesName, certificates},
                                                       {kKeysName, KeysText(manifest)}};
  for (const auto& [name, content] : files) {
    manifest.files.push_back(FileOf(name, content));
    report->files.emplace_back(name, content);
  }
  report->files.emplace_back(kManifestName,
                             std::string(AsText(SignManifest(*identity_, manifest))));
  co_return absl::OkStatus();
}

}  // namespace tidemark
