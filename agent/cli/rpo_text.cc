#include "agent/cli/rpo_text.h"

#include "absl/strings/str_format.h"
#include "agent/cli/output.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr size_t kIntervalsShown = 20;  // of a site; --json has all

std::string Nanos(int64_t nanos) { return FormatSeconds(static_cast<double>(nanos) / 1e9); }

std::string At(int64_t nanos) { return FormatRfc3339(absl::FromUnixNanos(nanos)); }

std::string Share(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return absl::StrFormat("%.2f %%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string NowText(const RpoReport& report) {
  std::vector<std::vector<std::string>> rows = {{"NOW", "SITE", "CLASS", "LAG", "RPO", "PROVED",
                                                 "TARGET", "30 D MISSED", "WITHIN", "OUTLOOK"}};
  for (const RpoFigures& row : report.figures) {
    std::string outlook = "-";
    if (row.breach_in_seconds.has_value())
      outlook = *row.breach_in_seconds == 0 ? "breached"
                                            : "at the present rate this breaches in " +
                                                  FormatSeconds(row.breach_in_seconds);
    std::string missed = absl::StrFormat("%d min", row.minutes_missed);
    if (row.minutes_unknown > 0) missed += absl::StrFormat(" + %d unknown", row.minutes_unknown);
    const std::string within = row.share_within_target.has_value()
                                   ? absl::StrFormat("%.2f %%", *row.share_within_target * 100)
                                   : "-";
    rows.push_back({row.vault, row.site, row.data_class, FormatSeconds(row.lag_seconds),
                    FormatSeconds(row.rpo_seconds), FormatSeconds(row.proved_rpo_seconds),
                    FormatSeconds(row.target_seconds), missed, within, outlook});
  }
  return Columns(rows);
}

std::string IntervalText(const std::string& who, const LedgerInterval& interval) {
  constexpr const char* kWords[] = {"", "above target", "unknown", "absent", "quorum mode"};
  std::string line =
      absl::StrFormat("  %s: %s from %s for %s", who, kWords[static_cast<size_t>(interval.kind)],
                      At(interval.from), Nanos(interval.to - interval.from));
  if (interval.worst > 0) line += ", RPO up to " + Nanos(interval.worst);
  return line + "\n";
}

}  // namespace

std::string LedgerText(const LedgerReport& ledger) {
  std::string text = absl::StrFormat("ledger from %s to %s\n", At(ledger.since), At(ledger.until));
  std::vector<std::vector<std::string>> rows = {{"VAULT", "SITE", "RPO WORST", "P50", "P99",
                                                 "LAG WORST", "ABOVE", "MINUTES", "UNKNOWN",
                                                 "BYTES WITHIN"}};
  std::string intervals;
  for (const VaultLedger& vault : ledger.vaults) {
    for (const SiteLedger& site : vault.sites) {
      const bool known = site.known > 0;
      rows.push_back({vault.name, site.site, known ? Nanos(site.rpo.worst) : "-",
                      known ? Nanos(site.rpo.p50) : "-", known ? Nanos(site.rpo.p99) : "-",
                      known ? Nanos(site.lag.worst) : "-", Nanos(site.above),
                      std::to_string(site.minutes_missed), Nanos(site.unknown),
                      Share(site.bytes_within, site.bytes)});
      for (size_t i = 0; i < site.intervals.size() && i < kIntervalsShown; ++i)
        intervals += IntervalText(vault.name + " at " + site.site, site.intervals[i]);
      if (site.intervals.size() > kIntervalsShown)
        intervals += absl::StrFormat("  %s at %s: %d more\n", vault.name, site.site,
                                     site.intervals.size() - kIntervalsShown);
    }
    for (const LedgerInterval& interval : vault.quorum)
      intervals += IntervalText(vault.name, interval);
    for (const ModeFact& mode : vault.modes)
      intervals += absl::StrFormat("  %s: %s mode since %s: %s\n", vault.name,
                                   mode.is_quorum ? "quorum" : "strict", At(mode.at), mode.reason);
    for (const EpochFact& epoch : vault.epochs)
      intervals +=
          absl::StrFormat("  %s: epoch %d began %s\n", vault.name, epoch.epoch, At(epoch.at));
  }
  return text + Columns(rows) + intervals;
}

std::string FactsText(const std::vector<std::string>& facts) {
  std::string text;
  for (const std::string& fact : facts) text += "note: " + fact + "\n";
  return text;
}

std::string RpoText(const RpoReport& report) {
  return NowText(report) + "\n" + LedgerText(report.ledger) + FactsText(report.facts) +
         "proved: what each site held, in which order; the agent's word: when it was captured\n";
}

}  // namespace tidemark
